#include "keyshift/command/ttl.h"

#include <gtest/gtest.h>

#include "call.h"

namespace keyshift::command {
namespace {

// "given 4 60 s" / "given 2 5 ms abs" / "none" ..., then where a default goes.
std::string found(const std::string& words, size_t here = 0) {
  Call call(words);
  const size_t count = here == 0 ? call.size() : here;
  const Ttl ttl = find_ttl(call.row(), call.first(count), call.size());
  std::string text;
  switch (ttl.kind) {
    case Ttl::Kind::kNone:
      text = "none";
      break;
    case Ttl::Kind::kKeep:
      text = "keep";
      break;
    case Ttl::Kind::kPersist:
      text = "persist";
      break;
    case Ttl::Kind::kUnclear:
      text = "unclear";
      break;
    case Ttl::Kind::kGiven:
      text = "given " + std::to_string(ttl.at) + " " + std::to_string(ttl.value);
      text += ttl.unit == Unit::kSeconds ? " s" : " ms";
      if (ttl.base == Base::kAbsolute) text += " abs";
  }
  switch (leaves_of(call.row(), ttl)) {
    case Leaves::kNothing:
      return text;
    case Leaves::kInline:
      return text + ", default inline";
    case Leaves::kArgument:
      return text + ", default as argument";
    case Leaves::kBehind:
      return text + ", default behind";
    case Leaves::kPersists:
      return text + ", a row's answer and no request's";
  }
  return text;
}

TEST(FindTtl, OptionsOfSet) {
  EXPECT_EQ(found("SET k v"), "none, default inline");
  EXPECT_EQ(found("SET k v NX GET"), "none, default inline");
  EXPECT_EQ(found("SET k v EX 60"), "given 4 60 s");
  EXPECT_EQ(found("set k v nx px 60000"), "given 5 60000 ms");
  EXPECT_EQ(found("SET k v EXAT 1700000000"), "given 4 1700000000 s abs");
  EXPECT_EQ(found("SET k v PXAT 1700000000000 GET"), "given 4 1700000000000 ms abs");
  EXPECT_EQ(found("SET k v KEEPTTL"), "keep");
  EXPECT_EQ(found("SET k v IFEQ old EX 5"), "given 6 5 s");
}

TEST(FindTtl, TheValueIsNoOption) {
  EXPECT_EQ(found("SET EX EX"), "none, default inline");
  EXPECT_EQ(found("SET k KEEPTTL"), "none, default inline");
}

TEST(FindTtl, WhatCannotBeReadIsUnclear) {
  EXPECT_EQ(found("SET k v EX"), "unclear, default behind");
  EXPECT_EQ(found("SET k v EX soon"), "unclear, default behind");
  EXPECT_EQ(found("SET k v EX 060"), "unclear, default behind");
  EXPECT_EQ(found("SET k v EX 1 PX 1"), "unclear, default behind");
  EXPECT_EQ(found("SET k v EX 1 KEEPTTL"), "unclear, default behind");
  EXPECT_EQ(found("SET k v NOSUCH"), "unclear, default behind");
  EXPECT_EQ(found("EXPIRE k soon"), "unclear");
}

TEST(FindTtl, ARepeatedWordCountsOnceAsInRedis) {
  EXPECT_EQ(found("SET k v EX 1 EX 2"), "given 6 2 s");
  EXPECT_EQ(found("SET k v EX PXAT EX 2"), "given 6 2 s");
  EXPECT_EQ(found("SET k v KEEPTTL KEEPTTL"), "keep");
}

TEST(FindTtl, Positions) {
  EXPECT_EQ(found("SETEX k 60 v"), "given 2 60 s");
  EXPECT_EQ(found("PSETEX k 60 v"), "given 2 60 ms");
  EXPECT_EQ(found("EXPIRE k -1"), "given 2 -1 s");
  EXPECT_EQ(found("PEXPIRE k 5 NX"), "given 2 5 ms");
  EXPECT_EQ(found("EXPIREAT k 5"), "given 2 5 s abs");
  EXPECT_EQ(found("PEXPIREAT k 5 GT"), "given 2 5 ms abs");
}

TEST(FindTtl, GetexOnlyTouchesTheExpiryWhenAsked) {
  EXPECT_EQ(found("GETEX k"), "none");
  EXPECT_EQ(found("GETEX k EX 5"), "given 3 5 s");
  EXPECT_EQ(found("GETEX k PERSIST"), "persist, default behind");
}

TEST(FindTtl, IncrexLeavesTheExpiryAloneUnlessItIsTold) {
  EXPECT_EQ(found("INCREX k"), "none, default behind");
  EXPECT_EQ(found("INCREX k BYINT 5 UBOUND 9 SATURATE EX 60 ENX"), "given 8 60 s");
  EXPECT_EQ(found("INCREX k PERSIST"), "persist, default behind");
}

TEST(FindTtl, RestoreSaysZeroForNone) {
  EXPECT_EQ(found("RESTORE k 0 payload REPLACE"), "given 2 0 ms, default as argument");
  EXPECT_EQ(found("RESTORE k 500 payload"), "given 2 500 ms");
  EXPECT_EQ(found("RESTORE k 500 payload FREQ 5 ABSTTL"), "given 2 500 ms abs");
  EXPECT_EQ(found("RESTORE k 500 ABSTTL"), "given 2 500 ms");
}

TEST(FindTtl, CommandsWithoutExpiryHaveTheDefaultBehind) {
  EXPECT_EQ(found("HSET h f v"), "none, default behind");
  EXPECT_EQ(found("PERSIST k"), "none, default behind");
  EXPECT_EQ(found("GETSET k v"), "none, default behind");
  EXPECT_EQ(found("ZUNIONSTORE d 1 a"), "none, default behind");
  EXPECT_EQ(found("GET k"), "none");
  EXPECT_EQ(found("DEL k"), "none");
}

TEST(FindTtl, ExpiriesOfFieldsAreNotTheKeys) {
  EXPECT_EQ(found("HSETEX h EX 60 FIELDS 1 f v"), "none, default behind");
  EXPECT_EQ(found("HGETEX h EX 60 FIELDS 1 f"), "none");
  EXPECT_EQ(found("HEXPIRE h 60 FIELDS 1 f"), "none");
}

TEST(FindTtl, OptionsBehindCountedKeys) {
  EXPECT_EQ(found("MSETEX 2 a 1 b 2 EX 10"), "given 7 10 s");
  EXPECT_EQ(found("MSETEX 1 EX EX NX"), "none, default inline");
  EXPECT_EQ(found("MSETEX 5 a 1 b 2"), "unclear, default behind");
}

// What the arguments say, from the one called `from` on; "-" is a large one, which is not shown.
std::string passing(const std::string& line, size_t from) {
  const Call call(line);
  TtlWords words(call.row().options, from);
  std::string text;
  for (size_t i = 1; i < call.size(); ++i) {
    const std::string_view argument = call.request()[i];
    if (argument == "-") continue;
    const Ttl ttl = words.next(argument, i);
    if (ttl.kind == Ttl::Kind::kGiven) {
      text += " " + std::to_string(ttl.at) + "=" + std::to_string(ttl.value);
      text += ttl.unit == Unit::kSeconds ? "s" : "ms";
      if (ttl.base == Base::kAbsolute) text += "abs";
    }
    if (ttl.kind == Ttl::Kind::kKeep) text += " keep";
    if (ttl.kind == Ttl::Kind::kUnclear) text += " unclear";
  }
  return text;
}

TEST(TtlWords, TellAnExpiryAsItPasses) {
  EXPECT_EQ(passing("SET k - NX EX 60", 3), " 5=60s");
  EXPECT_EQ(passing("SET k - pxat 1700000000000 get", 3), " 4=1700000000000msabs");
  EXPECT_EQ(passing("SET k - KEEPTTL", 3), " keep");
  EXPECT_EQ(passing("SET EX 5 XX", 3), "");
  EXPECT_EQ(passing("SET k - IFEQ EX EX 7", 3), " 6=7s");
  EXPECT_EQ(passing("SET k v IFEQ - EX 7", 3), " 6=7s");
  EXPECT_EQ(passing("SET k - EX soon EX 7", 3), " unclear");
  EXPECT_EQ(passing("SET k - EX - EX 7", 3), " unclear");
  EXPECT_EQ(passing("SET k - NOSUCH EX 7", 3), " unclear");
  EXPECT_EQ(passing("MSETEX 2 a - EX - EX 7", 6), " 7=7s");
}

TEST(FindTtl, WhatIsNotHereYetIsUnclear) {
  EXPECT_EQ(found("SET k big EX 10", 2), "unclear, default behind");
  EXPECT_EQ(found("SET k big", 2), "none, default inline");
  EXPECT_EQ(found("SETEX k 10 big", 3), "given 2 10 s");
  EXPECT_EQ(found("RESTORE k 10 big REPLACE", 3), "unclear, default behind");
}

}  // namespace
}  // namespace keyshift::command
