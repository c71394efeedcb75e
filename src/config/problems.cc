#include "problems.h"

#include <fmt/format.h>

#include "value.h"

namespace keyshift::config {

std::string Place::text() const {
  if (line == 0) return source;
  return source + ":" + std::to_string(line) + ":" + std::to_string(column);
}

std::string Problem::render() const {
  std::string out = Place{source, line, column}.text();
  if (!out.empty()) out += ": ";
  out += text;
  if (!suggestion.empty()) out += "; did you mean " + suggestion + "?";
  return out;
}

void Problems::add(const Place& place, std::string text, std::string suggestion) {
  problems_.push_back({place.source, place.line, place.column, std::move(text), std::move(suggestion)});
}

void Problems::add_bad_value(const Place& place, const Option& option, std::string_view said,
                             std::string_view given, std::string_view reason) {
  std::string suggestion;
  if (option.type == OptionType::kChoice) suggestion = nearest(given, option.choice_list());
  // "30" where a duration is wanted: most often seconds.
  if ((option.type == OptionType::kDuration || option.type == OptionType::kTtl) && parse_integer(given))
    suggestion = std::string(given) + "s";
  if (!suggestion.empty()) suggestion = fmt::format("\"{}\"", suggestion);
  add(place, std::string(said) + ": " + std::string(reason), std::move(suggestion));
}

}  // namespace keyshift::config
