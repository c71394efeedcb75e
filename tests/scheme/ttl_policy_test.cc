#include "keyshift/scheme/ttl_policy.h"

#include <algorithm>
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

TEST(TtlPolicy, JitterFillsWhatTheBoundsLeaveOfIt) {
  const TtlPolicy policy{.default_ms = 100'000, .max_ms = 100'000, .jitter = 0.05};
  EXPECT_EQ(decide_missing(policy, 0).value, 95'000);
  EXPECT_EQ(decide_missing(policy, UINT64_MAX / 2 + 1).value, 97'500);
  EXPECT_EQ(decide_missing(policy, UINT64_MAX).value, 100'000);
  const TtlPolicy whole{.default_ms = 100'000, .jitter = 1};
  EXPECT_EQ(decide_missing(whole, 0).value, 1);
}

// What Redis would do with an expiry, in its own arithmetic (expire.c and t_string.c of 7.0).
struct Judged {
  bool accepted = false;
  int64_t lasts_ms = 0;  // from kNow; zero or less: the key is deleted
};

Judged by_redis(int64_t value, TtlUnit unit, TtlBase base) {
  if (value <= 0) return {};
  if (unit == TtlUnit::kSeconds && value > kMost / 1000) return {};
  const int64_t ms = unit == TtlUnit::kSeconds ? value * 1000 : value;
  if (base == TtlBase::kAbsolute) return {true, ms - kNow};
  if (ms > kMost - kNow) return {};
  return {true, ms};
}

// A question with values of every magnitude, and a policy that compile() would accept.
struct Question {
  TtlPolicy policy;
  TtlUnit unit;
  TtlBase base;
  uint64_t random;

  static int64_t magnitude() {
    const int64_t number = *rc::gen::inRange<int64_t>(0, kMost);
    return number >> *rc::gen::inRange(0, 63);
  }
  static Question any(TtlMode mode) {
    Question made;
    made.policy.mode = mode;
    made.policy.jitter = *rc::gen::inRange(0, 101) / 100.0;
    const int64_t longest = 315'360'000'000;  // as much as the configuration takes
    int64_t lengths[] = {1 + magnitude() % longest, 1 + magnitude() % longest, 1 + magnitude() % longest};
    std::sort(std::begin(lengths), std::end(lengths));
    if (*rc::gen::arbitrary<bool>()) made.policy.min_ms = lengths[0];
    made.policy.default_ms = lengths[1];
    if (*rc::gen::arbitrary<bool>()) made.policy.max_ms = lengths[2];
    made.unit = *rc::gen::element(TtlUnit::kSeconds, TtlUnit::kMilliseconds);
    made.base = *rc::gen::element(TtlBase::kRelative, TtlBase::kAbsolute);
    made.random = *rc::gen::arbitrary<uint64_t>();
    return made;
  }
  int64_t value() const {
    const int64_t near_now = base == TtlBase::kAbsolute && *rc::gen::arbitrary<bool>()
                                 ? kNow / (unit == TtlUnit::kSeconds ? 1000 : 1)
                                 : 0;
    const int64_t sign = *rc::gen::inRange(0, 8) == 0 ? -1 : 1;
    const int64_t size = magnitude();
    return size > kMost - near_now ? size : near_now + sign * size;
  }
  TtlDecision ask(int64_t value) const { return decide_explicit(policy, value, unit, base, kNow, random); }
};

RC_GTEST_PROP(TtlPolicy, WhatRedisTakesStaysWhatRedisTakesAndTheRestIsLeftToIt, ()) {
  const auto question = Question::any(*rc::gen::element(TtlMode::kKeep, TtlMode::kClamp, TtlMode::kOverride));
  const int64_t value = question.value();
  const TtlDecision decision = question.ask(value);
  const Judged before = by_redis(value, question.unit, question.base);
  const Judged after = by_redis(decision.value, question.unit, question.base);
  if (before.accepted && before.lasts_ms > 0) {
    RC_ASSERT(after.accepted);
    RC_ASSERT(after.lasts_ms > 0);
  } else {
    RC_ASSERT(decision.action == TtlAction::kKeep);
    RC_ASSERT(decision.value == value);
  }
}

// Whole seconds: as near to the bounds as they go, and at least one.
RC_GTEST_PROP(TtlPolicy, WhatIsJudgedLastsAsLongAsTheBoundsSay, ()) {
  const auto question = Question::any(*rc::gen::element(TtlMode::kClamp, TtlMode::kOverride));
  const int64_t value = question.value();
  const Judged before = by_redis(value, question.unit, question.base);
  RC_PRE(before.accepted && before.lasts_ms > 0);
  const Judged after = by_redis(question.ask(value).value, question.unit, question.base);
  const int64_t tick = question.unit == TtlUnit::kSeconds ? 1000 : 1;
  const TtlPolicy& policy = question.policy;
  if (policy.max_ms != 0) RC_ASSERT(after.lasts_ms <= std::max(policy.max_ms, tick));
  if (policy.min_ms != 0) RC_ASSERT(after.lasts_ms > policy.min_ms - tick);
  const bool narrow = policy.max_ms != 0 && policy.max_ms - policy.min_ms < 2 * tick;
  if (policy.min_ms != 0 && !narrow) RC_ASSERT(after.lasts_ms >= policy.min_ms);
}

RC_GTEST_PROP(TtlPolicy, ClampingKeepsTheOrderOfExpiriesAndIsDoneOnce, ()) {
  const auto question = Question::any(TtlMode::kClamp);
  int64_t shorter = question.value();
  int64_t longer = question.value();
  if (shorter > longer) std::swap(shorter, longer);
  for (const int64_t value : {shorter, longer}) {
    const Judged judged = by_redis(value, question.unit, question.base);
    RC_PRE(judged.accepted && judged.lasts_ms > 0);
    const int64_t once = question.ask(value).value;
    RC_ASSERT(question.ask(once).value == once);
  }
  RC_ASSERT(question.ask(shorter).value <= question.ask(longer).value);
}

RC_GTEST_PROP(TtlPolicy, KeepingAndWhatIsInsideTheBoundsChangesNothing, ()) {
  const auto question = Question::any(*rc::gen::element(TtlMode::kKeep, TtlMode::kClamp));
  const int64_t value = question.value();
  const Judged judged = by_redis(value, question.unit, question.base);
  const TtlPolicy& policy = question.policy;
  const bool inside = judged.accepted && judged.lasts_ms >= policy.min_ms &&
                      (policy.max_ms == 0 || judged.lasts_ms <= policy.max_ms);
  RC_PRE(policy.mode == TtlMode::kKeep || inside);
  RC_ASSERT(question.ask(value).value == value);
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
