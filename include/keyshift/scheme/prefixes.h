// Prefixes of client names as prefixes of physical names, for what is asked by prefix (CLIENT TRACKING ON BCAST PREFIX).
//
//   rule: writing_stats:{user}:{days:int}d  ->  analytics:writing_stats:user:{user}:days:{days}d
//   writing_stats:u1
//     physical   writing_stats:u1                               keys of no rule that are called so
//                analytics:writing_stats:user:u1
//
// Together they hold every key that has a name with the client's prefix, of either naming, and perhaps more: who shows a
// key's names filters them by the client's own prefix. None of them begins with another.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "keyshift/scheme/ruleset.h"

namespace keyshift::scheme {

// Cost: that of translate_pattern(). A prefix longer than KeyPattern::kMaxGlob counts as far as that.
std::vector<std::string> physical_prefixes(const Ruleset& rules, std::string_view prefix, int db,
                                           const View& view);

// Sorts, and drops each prefix that begins with another one.
void drop_covered_prefixes(std::vector<std::string>& prefixes);

}  // namespace keyshift::scheme
