#include "keyshift/base/check.h"

#include <string>

#include <gtest/gtest.h>

namespace keyshift {
namespace {

TEST(Check, EvaluatesItsConditionOnceAndGoesOn) {
  int evaluated = 0;
  KEYSHIFT_CHECK(++evaluated == 1, "not reached");
  EXPECT_EQ(evaluated, 1);
}

TEST(Check, BuildsItsStateOnlyWhenItFails) {
  const auto state = []() -> std::string { throw "the state of a check that holds was built"; };
  KEYSHIFT_CHECK(true, state());
}

TEST(CheckDeathTest, AbortsWithPlaceConditionAndState) {
  const std::string state = "3 replies expected";
  EXPECT_DEATH(KEYSHIFT_CHECK(1 + 1 == 3, state),
               "check_test.cc:[0-9]+: check failed: 1 \\+ 1 == 3 \\(3 replies expected\\)");
}

}  // namespace
}  // namespace keyshift
