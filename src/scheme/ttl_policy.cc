#include "keyshift/scheme/ttl_policy.h"

#include <algorithm>

namespace keyshift::scheme {
namespace {

constexpr int64_t kForever = std::numeric_limits<int64_t>::max();
constexpr int64_t kLongest = int64_t{1}
                             << 52;  // that is spread: above it a double does not hold every millisecond

struct Bounds {
  int64_t low;
  int64_t high;
};

// min..max as milliseconds from now, wide open where unset. A min above the max gives way: the max is the promise.
Bounds bounds_of(const TtlPolicy& policy) {
  const int64_t high = policy.max_ms == TtlPolicy::kUnset ? kForever : policy.max_ms;
  const int64_t low = policy.min_ms == TtlPolicy::kUnset ? 1 : policy.min_ms;
  return {std::min(low, high), high};
}

// The default, spread evenly over that part of its jitter that lies in the bounds: were it brought into them only then,
// half of the keys would have the bound itself where it is also the default, and expire together after all.
int64_t spread_default(const TtlPolicy& policy, uint64_t random) {
  const Bounds bounds = bounds_of(policy);
  const int64_t middle = std::clamp(policy.default_ms, bounds.low, bounds.high);
  if (policy.jitter <= 0) return std::max(middle, int64_t{1});
  // Rounded down, so at most the default itself; a double holds every duration that a configuration can have.
  const auto reach = static_cast<int64_t>(static_cast<double>(std::min(middle, kLongest)) *
                                          std::clamp(policy.jitter, 0.0, 1.0));
  const int64_t shortest = std::max({bounds.low, middle - reach, int64_t{1}});
  const int64_t longest = std::min(bounds.high, middle > kForever - reach ? kForever : middle + reach);
  const double unit = static_cast<double>(random >> 11) * 0x1p-53;  // 0 <= unit < 1
  return shortest + static_cast<int64_t>(static_cast<double>(longest - shortest) * unit + 0.5);
}

// A point in milliseconds as whole seconds: the nearest that stays within low..high, else the last before high, but
// always later than `after`.
int64_t to_seconds(int64_t point, int64_t low, int64_t high, int64_t after) {
  const int64_t last = high / 1000;
  const int64_t first = low / 1000 + (low % 1000 != 0 ? 1 : 0);
  const int64_t nearest = point / 1000 + (point % 1000 >= 500 ? 1 : 0);
  const int64_t bounded = std::min(std::max(nearest, first), last);
  return std::max(bounded, after / 1000 + 1);
}

int64_t add(int64_t now_ms, int64_t ttl_ms) {
  return ttl_ms > kForever - now_ms ? kForever : now_ms + ttl_ms;
}

}  // namespace

const char* ttl_action_name(TtlAction action) {
  switch (action) {
    case TtlAction::kNone:
      return "none";
    case TtlAction::kDefault:
      return "default";
    case TtlAction::kClamp:
      return "clamp";
    case TtlAction::kOverride:
      return "override";
    case TtlAction::kKeep:
      return "keep";
  }
  return "none";
}

TtlDecision decide_missing(const TtlPolicy& policy, uint64_t random) {
  if (policy.default_ms <= 0) return {TtlAction::kNone, 0};
  return {TtlAction::kDefault, spread_default(policy, random)};
}

TtlDecision decide_explicit(const TtlPolicy& policy, int64_t value, TtlUnit unit, TtlBase base,
                            int64_t now_ms, uint64_t random) {
  if (!policy.active()) return {TtlAction::kNone, value};
  const TtlDecision keep{TtlAction::kKeep, value};
  if (policy.mode == TtlMode::kKeep || value <= 0) return keep;
  if (unit == TtlUnit::kSeconds && value > kForever / 1000) return keep;
  const int64_t given = unit == TtlUnit::kSeconds ? value * 1000 : value;
  const bool absolute = base == TtlBase::kAbsolute;
  if (!absolute && given > kForever - now_ms) return keep;
  const int64_t asked = absolute ? given - now_ms : given;
  if (asked <= 0) return keep;  // in the past: Redis deletes the key, as the client asked

  const Bounds bounds = bounds_of(policy);
  TtlDecision decision{TtlAction::kClamp, 0};
  int64_t ttl_ms = 0;
  if (policy.mode == TtlMode::kOverride) {
    if (policy.default_ms <= 0) return keep;
    decision.action = TtlAction::kOverride;
    ttl_ms = spread_default(policy, random);
  } else {
    if (asked >= bounds.low && asked <= bounds.high) return keep;
    ttl_ms = std::clamp(asked, bounds.low, bounds.high);
  }

  const int64_t origin = absolute ? now_ms : 0;
  const int64_t point = add(origin, ttl_ms);
  decision.value = unit == TtlUnit::kMilliseconds
                       ? point
                       : to_seconds(point, add(origin, bounds.low), add(origin, bounds.high), origin);
  // A bound that whole seconds cannot tell from what was asked changes nothing.
  return decision.action == TtlAction::kClamp && decision.value == value ? keep : decision;
}

}  // namespace keyshift::scheme
