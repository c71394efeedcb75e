// Names of tables and options as the file has them, and what an unknown one may have meant.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace keyshift::config {

// All tables: "upstream", "listener", "domain", ...
const std::vector<std::string_view>& table_names();
// As it is written in the file: [upstream], [[rule]], [domain.NAME].
std::string shown_table(std::string_view name);

// A near name among the `known` of the same table, else the table in which this very name would be known. Empty:
// none.
std::string suggest_key(std::string_view given, const std::vector<std::string>& known);
// [domain.NAME] for [domains], [[rule]] for [rules]; where it `is_domain` by its options, [domain.x] for [x]. Empty:
// none.
std::string suggest_table(std::string_view given, bool is_domain);
// [domain.analytics.resource.daily] for `daily` in `shown`, [domain.analytics].
std::string suggest_resource(std::string_view given, std::string_view shown);

}  // namespace keyshift::config
