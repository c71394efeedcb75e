#include "option_text.h"

#include <vector>

#include "keyshift/config/nearest.h"
#include "value.h"

namespace keyshift::config {

Result<Value> parse_named(const Option& option, std::string_view text, const Ttls& ttls) {
  if (option.type != OptionType::kTtl) return parse_value(option, text);
  if (const auto ttl = ttls.find(text); ttl != ttls.end())
    return parse_value(option, std::to_string(ttl->second) + "ms");
  const std::string_view word = trim(text);
  if (!word.empty() && word[0] != '-' && (word[0] < '0' || word[0] > '9'))
    return fail("is neither a duration such as \"90s\" nor a name from [ttl]");
  return parse_value(option, text);
}

std::string suggest_text(const Option& option, std::string_view text, const Ttls& ttls) {
  std::string near;
  switch (option.type) {
    case OptionType::kChoice:
      near = nearest(text, option.choice_list());
      break;
    case OptionType::kTtl: {
      std::vector<std::string> names;
      for (const auto& [name, ms] : ttls) names.push_back(name);
      near = nearest(text, names);
      if (!near.empty()) return quoted_text(near);
      near = nearest_duration(text);
      break;
    }
    case OptionType::kDuration:
      near = nearest_duration(text);
      // A number without a unit is seconds, but for one that so many of would be hours.
      if (const auto number = parse_integer(text); number && *number >= 1'000) near = duration_text(*number);
      break;
    case OptionType::kSize:
      near = nearest_size(text);
      break;
    case OptionType::kPercent:
      // "5" where "5%" is wanted.
      if (parse_percent(std::string(trim(text)) + "%")) near = std::string(trim(text)) + "%";
      break;
    default:
      break;
  }
  const bool helps = !near.empty() && near != text && parse_named(option, near, ttls);
  return helps ? quoted_text(near) : std::string();
}

}  // namespace keyshift::config
