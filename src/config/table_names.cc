#include "table_names.h"

#include <algorithm>

#include <fmt/format.h>

#include "keyshift/config/nearest.h"
#include "keyshift/config/option.h"
#include "value.h"

namespace keyshift::config {

const std::vector<std::string_view>& table_names() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> found{"ttl"};  // names, no options: no row speaks of it
    for (const Option& option : options())
      if (!option.table().empty() && std::ranges::count(found, option.table()) == 0)
        found.push_back(option.table());
    return found;
  }();
  return names;
}

std::string shown_table(std::string_view name) {
  if (name == "listener" || name == "rule") return fmt::format("[[{}]]", name);
  return name == "domain" || name == "user" ? fmt::format("[{}.NAME]", name) : fmt::format("[{}]", name);
}

std::string suggest_key(std::string_view given, const std::vector<std::string>& known) {
  for (const Option& option : options())
    if (option.key() == given && !option.table().empty())
      return quoted_text(given) + " in " + shown_table(option.table());
  for (const Option& option : options())
    if (option.key() == given) return quoted_text(given) + " at the top of the file, above the first table";
  const std::string near = nearest(given, known);
  return near.empty() ? near : quoted_text(near);
}

std::string suggest_table(std::string_view given, bool is_domain) {
  const std::vector<std::string> names(table_names().begin(), table_names().end());
  if (const std::string near = nearest(given, names); !near.empty()) return shown_table(near);
  return is_domain ? fmt::format("[domain.{}]", given) : std::string();
}

std::string suggest_resource(std::string_view given, std::string_view shown) {
  return fmt::format("{}.resource.{}]", shown.substr(0, shown.size() - 1), given);
}

}  // namespace keyshift::config
