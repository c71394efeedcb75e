// judge: what a key's policy makes of the expiry that a request gives. Planner and StreamedTail ask it.
#pragma once

#include "keyshift/command/ttl.h"
#include "keyshift/scheme/ttl_policy.h"

namespace keyshift::plan {

// Requires: ttl.kind is kGiven.
inline scheme::TtlDecision judge(const scheme::TtlPolicy& policy, const command::Ttl& ttl, int64_t now_ms,
                                 uint64_t random) {
  const bool seconds = ttl.unit == command::Unit::kSeconds;
  const bool relative = ttl.base == command::Base::kRelative;
  return scheme::decide_explicit(
      policy, ttl.value, seconds ? scheme::TtlUnit::kSeconds : scheme::TtlUnit::kMilliseconds,
      relative ? scheme::TtlBase::kRelative : scheme::TtlBase::kAbsolute, now_ms, random);
}

inline bool is_rewritten(scheme::TtlAction action) {
  return action == scheme::TtlAction::kClamp || action == scheme::TtlAction::kOverride ||
         action == scheme::TtlAction::kDefault;
}

}  // namespace keyshift::plan
