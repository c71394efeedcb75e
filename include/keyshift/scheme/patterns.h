// Patterns of client names (KEYS, SCAN MATCH, SORT BY and GET) as patterns of physical names.
//
// A glob in client names is answered in two steps: ask Redis for the physical patterns, which together hold every match
// and perhaps more; then show each key by client_name(), which filters by the client's own glob. What the client gets is
// exactly what one Redis with its names would have answered.
//
//   rule: writing_stats:{user}:{days:int}d  ->  analytics:writing_stats:user:{user}:days:{days}d
//   KEYS writing_stats:*
//     physical   writing_stats:*                               keys of no rule that are called so
//                analytics:writing_stats:user:*:days:*d
//     client_name("analytics:writing_stats:user:u1:days:30d")  ->  "writing_stats:u1:30d"
//
// Replies use the view's names, unless the pattern tells: `analytics:*` on a legacy listener can only mean consolidated
// names, so those are shown.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "keyshift/base/buffer.h"
#include "keyshift/base/result.h"
#include "keyshift/scheme/ruleset.h"

namespace keyshift::scheme {

struct KeyPattern {
  // More than this many patterns, or a glob longer than kMaxGlob, become the one pattern `*`.
  static constexpr size_t kMaxPatterns = 8;
  static constexpr size_t kMaxGlob = 1024;

  std::string glob;                   // the client's own
  std::vector<std::string> physical;  // at least one; together they hold every match; no order
  Naming naming = Naming::kLegacy;    // of the names in the reply
};

// Translates a client's glob.
KeyPattern translate_pattern(const Ruleset& rules, std::string_view glob, int db, const View& view);

// Appends the name of the key `physical` and returns true if the client sees it and its glob fits that name; else
// appends nothing. A key may be found by more than one physical pattern: showing it once is the caller's.
bool client_name(const Ruleset& rules, const KeyPattern& pattern, std::string_view physical, int db,
                 const View& view, Buffer& out);

// Translates a pattern of SORT's BY or GET, where the first `*` stands for an element and `->field` behind it for a hash
// field: `weight_*->f` becomes `shop:weight:id:*->f`. The element is taken as bytes inside one capture. A pattern without
// `*` stays as it is. Fails when different elements could mean different rules: then nothing right can be sent.
Result<std::string> translate_sort_pattern(const Ruleset& rules, std::string_view pattern, int db,
                                           const View& view);

}  // namespace keyshift::scheme
