#include "value.h"

#include <array>

#include <gtest/gtest.h>

namespace keyshift::config {
namespace {

TEST(Duration, UnitsAreReadAsMilliseconds) {
  EXPECT_EQ(*parse_duration("250ms"), 250);
  EXPECT_EQ(*parse_duration("90s"), 90'000);
  EXPECT_EQ(*parse_duration("5m"), 300'000);
  EXPECT_EQ(*parse_duration("24h"), 86'400'000);
  EXPECT_EQ(*parse_duration("7d"), 604'800'000);
  EXPECT_EQ(*parse_duration("2w"), 1'209'600'000);
  EXPECT_EQ(*parse_duration("1h30m"), 5'400'000);
  EXPECT_EQ(*parse_duration("0"), 0);
  EXPECT_EQ(*parse_duration("0s"), 0);
}

TEST(Duration, WhatIsNoneIsRefused) {
  for (const char* text : {"", "1", "s", "-1s", "1 s", "1x", "1m1h", "1s1s", "1.5h", "1h ",
                           "99999999999999999999s", "9223372036854775807w", "9223372036854775807ms1"})
    EXPECT_FALSE(parse_duration(text)) << text;
}

TEST(Duration, ItsTextIsReadBackAsTheSame) {
  for (const int64_t ms :
       {0ll, 1ll, 999ll, 1'000ll, 90'000ll, 3'600'000ll, 86'400'000ll, 604'800'000ll, 61'001ll})
    EXPECT_EQ(*parse_duration(duration_text(ms)), ms);
  EXPECT_EQ(duration_text(90'000), "90s");
  EXPECT_EQ(duration_text(604'800'000), "7d");
}

TEST(Size, UnitsAreThoseOfRedis) {
  EXPECT_EQ(*parse_size("4096"), 4096);
  EXPECT_EQ(*parse_size("1k"), 1'000);
  EXPECT_EQ(*parse_size("1kb"), 1'024);
  EXPECT_EQ(*parse_size("512MB"), 512ll << 20);
  EXPECT_EQ(*parse_size("1gb"), 1ll << 30);
  EXPECT_EQ(*parse_size("7b"), 7);
  for (const char* text : {"", "mb", "-1", "1tb", "1 mb", "9223372036854775807kb"})
    EXPECT_FALSE(parse_size(text)) << text;
  for (const int64_t bytes : {0ll, 1ll, 1023ll, 1024ll, 64ll << 10, 512ll << 20, 5ll << 30})
    EXPECT_EQ(*parse_size(size_text(bytes)), bytes);
}

TEST(Percent, HundredthsOfAPercent) {
  EXPECT_EQ(*parse_percent("5%"), 500);
  EXPECT_EQ(*parse_percent("2.5%"), 250);
  EXPECT_EQ(*parse_percent("0.25%"), 25);
  EXPECT_EQ(*parse_percent("100%"), 10'000);
  for (const char* text : {"", "5", "%", "101%", "100.1%", "-1%", "1.%", "1.234%", "x%"})
    EXPECT_FALSE(parse_percent(text)) << text;
}

TEST(Url, PartsThatAreSaidAndPartsThatAreNot) {
  auto url = parse_url("redis://user:p%40ss@host.example:7000/3");
  ASSERT_TRUE(url) << url.error().text;
  EXPECT_EQ(url->address.text(), "host.example:7000");
  EXPECT_EQ(url->username, "user");
  EXPECT_EQ(url->password, "p@ss");
  EXPECT_EQ(url->database, 3);

  url = parse_url("redis://[::1]");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->address.text(), "[::1]:6379");
  EXPECT_EQ(url->password, std::nullopt);
  EXPECT_EQ(url->database, std::nullopt);

  url = parse_url("redis://:pw@h/");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->username, std::nullopt);
  EXPECT_EQ(url->password, "pw");

  url = parse_url("unix:///run/redis.sock?db=2");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->address.path, "/run/redis.sock");
  EXPECT_EQ(url->database, 2);

  EXPECT_TRUE(parse_url("rediss://h")->tls);
  for (const char* text :
       {"", "h:6379", "http://h", "redis://", "redis://:6379", "redis://h:0", "redis://h:70000",
        "redis://h/x", "redis://::1:6379", "redis://[::1", "unix://run/x", "unix:///a?x=1"})
    EXPECT_FALSE(parse_url(text)) << text;
}

TEST(Address, AllWaysToWriteIt) {
  EXPECT_EQ(parse_address("127.0.0.1:6380")->text(), "127.0.0.1:6380");
  EXPECT_EQ(parse_address("[::1]:6380")->host, "::1");
  EXPECT_EQ(parse_address(":6380")->host, "");
  EXPECT_EQ(parse_address("unix:/run/a.sock")->path, "/run/a.sock");
  EXPECT_EQ(parse_address("unix:///run/a.sock")->path, "/run/a.sock");
  EXPECT_EQ(parse_address("/run/a.sock")->path, "/run/a.sock");
  EXPECT_FALSE(parse_address("6380"));
}

TEST(Nearest, AFewTypingErrorsForTheLength) {
  const std::array<std::string, 4> names{"pool_size", "reply_timeout", "connect_timeout", "url"};
  EXPECT_EQ(nearest("pol_size", names), "pool_size");
  EXPECT_EQ(nearest("poolsize", names), "pool_size");
  EXPECT_EQ(nearest("opol_size", names), "pool_size");
  EXPECT_EQ(nearest("ulr", names), "url");
  EXPECT_EQ(nearest("reply", names), "reply_timeout");
  EXPECT_EQ(nearest("colour", names), "");
  EXPECT_EQ(nearest("", names), "");
  EXPECT_EQ(nearest(std::string(1'000'000, 'x'), names), "");
}

}  // namespace
}  // namespace keyshift::config
