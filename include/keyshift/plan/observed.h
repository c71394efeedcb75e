// is_observed: whether a key is in phase legacy, where names and expiries are counted and not changed.
#pragma once

#include "keyshift/scheme/ruleset.h"

namespace keyshift::plan {

// `phase` is that of keys that fit no rule.
inline bool is_observed(const scheme::Ruleset& rules, scheme::Phase phase, const scheme::Match& match) {
  return (match.kind == scheme::Match::Kind::kRule ? rules.rules()[match.rule].phase : phase) ==
         scheme::Phase::kLegacy;
}

}  // namespace keyshift::plan
