// planned_key: what is counted of a key, and whether it is in phase legacy, where names and expiries are counted and
// not changed. Planner and StreamedTail describe the keys that they write with it.
#pragma once

#include "keyshift/plan/plan.h"
#include "keyshift/scheme/ruleset.h"

namespace keyshift::plan {

// A rule's keys are in the rule's phase, a domain's other keys in the domain's; for the rest there is nothing to be
// done.
inline bool is_observed(const scheme::Ruleset& rules, const scheme::Match& match) {
  switch (match.kind) {
    case scheme::Match::Kind::kRule:
      return rules.rules()[match.rule].phase == scheme::Phase::kLegacy;
    case scheme::Match::Kind::kNative:
      return rules.domains()[match.domain].phase == scheme::Phase::kLegacy;
    case scheme::Match::Kind::kUnmatched:
      return false;
  }
  return false;
}

// `at` is the argument that the key stands in.
inline PlannedKey planned_key(const scheme::Ruleset& rules, const scheme::Match& match,
                              const scheme::View& view, uint32_t at) {
  const bool observed = is_observed(rules, match);
  return {.at = at,
          .rule = match.rule,
          .domain = match.domain,
          .rewritten = !match.identity || (observed && match.kind == scheme::Match::Kind::kRule),
          .by_other_name = match.kind == scheme::Match::Kind::kRule && match.side != view.naming,
          .observed = observed,
          .ttl = scheme::TtlAction::kNone};
}

}  // namespace keyshift::plan
