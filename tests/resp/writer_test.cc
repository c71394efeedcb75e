#include "keyshift/resp/writer.h"

#include <cmath>
#include <cstdlib>
#include <functional>
#include <limits>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "keyshift/resp/number.h"

namespace keyshift::resp {
namespace {

constexpr Protocol k2 = Protocol::kResp2;
constexpr Protocol k3 = Protocol::kResp3;

std::string written(const std::function<void(Buffer&)>& write) {
  Buffer out;
  write(out);
  return std::string(out.view());
}

TEST(Writer, WritesARequest) {
  Buffer out;
  append_array(out, 2);
  append_bulk(out, "GET");
  append_bulk(out, "key:1");
  EXPECT_EQ(out.view(), "*2\r\n$3\r\nGET\r\n$5\r\nkey:1\r\n");
  EXPECT_EQ(out.size(), array_header_size(2) + bulk_size(3) + bulk_size(5));
}

TEST(Writer, SpellsEachTypeByProtocol) {
  EXPECT_EQ(written([](Buffer& out) { append_map(out, 3, k2); }), "*6\r\n");
  EXPECT_EQ(written([](Buffer& out) { append_map(out, 3, k3); }), "%3\r\n");
  EXPECT_EQ(written([](Buffer& out) { append_set(out, 3, k2); }), "*3\r\n");
  EXPECT_EQ(written([](Buffer& out) { append_set(out, 3, k3); }), "~3\r\n");
  EXPECT_EQ(written([](Buffer& out) { append_push(out, 3, k2); }), "*3\r\n");
  EXPECT_EQ(written([](Buffer& out) { append_push(out, 3, k3); }), ">3\r\n");
  EXPECT_EQ(written([](Buffer& out) { append_null(out, k2); }), "$-1\r\n");
  EXPECT_EQ(written([](Buffer& out) { append_null(out, k3); }), "_\r\n");
  EXPECT_EQ(written([](Buffer& out) { append_null_array(out, k2); }), "*-1\r\n");
  EXPECT_EQ(written([](Buffer& out) { append_null_array(out, k3); }), "_\r\n");
  EXPECT_EQ(written([](Buffer& out) { append_boolean(out, true, k2); }), ":1\r\n");
  EXPECT_EQ(written([](Buffer& out) { append_boolean(out, false, k3); }), "#f\r\n");
  EXPECT_EQ(written([](Buffer& out) { append_verbatim(out, "txt", "Some string", k2); }),
            "$11\r\nSome string\r\n");
  EXPECT_EQ(written([](Buffer& out) { append_verbatim(out, "txt", "Some string", k3); }),
            "=15\r\ntxt:Some string\r\n");
}

TEST(Writer, WritesTheShortestDoubles) {
  EXPECT_EQ(written([](Buffer& out) { append_double(out, 3.25, k3); }), ",3.25\r\n");
  EXPECT_EQ(written([](Buffer& out) { append_double(out, 0.1, k2); }), "$3\r\n0.1\r\n");
  EXPECT_EQ(written([](Buffer& out) { append_double(out, 10, k3); }), ",10\r\n");
  EXPECT_EQ(written([](Buffer& out) { append_double(out, -HUGE_VAL, k3); }), ",-inf\r\n");
  EXPECT_EQ(written([](Buffer& out) { append_double(out, -std::nan(""), k3); }), ",nan\r\n");
  std::mt19937_64 random(3);
  for (int round = 0; round < 10000; ++round) {
    const double value = std::ldexp(static_cast<double>(random()), static_cast<int>(random() % 2000) - 1000);
    const std::string text = written([&](Buffer& out) { append_double(out, value, k3); });
    ASSERT_EQ(std::strtod(text.c_str() + 1, nullptr), value) << text;
  }
}

TEST(Writer, LinesHoldNoLineEnds) {
  EXPECT_EQ(written([](Buffer& out) { append_simple(out, "OK"); }), "+OK\r\n");
  EXPECT_EQ(written([](Buffer& out) { append_error(out, "ERR no\r\nway"); }), "-ERR no  way\r\n");
}

TEST(Writer, WritesIntegersOfAnySize) {
  for (const int64_t value : {int64_t{0}, int64_t{-1}, int64_t{9}, int64_t{10},
                              std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()}) {
    const std::string digits = std::to_string(value);
    Buffer expected;
    expected.append(":");
    expected.append(digits);
    expected.append("\r\n");
    append_bulk(expected, digits);
    Buffer out;
    append_integer(out, value);
    append_bulk_integer(out, value);
    EXPECT_EQ(out.view(), expected.view());
  }
  EXPECT_EQ(written([](Buffer& out) { append_bulk_header(out, 100); }), "$100\r\n");
}

TEST(Writer, SizesAreKnownBeforehand) {
  for (const size_t length :
       {size_t{0}, size_t{1}, size_t{9}, size_t{10}, size_t{99}, size_t{100}, size_t{65536}}) {
    const std::string body(length, 'x');
    EXPECT_EQ(written([&](Buffer& out) { append_bulk(out, body); }).size(), bulk_size(length));
    EXPECT_EQ(written([&](Buffer& out) { append_bulk_header(out, length); }).size(),
              bulk_header_size(length));
    EXPECT_EQ(written([&](Buffer& out) { append_array(out, length); }).size(), array_header_size(length));
  }
}

TEST(Number, IsReadByRedisStrictRule) {
  for (const char* text : {"", "-", "-0", "01", "-01", "+1", " 1", "1 ", "1x", "9223372036854775808",
                           "-9223372036854775809", "99999999999999999999", "--1"}) {
    int64_t value = 42;
    EXPECT_FALSE(parse_integer(text, value)) << text;
    EXPECT_EQ(value, 42);
  }
  std::mt19937_64 random(4);
  for (int round = 0; round < 10000; ++round) {
    const int64_t expected = static_cast<int64_t>(random()) >> (random() % 64);
    int64_t value = 0;
    ASSERT_TRUE(parse_integer(std::to_string(expected), value));
    ASSERT_EQ(value, expected);
  }
  int64_t value = 0;
  EXPECT_TRUE(parse_integer("-9223372036854775808", value));
  EXPECT_TRUE(parse_integer("9223372036854775807", value));
}

}  // namespace
}  // namespace keyshift::resp
