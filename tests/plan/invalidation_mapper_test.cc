#include "keyshift/plan/invalidation_mapper.h"

#include "plan_fixture.h"

namespace keyshift::plan {
namespace {

using Messages = std::vector<std::vector<std::string>>;

class InvalidationMapperTest : public PlanTest {
 protected:
  InvalidationMapper mapper(const InvalidationMapper::Prefixes& prefixes = {}) {
    InvalidationMapper made(rules_, view_, prefixes);
    made.add_database(0);
    return made;
  }

  static Messages told(InvalidationMapper& mapper, const std::vector<std::string>& keys, bool both = false) {
    Messages messages;
    mapper.map(encoded(keys), both, [&messages](std::string_view array) {
      resp::RequestParser parser;
      EXPECT_EQ(parser.parse(array), resp::RequestParser::Status::kRequest);
      const resp::Request names = parser.request(array);
      EXPECT_EQ(parser.frame_size(), array.size());
      messages.emplace_back();
      for (size_t i = 0; i < names.size(); ++i) messages.back().emplace_back(names[i]);
    });
    return messages;
  }
  Messages told(const std::vector<std::string>& keys, bool both = false) {
    InvalidationMapper made = mapper();
    return told(made, keys, both);
  }
};

TEST_F(InvalidationMapperTest, AKeyIsToldByTheNameThatTheViewShows) {
  EXPECT_EQ(told({"analytics:writing_stats:user:u1:days:30d", "other"}),
            (Messages{{"writing_stats:u1:30d", "other"}}));
  view_.naming = scheme::Naming::kConsolidated;
  EXPECT_EQ(told({"analytics:writing_stats:user:u1:days:30d"}),
            (Messages{{"analytics:writing_stats:user:u1:days:30d"}}));
}

TEST_F(InvalidationMapperTest, ByBothNamesOnceBothNamingsAreInUse) {
  EXPECT_EQ(told({"work:jobs:id:7", "other"}, true), (Messages{{"job:7", "work:jobs:id:7", "other"}}));
}

TEST_F(InvalidationMapperTest, AKeyThatTheViewDoesNotShowIsLeftOut) {
  EXPECT_EQ(told({"job:7", "work:jobs:id:8"}), (Messages{{"job:8"}})) << "a dead copy";
  EXPECT_EQ(told({"job:7"}), Messages{});
}

TEST_F(InvalidationMapperTest, InPhaseLegacyTheKeyIsTheLegacyName) {
  use(spec(scheme::Phase::kLegacy));
  EXPECT_EQ(told({"job:7"}), (Messages{{"job:7"}}));
  EXPECT_EQ(told({"job:7"}, true), (Messages{{"job:7", "work:jobs:id:7"}}));
}

TEST_F(InvalidationMapperTest, ByPrefixThereIsAMessageForEachWithTheNamesThatBeginSo) {
  InvalidationMapper both = mapper({"job:", "mood:"});
  EXPECT_EQ(both.physical_prefixes(),
            (std::vector<std::string>{"analytics:mood:user:", "job:", "mood:", "work:jobs:id:"}));
  EXPECT_EQ(
      told(both, {"work:jobs:id:1", "analytics:mood:user:u", "work:jobs:id:2", "job", "analytics:mood:x"}),
      (Messages{{"job:1", "job:2"}, {"mood:u"}}));
  InvalidationMapper all = mapper({""});
  EXPECT_EQ(all.physical_prefixes(), std::vector<std::string>{""});
  EXPECT_EQ(told(all, {"work:jobs:id:1", "x"}), (Messages{{"job:1", "x"}}));
}

TEST_F(InvalidationMapperTest, APrefixOfTheOtherNamingIsToldByIt) {
  InvalidationMapper consolidated = mapper({"work:jobs:"});
  EXPECT_EQ(consolidated.physical_prefixes(), std::vector<std::string>{"work:jobs:"});
  EXPECT_EQ(told(consolidated, {"work:jobs:id:1"}), (Messages{{"work:jobs:id:1"}}));
}

TEST_F(InvalidationMapperTest, AKeyIsToldByItsNamesInAllDatabasesThatTheClientWasIn) {
  scheme::SchemeSpec with = spec();
  with.rules.back().db = 3;  // job:{id}
  use(with);
  InvalidationMapper made(rules_, view_, {});
  made.add_database(0);
  EXPECT_EQ(told(made, {"work:jobs:id:1"}), (Messages{{"work:jobs:id:1"}}));
  made.add_database(3);
  made.add_database(3);
  EXPECT_EQ(told(made, {"work:jobs:id:1"}), (Messages{{"work:jobs:id:1", "job:1"}}));
  InvalidationMapper all(rules_, view_, {"job:"});
  all.add_all_databases();
  EXPECT_EQ(all.physical_prefixes(), (std::vector<std::string>{"job:", "work:jobs:id:"}));
}

TEST_F(InvalidationMapperTest, AKeyOfAFoldedDatabaseIsToldByItsNameThere) {
  use_folded();
  EXPECT_EQ(told({"work:jobs:id:1", "mail:jobs:id:1", "db0:u", "db1:v", "foreign"}),
            (Messages{{"job:1", "u"}}));
  InvalidationMapper both = mapper();
  both.add_database(1);
  EXPECT_EQ(told(both, {"mail:jobs:id:1", "db1:v", "db3:w", "foreign"}), (Messages{{"job:1", "v"}}));
  InvalidationMapper all = mapper();
  all.add_all_databases();
  EXPECT_EQ(told(all, {"mail:jobs:id:1", "db1:v", "db3:w", "db4:x", "foreign"}),
            (Messages{{"job:1", "v", "w"}}))
      << "nobody can select database 4, and none is left in which a key has its own name";
}

}  // namespace
}  // namespace keyshift::plan
