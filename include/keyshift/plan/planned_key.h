// planned_key: what is counted of a key, and whether it is in phase legacy, where names and expiries are counted and not
// changed. Planner and StreamedTail describe the keys that they write with it.
#pragma once

#include "keyshift/plan/plan.h"
#include "keyshift/scheme/ruleset.h"

namespace keyshift::plan {

// `phase` is that of keys that fit no rule.
inline bool is_observed(const scheme::Ruleset& rules, scheme::Phase phase, const scheme::Match& match) {
  return (match.kind == scheme::Match::Kind::kRule ? rules.rules()[match.rule].phase : phase) ==
         scheme::Phase::kLegacy;
}

inline PlannedKey planned_key(const scheme::Ruleset& rules, scheme::Phase phase, const scheme::Match& match) {
  const bool observed = is_observed(rules, phase, match);
  return {.rule = match.rule,
          .domain = match.domain,
          .rewritten = !match.identity || (observed && match.kind == scheme::Match::Kind::kRule),
          .observed = observed,
          .ttl = scheme::TtlAction::kNone};
}

}  // namespace keyshift::plan
