// Databases that fold: what a configuration must say, and what it must not.
#include "load_fixture.h"

namespace keyshift::config {
namespace {

constexpr const char* kRules =
    "[[rule]]\n"
    "legacy = \"cart:{id}\"\n"
    "key = \"shop:cart:id:{id}\"\n"
    "db = 0\n"
    "[[rule]]\n"
    "legacy = \"cart:{id}\"\n"
    "key = \"mail:cart:id:{id}\"\n"
    "db = 3\n";

class FoldTest : public LoadTest {
 protected:
  // The configuration: [fold] into = 5, one listener with these lines, and two rules.
  void folding(const std::string& listener, const std::string& more = "") {
    file(more + "[fold]\ninto = 5\n[[listener]]\n" + listener + kRules);
  }
};

TEST_F(FoldTest, ViewsArePreparedForTheirDatabases) {
  folding("unmatched = \"prefix\"\nunmatched_prefix = \"db{db}:\"\n");
  const Config config = loaded();
  EXPECT_EQ(config.rules->fold().upstream(3), 5);
  EXPECT_EQ(config.listeners[0].view.prefix_in(3), "db3:");
  EXPECT_EQ(config.rules->fold().databases, 16);
}

TEST_F(FoldTest, UnmatchedKeysThatDatabasesWouldShareAreRefusedWhereTheyAreLetThrough) {
  folding("");
  EXPECT_EQ(problems(),
            "conf.toml:3:1: listener.unmatched = \"pass\": databases fold (fold.into), so `a` of database 0 "
            "and `a` "
            "of database 1 would both be stored as `a`; let unmatched be \"refuse\", or \"prefix\" with an "
            "unmatched_prefix like \"db{db}:\"\n");
  folding("unmatched = \"prefix\"\nunmatched_prefix = \"db{db}\"\n");
  EXPECT_EQ(
      problems(),
      "conf.toml:5:20: listener.unmatched_prefix = \"db{db}\": databases fold (fold.into), so `0a` of "
      "database "
      "1 and `a` of database 10 would both be stored as `db10a`; let unmatched be \"refuse\", or \"prefix\" "
      "with an unmatched_prefix like \"db{db}:\"\n");
  folding("unmatched = \"prefix\"\nunmatched_prefix = \"shop:cart:id:{db}:\"\n");
  EXPECT_EQ(problems(), "") << "{id} holds no `:`, so a prefixed key is none of a cart";
  folding("unmatched = \"prefix\"\nunmatched_prefix = \"shop:cart:id:{db}x\"\n");
  EXPECT_EQ(problems(),
            "conf.toml:5:20: listener.unmatched_prefix = \"shop:cart:id:{db}x\" cannot be taken off again: "
            "`a` would "
            "be stored as `shop:cart:id:0xa`, which is a key of `shop:cart:id:{id}` (conf.toml:6:1); take a "
            "prefix that begins no template and no domain\n");
  folding("view = \"consolidated\"\n");
  EXPECT_EQ(problems(), "") << "a view that knows no databases";
}

TEST_F(FoldTest, PhaseLegacyIsTheWayBackWhateverTheRestSays) {
  folding("");
  environment({{"USE_CONSOLIDATED_CACHE", "false"}});
  EXPECT_FALSE(loaded().rules->fold().active());
}

TEST_F(FoldTest, ADatabaseOfItsOwnPhaseStaysWhereItIs) {
  folding("unmatched = \"refuse\"\n", "phase = \"legacy\"\n");
  sources.toml += "phase = \"consolidated\"\n";
  const auto rules = loaded().rules;
  EXPECT_EQ(rules->fold().upstream(3), 5);
  EXPECT_EQ(rules->fold().upstream(0), 0);
  EXPECT_EQ(rules->fold().upstream(7), 7);
}

TEST_F(FoldTest, ThePrefixOfADatabaseNeedsFolding) {
  file("[[listener]]\nunmatched = \"prefix\"\nunmatched_prefix = \"db{db}:\"\n");
  EXPECT_EQ(
      problems(),
      "conf.toml:3:20: {db} in listener.unmatched_prefix is the number of a database that folds: it needs "
      "fold.into\n");
}

TEST_F(FoldTest, ClientsBeginInADatabaseThatTheyCanSelect) {
  folding("unmatched = \"refuse\"\n");
  environment({{"REDIS_DB", "16"}});
  EXPECT_EQ(
      problems(),
      "environment: REDIS_DB: upstream.database = 16, in which clients begin, is none that they can select: "
      "fold.databases = 16\n");
}

}  // namespace
}  // namespace keyshift::config
