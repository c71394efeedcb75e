// What the names are that a glob fits: the glob beside the matcher's automaton, token by token.
//
// match() says what one name is; this says it of all names of a glob at once, so that a physical pattern is asked for
// exactly when some name needs it.
//
//   rule: topics:{user}:list -> content:topics:user:{user}
//   t*:list        names of the rule's legacy side (topics:a:list), and names of no rule (t:list)
//   topics:a:list  the rule's only: there is no other name that it fits
//
// Exact, but for names of a side that another side contests, of a more specific rule or of the same one: those count as
// shown. Cost: the states of the automaton that the glob can reach, for each token; beyond kMaxVisits (some
// milliseconds) the answer is "anything".
#pragma once

#include <cstdint>
#include <vector>

#include "glob_token.h"
#include "keyshift/scheme/ruleset.h"

namespace keyshift::scheme {

class GlobReadings {
 public:
  // States whose ways for many bytes are followed. For one byte that costs next to nothing.
  static constexpr size_t kMaxVisits = 50'000;
  static constexpr size_t kCheapVisits = 64;  // count as one

  GlobReadings(const Ruleset& rules, const GlobTokens& glob, int db, const View& view);

  // Never much more than kMaxVisits.
  size_t visits() const { return visits_; }
  // False if the limit was met: then nothing else here holds.
  bool complete() const { return complete_; }
  // Does a name that is read as this side of this rule fit?
  bool fits(uint32_t rule, Naming side) const { return sides_[2 * size_t{rule} + static_cast<size_t>(side)]; }
  bool fits_side(Naming side) const { return any_side_[static_cast<size_t>(side)]; }
  // Can a fitting name of this side be shown in a reply whose names are `naming`?
  bool shows(uint32_t rule, Naming side, Naming naming) const;
  // Does a fitting name, shown in such a reply, call a key of the very same bytes?
  bool shows_own(Naming naming) const;
  // Does a fitting name, of whatever naming, call a key of the very same bytes?
  bool calls_own() const;
  // Does a fitting name of no rule and no domain get the view's prefix?
  bool prefixed() const { return prefixed_; }

 private:
  void walk(const GlobTokens& glob);
  void classify(uint32_t accept_set);

  const Ruleset& rules_;
  const int db_;
  const View& view_;
  size_t visits_ = 0;
  bool complete_ = true;
  bool foreign_ = false;  // a name that no rule knows, which is its own key
  bool prefixed_ = false;
  std::vector<bool> sides_;  // by 2 * rule + side
  bool any_side_[2] = {};
};

}  // namespace keyshift::scheme
