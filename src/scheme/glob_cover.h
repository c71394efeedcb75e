// A set of patterns made small: none that the others hold already, and no more than wanted.
//
//   *:30d,  stats:*:days:30d              =>  *:30d                                 the second lies in the first
//   a:x:*,  a:y:*,  b:*     at most two   =>  a:*:*,  b:*                           the pair that loses the least
//   stats:*,  analytics:stats:user:*:d    =>  *stats:*                 at most one   what both have in common
#pragma once

#include <string>
#include <vector>

#include "glob_token.h"

namespace keyshift::scheme {

// Drops patterns until each takes a string that no other takes, and joins pairs until at most `most` are left; together
// they still take whatever they took. Where the proof that a pattern is dispensable would cost too much, it stays.
// Requires: most > 0.
void cover(std::vector<std::string>& patterns, size_t most);

// A pattern that takes whatever `one` or `two` takes: what they begin with, the longest runs that they share, what they
// end with. Between long ends that differ, runs are not looked for.
GlobTokens joined(const GlobTokens& one, const GlobTokens& two);

}  // namespace keyshift::scheme
