// TtlPolicy: how long what a client writes may live, and what becomes of the expiry that it asks for.
//
// The planner asks twice: when a write carries no expiry (decide_missing), and when it carries one
// (decide_explicit). The answer keeps the client's own form, so the command is rewritten in place:
//
//   policy: default 1h, max 24h, mode clamp
//   SET k v               ->  kDefault, 3600000 ms           SET k v PX 3600000
//   SETEX k 172800 v      ->  kClamp, 86400 s                SETEX k 86400 v
//   SET k v EXAT 0        ->  kKeep (left as it is, so that Redis answers its own error)
//
// Pure functions: time and randomness come in as numbers. Jitter makes an expiry shorter or longer by up to its
// fraction, spread evenly over what min..max leave of that. DESIGN.md section 5.
#pragma once

#include <cstdint>
#include <limits>

namespace keyshift::scheme {

// What is done with an expiry that the client gives: left alone, brought into min..max, or replaced by the default.
enum class TtlMode : uint8_t { kKeep, kClamp, kOverride };

struct TtlPolicy {
  static constexpr int64_t kUnset = 0;

  int64_t default_ms = kUnset;  // kUnset: a write without expiry gets none
  int64_t min_ms = kUnset;      // kUnset: no lower bound
  int64_t max_ms = kUnset;      // kUnset: no upper bound
  TtlMode mode = TtlMode::kClamp;
  double jitter = 0;  // fraction of the expiry, 0..1; for defaults and overrides

  // False when no expiry, given or missing, is ever touched: the planner can skip the rest.
  bool active() const {
    return default_ms != kUnset || (mode != TtlMode::kKeep && (min_ms != kUnset || max_ms != kUnset));
  }
};

enum class TtlUnit : uint8_t { kSeconds, kMilliseconds };
enum class TtlBase : uint8_t { kRelative, kAbsolute };

// What was done, for the counters: kNone = no policy spoke, kKeep = a given expiry was left as it was.
enum class TtlAction : uint8_t { kNone, kDefault, kClamp, kOverride, kKeep };

// The label of the counters: "none", "default", "clamp", "override", "keep".
const char* ttl_action_name(TtlAction action);

struct TtlDecision {
  TtlAction action = TtlAction::kNone;
  // In the unit and base of the question (decide_missing: relative milliseconds). The client's own value with kKeep,
  // meaningless with kNone.
  int64_t value = 0;
};

// The expiry for a write that carries none: kDefault with relative milliseconds, or kNone.
TtlDecision decide_missing(const TtlPolicy& policy, uint64_t random);

// What becomes of an expiry `value` in `unit` from `base`. Values <= 0 and values that overflow as milliseconds are
// kKeep: Redis answers its own error, or deletes the key as the client asked. Never turns a valid expiry into an
// invalid one: a result in seconds is rounded to the nearest inside min..max and is at least 1.
TtlDecision decide_explicit(const TtlPolicy& policy, int64_t value, TtlUnit unit, TtlBase base,
                            int64_t now_ms, uint64_t random);

}  // namespace keyshift::scheme
