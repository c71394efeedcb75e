#include "keyshift/base/result.h"

#include <memory>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace keyshift {
namespace {

Result<int> port_of(std::string_view text) {
  int port = 0;
  for (const char digit : text) {
    if (digit < '0' || digit > '9') return fail("not a port: " + std::string(text));
    port = port * 10 + (digit - '0');
  }
  return port;
}

TEST(Result, HoldsAValue) {
  const auto port = port_of("6380");
  ASSERT_TRUE(port.has_value());
  EXPECT_EQ(*port, 6380);
}

TEST(Result, HoldsTheReasonWhyThereIsNone) {
  const auto port = port_of("63x0");
  ASSERT_FALSE(port.has_value());
  EXPECT_EQ(port.error().text, "not a port: 63x0");
}

TEST(Result, OfNothingIsSuccessByDefault) {
  const Result<void> done;
  EXPECT_TRUE(done.has_value());
  const Result<void> failed = fail("no space left");
  EXPECT_EQ(failed.error().text, "no space left");
}

TEST(Result, CarriesWhatCanOnlyBeMoved) {
  Result<std::unique_ptr<int>> made = std::make_unique<int>(7);
  const std::unique_ptr<int> taken = std::move(*made);
  EXPECT_EQ(*taken, 7);
}

TEST(Result, AnErrorPassesThroughEveryStep) {
  const auto doubled = [](int port) -> Result<int> { return port * 2; };
  EXPECT_EQ(*port_of("40").and_then(doubled), 80);
  EXPECT_EQ(port_of("4-").and_then(doubled).error().text, "not a port: 4-");
}

}  // namespace
}  // namespace keyshift
