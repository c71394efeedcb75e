// Patterns of client names (KEYS, SCAN MATCH, SORT BY and GET) as patterns of physical names.
//
// A glob in client names is answered in two steps: ask Redis for the physical patterns, which together hold every match
// and perhaps more; then show each key by client_name(), which filters by the client's own glob. What the client gets
// is exactly what one Redis with its names would have answered.
//
//   rule: writing_stats:{user}:{days:int}d  ->  analytics:writing_stats:user:{user}:days:{days}d
//   KEYS writing_stats:*
//     physical   writing_stats:*                               keys of no rule that are called so
//                analytics:writing_stats:user:*:days:*d
//     client_name("analytics:writing_stats:user:u1:days:30d")  ->  "writing_stats:u1:30d"
//
// The physical patterns are the smallest set of these parts that holds every match:
//   - the glob itself, if some name that it fits calls the key of its own bytes. `writing_stats:u1:30d` fits no such
//     name: a key called so is a dead copy, which nobody sees
//   - the view's prefix and the glob, if some name that it fits gets the prefix
//   - for each rule, the glob laid over the rule's physical side, if some name that it fits is read as the rule's, and
//     its key lies on that side. What the glob says of a capture is kept; what it leaves open is `*`
//   - of these, none that lies in the others: `*:30d` holds `analytics:writing_stats:user:*:days:30d`
// Then, while there are more than wanted, two are joined to what they have in common: `writing_stats:*` and the second
// pattern above to `*writing_stats:*`.
//
// How many are wanted. SCAN takes one: a cursor walks one upstream SCAN. KEYS takes kMaxPatterns, each one more walk
// through the keyspace while Redis serves nobody else. Redis 7.0 with a million keys: 0.10 s for a pattern that begins
// with a literal, 0.40 s for one that begins with a star, 0.38 s for `*`, whose reply would be the whole keyspace, in
// the server's memory and in ours. So four patterns that begin with literals, as a rule's do, cost no more than one
// broad one, and answer no more than what is asked.
//
// Replies use the view's names, unless the pattern tells: `analytics:*` on a legacy listener can only mean consolidated
// names, so those are shown.
//
// Cost of a translation: the states of the ruleset that the glob can reach; no more than a bounded number of steps. Of
// a glob longer than kMaxGlob only the beginning goes upstream.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "keyshift/base/buffer.h"
#include "keyshift/base/result.h"
#include "keyshift/scheme/ruleset.h"

namespace keyshift::scheme {

struct KeyPattern {
  static constexpr size_t kMaxPatterns = 4;
  static constexpr size_t kMaxGlob = 512;

  std::string glob;                   // the client's own, whole
  std::vector<std::string> physical;  // at least one; together they hold every match; no order
  Naming naming = Naming::kLegacy;    // of the names in the reply
};

// Translates a client's glob to at most `most` patterns. Requires: most > 0.
KeyPattern translate_pattern(const Ruleset& rules, std::string_view glob, int db, const View& view,
                             size_t most = KeyPattern::kMaxPatterns);

// Appends the name of the key `physical` and returns true if the client sees it and its glob fits that name; else
// appends nothing. A key may be found by more than one physical pattern: showing it once is the caller's.
bool client_name(const Ruleset& rules, const KeyPattern& pattern, std::string_view physical, int db,
                 const View& view, Buffer& out);

// Translates a pattern of SORT's BY or GET, where the first `*` stands for an element and `->field` behind it for a
// hash field: `weight_*->f` becomes `shop:weight:id:*->f`. The element is taken as bytes inside one capture. A pattern
// without `*` stays as it is. Fails when different elements could mean different rules: then nothing right can be sent.
Result<std::string> translate_sort_pattern(const Ruleset& rules, std::string_view pattern, int db,
                                           const View& view);

}  // namespace keyshift::scheme
