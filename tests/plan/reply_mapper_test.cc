#include "plan_fixture.h"

namespace keyshift::plan {
namespace {

class ReplyMapperTest : public PlanTest {
 protected:
  static std::string array(const std::vector<std::string>& elements) { return encoded(elements); }
};

TEST_F(ReplyMapperTest, KeysAreShownByTheirLegacyNamesAndForeignOnesHidden) {
  plan("KEYS *");
  std::string last;
  const std::vector<std::string> keyspace = {"work:jobs:id:1", "job:dead", "other", "analytics:mood:user:u"};
  // Every step answers with the whole keyspace, as overlapping patterns would.
  for (size_t i = 0; i < plan_.steps.size(); ++i) last = mapped(array(keyspace));
  EXPECT_EQ(last, array({"job:1", "other", "mood:u"}));
}

TEST_F(ReplyMapperTest, ATellingPatternShowsConsolidatedNames) {
  plan("KEYS analytics:*");
  std::string last;
  for (size_t i = 0; i < plan_.steps.size(); ++i)
    last = mapped(array({"analytics:mood:user:u", "analytics:custom:x"}));
  EXPECT_EQ(last, array({"analytics:mood:user:u", "analytics:custom:x"}));
}

TEST_F(ReplyMapperTest, ScanKeepsItsCursorAndFiltersByTheClientsGlob) {
  EXPECT_EQ(plan("SCAN 0 MATCH job:[12] COUNT 100"), "SCAN 0 MATCH work:jobs:id:[\\1\\2] COUNT 100 -> map");
  EXPECT_EQ(
      mapped("*2\r\n$2\r\n17\r\n*3\r\n$14\r\nwork:jobs:id:1\r\n$14\r\nwork:jobs:id:3\r\n$5\r\nother\r\n"),
      "*2\r\n$2\r\n17\r\n*1\r\n$5\r\njob:1\r\n");
}

// An entry of the slow log.
std::string logged(const std::vector<std::string>& command) {
  return "*6\r\n:7\r\n:1700000000\r\n:12\r\n" + encoded(command) +
         "$9\r\n127.0.0.1\r\n$14\r\nwork:jobs:id:1\r\n";
}

TEST_F(ReplyMapperTest, TheSlowLogQuotesCommandsWithTheClientsKeys) {
  EXPECT_EQ(plan("SLOWLOG GET 10"), "SLOWLOG GET 10 -> map");
  EXPECT_EQ(mapped("*4\r\n" + logged({"smove", "work:jobs:id:1", "analytics:mood:user:u", "work:jobs:id:1"}) +
                   logged({"PING", "work:jobs:id:1"}) + logged({"nosuch", "work:jobs:id:1"}) +
                   logged({"XREAD", "STREAMS", "work:jobs:id:1", "0"})),
            "*4\r\n" + logged({"smove", "job:1", "mood:u", "work:jobs:id:1"}) +
                logged({"PING", "work:jobs:id:1"}) + logged({"nosuch", "work:jobs:id:1"}) +
                logged({"XREAD", "STREAMS", "job:1", "0"}));
  plan("SLOWLOG GET");
  EXPECT_EQ(mapped("*0\r\n"), "*0\r\n");
}

TEST_F(ReplyMapperTest, TheSlowLogsCutArgumentsAreKept) {
  const std::string tail(120, 'x');
  plan("SLOWLOG GET");
  EXPECT_EQ(mapped("*2\r\n" + logged({"DEL", "work:jobs:id:1", "work:jobs:id:2", "... (7 more arguments)"}) +
                   logged({"SADD", "work:jobs:id:" + tail + "... (9 more bytes)", "x"})),
            "*2\r\n" + logged({"DEL", "job:1", "job:2", "... (7 more arguments)"}) +
                logged({"SADD", "job:" + tail + "... (9 more bytes)", "x"}));
  // Odd shapes pass as they are.
  plan("SLOWLOG GET");
  const std::string odd =
      "*4\r\n:1\r\n*4\r\n:1\r\n:2\r\n:3\r\n*2\r\n*1\r\n:1\r\n$-1\r\n*4\r\n:1\r\n:2\r\n:3\r\n*0\r\n*4\r\n:"
      "1\r\n:2\r\n:3\r\n$1\r\nx\r\n";
  EXPECT_EQ(mapped(odd), odd);
}

TEST_F(ReplyMapperTest, ErrorsSpeakOfTheClientsKeys) {
  plan("XREADGROUP GROUP g c STREAMS job:1 >");
  EXPECT_EQ(mapped("-NOGROUP No such key 'work:jobs:id:1' or consumer group 'g'\r\n"),
            "-NOGROUP No such key 'job:1' or consumer group 'g'\r\n");
}

TEST_F(ReplyMapperTest, AWordThatOnlyContainsAKeyStaysInErrors) {
  plan("XREADGROUP GROUP work:jobs:id:1x c STREAMS job:1 >");
  EXPECT_EQ(mapped("-NOGROUP No such key 'work:jobs:id:1' or consumer group 'work:jobs:id:1x'\r\n"),
            "-NOGROUP No such key 'job:1' or consumer group 'work:jobs:id:1x'\r\n");
}

TEST_F(ReplyMapperTest, ErrorsCutANameAtItsFirstZeroByteAndShowItOnOneLine) {
  plan_arguments({"XREADGROUP", "GROUP", "g", "c", "STREAMS", std::string("job:a\0b", 7), ">"});
  EXPECT_EQ(mapped("-NOGROUP No such key 'work:jobs:id:a' or\r\n"), "-NOGROUP No such key 'job:a' or\r\n");
  plan_arguments({"XREADGROUP", "GROUP", "g", "c", "STREAMS", "job:a\r\nb", ">"});
  EXPECT_EQ(mapped("-NOGROUP No such key 'work:jobs:id:a  b' or\r\n"),
            "-NOGROUP No such key 'job:a  b' or\r\n");
}

TEST_F(ReplyMapperTest, RandomKeyIsTheFirstThatTheClientSees) {
  plan("RANDOMKEY");
  ASSERT_GT(plan_.steps.size(), 2u);
  std::string last = mapped("$8\r\njob:dead\r\n");
  for (size_t i = 1; i < plan_.steps.size(); ++i) last = mapped("$14\r\nwork:jobs:id:7\r\n");
  EXPECT_EQ(last, "$5\r\njob:7\r\n");
}

TEST_F(ReplyMapperTest, ARulesetOutlivesItsReload) {
  plan("KEYS job:*");
  use({});                            // a reload without rules
  ASSERT_EQ(plan_.steps.size(), 2u);  // KEYS job:* and KEYS work:jobs:id:*
  mapped(array({}));
  EXPECT_EQ(mapped(array({"work:jobs:id:1"})), array({"job:1"}));
}

}  // namespace
}  // namespace keyshift::plan
