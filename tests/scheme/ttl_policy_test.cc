#include "keyshift/scheme/ttl_policy.h"

#include <string>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace keyshift::scheme {
namespace {

constexpr int64_t kNow = 1'700'000'000'123;
constexpr int64_t kMost = std::numeric_limits<int64_t>::max();

struct Row {
  const char* name;
  TtlPolicy policy;
  int64_t value;
  TtlUnit unit;
  TtlBase base;
  TtlAction action;
  int64_t result;
};

TEST(TtlPolicy, ExplicitExpiries) {
  constexpr auto s = TtlUnit::kSeconds;
  constexpr auto ms = TtlUnit::kMilliseconds;
  constexpr auto rel = TtlBase::kRelative;
  constexpr auto abs = TtlBase::kAbsolute;
  const TtlPolicy clamp{3'600'000, 60'000, 86'400'000, TtlMode::kClamp, 0};
  const TtlPolicy over{3'600'000, 60'000, 86'400'000, TtlMode::kOverride, 0};
  const TtlPolicy keep{3'600'000, 60'000, 86'400'000, TtlMode::kKeep, 0};
  const TtlPolicy open{3'600'000, 0, 0, TtlMode::kClamp, 0};
  const TtlPolicy odd{0, 1'500, 2'400, TtlMode::kClamp, 0};
  const TtlPolicy tiny{0, 0, 300, TtlMode::kClamp, 0};
  const Row rows[] = {
      {"within", clamp, 900, s, rel, TtlAction::kKeep, 900},
      {"too long", clamp, 172'800, s, rel, TtlAction::kClamp, 86'400},
      {"too short", clamp, 1, s, rel, TtlAction::kClamp, 60},
      {"too long in ms", clamp, 86'400'001, ms, rel, TtlAction::kClamp, 86'400'000},
      {"bound itself", clamp, 86'400'000, ms, rel, TtlAction::kKeep, 86'400'000},
      {"absolute too long", clamp, kNow + 90'000'000, ms, abs, TtlAction::kClamp, kNow + 86'400'000},
      {"absolute seconds round into the bounds", clamp, kNow / 1000 + 90'000, s, abs, TtlAction::kClamp,
       (kNow + 86'400'000) / 1000},
      {"absolute seconds too short", clamp, kNow / 1000 + 2, s, abs, TtlAction::kClamp,
       (kNow + 60'000) / 1000 + 1},
      {"zero", clamp, 0, s, rel, TtlAction::kKeep, 0},
      {"negative", clamp, -5, s, rel, TtlAction::kKeep, -5},
      {"in the past", clamp, 1, s, abs, TtlAction::kKeep, 1},
      {"overflow as milliseconds", clamp, kMost / 1000 + 1, s, rel, TtlAction::kKeep, kMost / 1000 + 1},
      {"overflow with now", clamp, kMost, ms, rel, TtlAction::kKeep, kMost},
      {"the last valid absolute", clamp, kMost, ms, abs, TtlAction::kClamp, kNow + 86'400'000},
      {"override", over, 5, s, rel, TtlAction::kOverride, 3'600},
      {"override absolute", over, kNow + 5, ms, abs, TtlAction::kOverride, kNow + 3'600'000},
      {"override leaves errors", over, -1, s, rel, TtlAction::kKeep, -1},
      {"keep", keep, 172'800, s, rel, TtlAction::kKeep, 172'800},
      {"no bounds", open, 172'800, s, rel, TtlAction::kKeep, 172'800},
      {"no policy", {}, 172'800, s, rel, TtlAction::kNone, 172'800},
      {"bounds between seconds, above", odd, 9, s, rel, TtlAction::kClamp, 2},
      {"bounds between seconds, below", odd, 1, s, rel, TtlAction::kClamp, 2},
      {"less than a second is one", tiny, 9, s, rel, TtlAction::kClamp, 1},
      {"less than a second is one already", tiny, 1, s, rel, TtlAction::kKeep, 1},
  };
  for (const Row& row : rows) {
    const TtlDecision decision = decide_explicit(row.policy, row.value, row.unit, row.base, kNow, 0);
    EXPECT_STREQ(ttl_action_name(decision.action), ttl_action_name(row.action)) << row.name;
    EXPECT_EQ(decision.value, row.result) << row.name;
  }
}

TEST(TtlPolicy, MissingExpiryGetsTheDefault) {
  EXPECT_EQ(decide_missing({}, 7).action, TtlAction::kNone);
  const TtlDecision exact = decide_missing({.default_ms = 3'600'000}, 7);
  EXPECT_EQ(exact.action, TtlAction::kDefault);
  EXPECT_EQ(exact.value, 3'600'000);
}

TEST(TtlPolicy, JitterSpreadsEvenly) {
  const TtlPolicy policy{.default_ms = 100'000, .jitter = 0.05};
  EXPECT_EQ(decide_missing(policy, 0).value, 95'000);
  EXPECT_EQ(decide_missing(policy, UINT64_MAX / 2 + 1).value, 100'000);
  EXPECT_GE(decide_missing(policy, UINT64_MAX).value, 104'999);
  EXPECT_LE(decide_missing(policy, UINT64_MAX).value, 105'000);
}

RC_GTEST_PROP(TtlPolicy, NothingLeavesTheBounds, (uint64_t random)) {
  const auto length = [] { return *rc::gen::inRange<int64_t>(1000, 1'000'000'000); };
  TtlPolicy policy;
  policy.min_ms = length();
  policy.max_ms = policy.min_ms + length();
  policy.default_ms = *rc::gen::inRange<int64_t>(policy.min_ms, policy.max_ms + 1);
  policy.jitter = *rc::gen::inRange(0, 101) / 100.0;
  policy.mode = *rc::gen::element(TtlMode::kClamp, TtlMode::kOverride);
  const TtlDecision missing = decide_missing(policy, random);
  RC_ASSERT(missing.value >= policy.min_ms);
  RC_ASSERT(missing.value <= policy.max_ms);
  const bool absolute = *rc::gen::arbitrary<bool>();
  const int64_t asked = (absolute ? kNow : 0) + length();
  const TtlDecision given = decide_explicit(policy, asked, TtlUnit::kMilliseconds,
                                            absolute ? TtlBase::kAbsolute : TtlBase::kRelative, kNow, random);
  const int64_t lasts = given.value - (absolute ? kNow : 0);
  RC_ASSERT(lasts >= policy.min_ms);
  RC_ASSERT(lasts <= policy.max_ms);
}

}  // namespace
}  // namespace keyshift::scheme
