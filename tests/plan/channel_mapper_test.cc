#include "keyshift/plan/channel_mapper.h"

#include "keyshift/plan/audience.h"
#include "plan_fixture.h"

namespace keyshift::plan {
namespace {

// Two clients of one connection on "news", two on "__keyspace@0__:work:jobs:id:1", and patterns of five clients for three
// of connections.
class FakeAudience final : public Audience {
 public:
  bool empty() const override { return empty_; }
  int64_t more_receivers(bool shard, std::string_view name, std::string_view counted,
                         std::string_view physical) const override {
    asked += std::string(name) + "=" + std::string(physical) + (shard ? " shard;" : ";");
    return more_subscribers(shard, counted, physical);
  }
  int64_t more_subscribers(bool shard, std::string_view counted, std::string_view) const override {
    return !shard && (counted == "news" || counted == "__keyspace@0__:work:jobs:id:1") ? 1 : -1;
  }
  int64_t more_patterns() const override { return 2; }
  bool has_subscribers(std::string_view counted) const override { return counted == "__keyevent@1__:set"; }
  bool has_connections(std::string_view physical) const override { return physical == "__keyevent@5__:set"; }

  bool empty_ = false;
  mutable std::string asked;
};

class ChannelMapperTest : public PlanTest {
 protected:
  void SetUp() override {
    PlanTest::SetUp();
    audience_ = &here_;
  }
  FakeAudience here_;
};

TEST_F(ChannelMapperTest, APublishedMessageIsCountedForEveryClientThatHearsIt) {
  EXPECT_EQ(plan("PUBLISH news hi"), "PUBLISH news hi -> map");
  EXPECT_EQ(mapped(":1\r\n"), ":2\r\n");
  plan("PUBLISH other hi");
  EXPECT_EQ(mapped(":0\r\n"), ":0\r\n") << "never below zero";
  plan("PUBLISH news hi");
  EXPECT_EQ(mapped("-NOPERM no\r\n"), "-NOPERM no\r\n");
  plan("SPUBLISH news hi");
  EXPECT_EQ(mapped(":4\r\n"), ":3\r\n");
  EXPECT_EQ(here_.asked, "news=news;other=other;news=news;news=news shard;");
}

TEST_F(ChannelMapperTest, AChannelOfAKeyIsPublishedOnByTheKeysName) {
  EXPECT_EQ(plan("PUBLISH __keyspace@0__:job:1 set"), "PUBLISH __keyspace@0__:work:jobs:id:1 set -> map");
  EXPECT_EQ(here_.asked, "__keyspace@0__:job:1=__keyspace@0__:work:jobs:id:1;");
  EXPECT_EQ(plan("PUBLISH __keyevent@0__:set job:1"), "PUBLISH __keyevent@0__:set work:jobs:id:1 -> map");
  EXPECT_EQ(plan("SPUBLISH __keyspace@0__:job:1 set"), "SPUBLISH __keyspace@0__:job:1 set -> map");
}

TEST_F(ChannelMapperTest, WithoutSubscribersNumbersAreRelayed) {
  here_.empty_ = true;
  EXPECT_EQ(plan("PUBLISH __keyspace@0__:job:1 set"), "PUBLISH __keyspace@0__:work:jobs:id:1 set -> relay");
  EXPECT_EQ(plan("PUBSUB NUMPAT"), "PUBSUB NUMPAT -> map");
  EXPECT_EQ(mapped(":3\r\n"), ":3\r\n");
  audience_ = nullptr;
  EXPECT_EQ(plan("PUBLISH news hi"), "PUBLISH news hi -> relay");
}

TEST_F(ChannelMapperTest, SubscribersAreCountedByTheNamesThatWereAsked) {
  EXPECT_EQ(plan("PUBSUB NUMSUB news __keyspace@0__:job:1 x"),
            "PUBSUB NUMSUB news __keyspace@0__:work:jobs:id:1 x -> map");
  EXPECT_EQ(
      mapped("*6\r\n$4\r\nnews\r\n:1\r\n$29\r\n__keyspace@0__:work:jobs:id:1\r\n:5\r\n$1\r\nx\r\n:1\r\n"),
      "*6\r\n$4\r\nnews\r\n:2\r\n$20\r\n__keyspace@0__:job:1\r\n:6\r\n$1\r\nx\r\n:0\r\n");
  EXPECT_EQ(plan("PUBSUB NUMPAT"), "PUBSUB NUMPAT -> map");
  EXPECT_EQ(mapped(":3\r\n"), ":5\r\n");
}

TEST_F(ChannelMapperTest, ChannelsOfKeysAreShownByTheClientsNames) {
  const std::string reply = encoded({"news", "__keyspace@0__:work:jobs:id:1", "__keyspace@0__:job:dead"});
  EXPECT_EQ(plan("PUBSUB CHANNELS"), "PUBSUB CHANNELS -> map");
  EXPECT_EQ(mapped(reply), encoded({"news", "__keyspace@0__:job:1"}));
  EXPECT_EQ(plan("PUBSUB CHANNELS __keyspace@0__:job:*"), "PUBSUB CHANNELS __keyspace@0__:*job* -> map");
  EXPECT_EQ(mapped(reply), encoded({"__keyspace@0__:job:1"}));
  EXPECT_EQ(plan("PUBSUB CHANNELS n*"), "PUBSUB CHANNELS n* -> map");
  EXPECT_EQ(mapped(encoded({"news"})), encoded({"news"}));
  EXPECT_EQ(plan("PUBSUB CHANNELS a b"), "PUBSUB CHANNELS a b -> relay") << "the server's to refuse";
  EXPECT_EQ(plan("PUBSUB SHARDCHANNELS __keyspace@0__:job:*"),
            "PUBSUB SHARDCHANNELS __keyspace@0__:job:* -> relay");
}

TEST_F(ChannelMapperTest, ChannelsOfFoldedDatabasesHaveTheUpstreamsNumber) {
  use_folded();
  EXPECT_EQ(plan("PUBLISH __keyspace@1__:u set"), "PUBLISH __keyspace@5__:db1:u set -> map");
  EXPECT_EQ(plan("PUBLISH __keyevent@1__:set job:1"), "PUBLISH __keyevent@5__:set mail:jobs:id:1 -> map");
  EXPECT_EQ(plan("PUBSUB NUMSUB __keyevent@1__:set"), "PUBSUB NUMSUB __keyevent@5__:set -> map");
  EXPECT_EQ(mapped("*2\r\n$18\r\n__keyevent@5__:set\r\n:3\r\n"), "*2\r\n$18\r\n__keyevent@1__:set\r\n:2\r\n");
  const std::string reply =
      encoded({"__keyevent@5__:set", "__keyevent@5__:del", "__keyspace@5__:db1:u", "__keyspace@5__:x"});
  plan("PUBSUB CHANNELS");
  EXPECT_EQ(mapped(reply), encoded({"__keyevent@1__:set", "__keyevent@0__:del", "__keyspace@1__:u"}))
      << "clients listen in 1 only; a stranger listens to del, nobody knows where";
  plan("PUBSUB CHANNELS __key*@0*");
  EXPECT_EQ(mapped(reply), encoded({"__keyevent@0__:del"}));
}

}  // namespace
}  // namespace keyshift::plan
