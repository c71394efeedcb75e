#include "keyshift/plan/keyed_reply_mapper.h"

#include "plan_fixture.h"

namespace keyshift::plan {
namespace {

class KeyedReplyMapperTest : public PlanTest {
 protected:
  // The reply, whole and cut everywhere, becomes `expected`.
  void expect_passed(const std::string& line, const std::string& reply, const std::string& expected) {
    for (size_t size = 1; size <= reply.size(); ++size) {
      plan(line);
      EXPECT_EQ(passed(reply, size), expected) << line << " in pieces of " << size;
    }
  }
};

const std::string kEntries = "*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\nf\r\n$14\r\nwork:jobs:id:1\r\n";

TEST_F(KeyedReplyMapperTest, ItsRepliesAreRelayed) {
  EXPECT_EQ(plan("XREAD STREAMS job:1 0"), "XREAD STREAMS work:jobs:id:1 0 -> relay");
  EXPECT_EQ(plan("LMPOP 1 job:1 LEFT"), "LMPOP 1 work:jobs:id:1 LEFT -> relay");
}

TEST_F(KeyedReplyMapperTest, StreamsKeepTheNamesThatTheClientUsed) {
  const auto reply = [](const std::string& first) {
    return "*2\r\n*2\r\n" + first + kEntries + "*2\r\n$14\r\nwork:jobs:id:2\r\n" + kEntries;
  };
  expect_passed("XREAD STREAMS job:1 work:jobs:id:2 0 0", reply("$14\r\nwork:jobs:id:1\r\n"),
                reply("$5\r\njob:1\r\n"));
}

TEST_F(KeyedReplyMapperTest, StreamsOfResp3AreAMap) {
  expect_passed("XREAD STREAMS job:1 job:2 0 0",
                "%2\r\n$14\r\nwork:jobs:id:1\r\n" + kEntries + "$14\r\nwork:jobs:id:2\r\n*0\r\n",
                "%2\r\n$5\r\njob:1\r\n" + kEntries + "$5\r\njob:2\r\n*0\r\n");
}

TEST_F(KeyedReplyMapperTest, PopsNameTheirKeyAndNothingElse) {
  expect_passed("LMPOP 2 job:1 job:2 LEFT",
                "*2\r\n$14\r\nwork:jobs:id:2\r\n*2\r\n$14\r\nwork:jobs:id:1\r\n$1\r\n-\r\n",
                "*2\r\n$5\r\njob:2\r\n*2\r\n$14\r\nwork:jobs:id:1\r\n$1\r\n-\r\n");
}

TEST_F(KeyedReplyMapperTest, WhereNoKeyIsNothingChanges) {
  for (const std::string reply : {"*-1\r\n", "_\r\n", "$-1\r\n", "!5\r\nERR x\r\n"}) {
    expect_passed("XREAD STREAMS job:1 0", reply, reply);
    expect_passed("LMPOP 2 job:1 job:2 LEFT", reply, reply);
  }
}

TEST_F(KeyedReplyMapperTest, AnElementIsNotHeld) {
  plan("LMPOP 1 job:1 LEFT");
  Buffer out;
  ASSERT_TRUE(plan_.mapper->pass("*2\r\n$14\r\nwork:jobs:id:1\r\n*1\r\n$1000000\r\n", out));
  for (size_t left = 1'000'000; left > 0; left -= 1000) {
    out.clear();
    ASSERT_TRUE(plan_.mapper->pass(std::string(1000, '*'), out));
    ASSERT_EQ(out.size(), 1000u);
  }
}

TEST_F(KeyedReplyMapperTest, WhatIsNoReplyToItsCommandIsRefused) {
  const std::string long_key = "$1000000\r\n" + std::string(1000, 'x');
  for (const std::string& reply :
       {std::string("+OK\r\n"), std::string(":1\r\n"), std::string("$1\r\nx\r\n"),
        std::string("*1\r\n:1\r\n"), std::string("*1\r\n$-1\r\n"), std::string("*1\r\n*1\r\n$1\r\nx\r\n"),
        "*1\r\n" + long_key, std::string(100, '*')}) {
    plan("LMPOP 1 job:1 LEFT");
    EXPECT_EQ(passed(reply), "refused") << reply;
    plan("XREAD STREAMS job:1 0");
    EXPECT_EQ(passed(reply), "refused") << reply;
  }
  plan("LMPOP 1 job:1 LEFT");
  EXPECT_EQ(passed("%1\r\n$14\r\nwork:jobs:id:1\r\n*0\r\n"), "refused");
}

}  // namespace
}  // namespace keyshift::plan
