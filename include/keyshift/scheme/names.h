// The words of the configuration for what the scheme's enumerations say: in answers, JSON and logs.
//
//   phase_name(rule.phase)      "consolidated"
#pragma once

#include <array>

#include "keyshift/scheme/ruleset.h"
#include "keyshift/scheme/ttl_policy.h"

namespace keyshift::scheme {

inline const char* naming_name(Naming naming) {
  return naming == Naming::kLegacy ? "legacy" : "consolidated";
}

inline const char* phase_name(Phase phase) {
  return phase == Phase::kLegacy ? "legacy" : "consolidated";
}

inline const char* ttl_mode_name(TtlMode mode) {
  constexpr std::array<const char*, 3> kNames = {"keep", "clamp", "override"};
  return kNames[static_cast<size_t>(mode)];
}

inline const char* unmatched_name(Unmatched unmatched) {
  constexpr std::array<const char*, 3> kNames = {"pass", "refuse", "prefix"};
  return kNames[static_cast<size_t>(unmatched)];
}

inline const char* match_kind_name(Match::Kind kind) {
  constexpr std::array<const char*, 3> kNames = {"rule", "native", "unmatched"};
  return kNames[static_cast<size_t>(kind)];
}

}  // namespace keyshift::scheme
