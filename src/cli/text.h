// How the commands write what is no plain text: durations, sizes, counts, JSON of keys.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "keyshift/scheme/names.h"
#include "keyshift/scheme/ruleset.h"

namespace keyshift::cli {

using scheme::naming_name;
using scheme::phase_name;
using scheme::ttl_mode_name;
using scheme::unmatched_name;

using Json = nlohmann::ordered_json;

// "1h", "90s", as the configuration would say it.
std::string duration_text(int64_t ms);
// "1 234 567"
std::string count_text(uint64_t count);
// "1 rule", "2 rules"
std::string counted(uint64_t count, std::string_view noun);
// "0, 1, 2 and 4", "0 to 15", "0 to 3, 5 and 7": four in a row are a range. Requires: ascending numbers, at least one.
std::string numbers_text(const std::vector<int>& numbers);
// "1.4 GiB"
std::string bytes_text(uint64_t bytes);
// "12.5%"; "<0.1%" where rounding would say that there is nothing
std::string share_text(uint64_t part, uint64_t whole);

// "default 1h, 1m to 24h (clamp), jitter 5%", or "none"
std::string policy_text(const scheme::TtlPolicy& policy);

// A key in JSON, which holds text: as printable() says it. Null where there is none.
Json json_key(const std::optional<std::string>& key);
// Milliseconds, or null where nothing is set.
Json json_ttl(int64_t ms);
Json json_policy(const scheme::TtlPolicy& policy);
// One line; never throws, whatever the bytes.
std::string json_line(const Json& json);

}  // namespace keyshift::cli
