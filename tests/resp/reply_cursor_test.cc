#include "keyshift/resp/reply_cursor.h"

#include <random>
#include <string>

#include <gtest/gtest.h>

#include "reply_frames.h"

namespace keyshift::resp {
namespace {

TEST(ReplyCursor, GivesTokensInTheOrderOfTheBytes) {
  ReplyCursor cursor("*2\r\n$1\r\n0\r\n*1\r\n$3\r\nk:1\r\n");
  Token token = cursor.next();
  EXPECT_EQ(token.type, '*');
  EXPECT_TRUE(token.is_aggregate());
  EXPECT_EQ(token.count, 2u);
  EXPECT_EQ(token.raw, "*2\r\n");
  token = cursor.next();
  EXPECT_TRUE(token.is_string());
  EXPECT_EQ(token.text, "0");
  EXPECT_EQ(token.raw, "$1\r\n0\r\n");
  EXPECT_EQ(cursor.peek().raw, "*1\r\n");
  EXPECT_EQ(cursor.position(), 11u);
  EXPECT_EQ(cursor.skip(), "*1\r\n$3\r\nk:1\r\n");
  EXPECT_TRUE(cursor.done());
  EXPECT_EQ(cursor.rest(), "");
}

TEST(ReplyCursor, KnowsEveryType) {
  const auto only = [](std::string_view frame) {
    ReplyCursor cursor(frame);
    const Token token = cursor.next();
    EXPECT_EQ(token.raw, frame);
    EXPECT_TRUE(cursor.done());
    return token;
  };
  EXPECT_EQ(only("+OK\r\n").text, "OK");
  EXPECT_EQ(only("-ERR a\rb\r\n").text, "ERR a\rb");
  EXPECT_TRUE(only("-ERR\r\n").is_error());
  EXPECT_EQ(only(":-12\r\n").text, "-12");
  EXPECT_EQ(only(",1.5\r\n").text, "1.5");
  EXPECT_EQ(only("(99\r\n").text, "99");
  EXPECT_EQ(only("#t\r\n").text, "t");
  EXPECT_TRUE(only("_\r\n").is_null);
  EXPECT_TRUE(only("$-1\r\n").is_null);
  EXPECT_FALSE(only("$-1\r\n").is_string());
  EXPECT_TRUE(only("*-1\r\n").is_null);
  EXPECT_EQ(only("$0\r\n\r\n").text, "");
  EXPECT_EQ(only("$2\r\n\r\n\r\n").text, "\r\n");
  EXPECT_EQ(only("=8\r\ntxt:text\r\n").text, "txt:text");
  EXPECT_TRUE(only("!5\r\nERR a\r\n").is_error());
  EXPECT_EQ(only("*0\r\n").count, 0u);
}

TEST(ReplyCursor, MapsAndAttributesCountKeysAndValues) {
  ReplyCursor cursor("|1\r\n+ttl\r\n:5\r\n%1\r\n+a\r\n+b\r\n");
  const Token attribute = cursor.peek();
  EXPECT_EQ(attribute.type, '|');
  EXPECT_EQ(attribute.count, 2u);
  EXPECT_EQ(cursor.skip(), "|1\r\n+ttl\r\n:5\r\n%1\r\n+a\r\n+b\r\n")
      << "the attribute and what it belongs to";
  EXPECT_TRUE(cursor.done());
}

TEST(ReplyCursor, SkipsAMillionNestedArrays) {
  std::string frame;
  for (int i = 0; i < 1000000; ++i) frame += "*1\r\n";
  frame += ":1\r\n";
  ReplyCursor cursor(frame);
  EXPECT_EQ(cursor.skip().size(), frame.size());
}

TEST(ReplyCursor, RawBytesOfAllTokensAreTheFrame) {
  std::mt19937 random(11);
  for (int round = 0; round < 3000; ++round) {
    std::string frame;
    append_random_reply(frame, random, 6, round % 2 == 0 ? Protocol::kResp2 : Protocol::kResp3);
    const ExactBlock block(frame);
    std::string joined;
    for (ReplyCursor cursor(block.view()); !cursor.done();) joined += cursor.next().raw;
    ASSERT_EQ(joined, frame);
    ReplyCursor cursor(block.view());
    ASSERT_EQ(cursor.skip(), frame);
  }
}

TEST(ReplyCursor, GivesTheValuesThatHiredisGives) {
  std::mt19937 random(12);
  for (int round = 0; round < 3000; ++round) {
    std::string frame;
    append_random_reply(frame, random, 6, Protocol::kResp2);
    ASSERT_EQ(disagreement_with_hiredis(frame), "") << frame;
  }
}

}  // namespace
}  // namespace keyshift::resp
