#include "plan_fixture.h"

namespace keyshift::plan {
namespace {

class PlannerTest : public PlanTest {};

constexpr const char* kStats = "analytics:writing_stats:user:u1:days:30d";

std::string stats(const std::string& before, const std::string& after) {
  return before + kStats + after;
}

TEST_F(PlannerTest, NoRuleMatchesThenBytesLeaveAsTheyCame) {
  for (const char* line :
       {"GET other", "SET other x EX 10", "MGET a b c", "SORT other BY weight_* GET obj_*->f",
        "EVAL script 2 a b c", "PING", "FLUSHALL"}) {
    const std::string request = encoded(words(line));
    EXPECT_EQ(bytes(request), request) << line;
  }
}

TEST_F(PlannerTest, LegacyNameLeavesAsConsolidatedName) {
  EXPECT_EQ(plan("GET writing_stats:u1:30d"), stats("GET ", " -> relay"));
  EXPECT_EQ(plan("GET analytics:writing_stats:user:u1:days:30d"), stats("GET ", " -> relay"));
}

TEST_F(PlannerTest, EveryKeyOfACommandIsMappedAndNothingElse) {
  EXPECT_EQ(plan("MGET job:1 other job:2"), "MGET work:jobs:id:1 other work:jobs:id:2 -> relay");
  EXPECT_EQ(plan("SET job:1 job:2"), "SET work:jobs:id:1 job:2 -> relay");
  EXPECT_EQ(plan("ZUNIONSTORE job:3 2 job:1 job:2 WEIGHTS 1 2"),
            "ZUNIONSTORE work:jobs:id:3 2 work:jobs:id:1 work:jobs:id:2 WEIGHTS 1 2 -> relay");
  EXPECT_EQ(plan("EVAL s 1 job:1 job:2"), "EVAL s 1 work:jobs:id:1 job:2 -> relay");
  EXPECT_EQ(plan("XREADGROUP GROUP g c STREAMS job:1 job:2 > >"),
            "XREADGROUP GROUP g c STREAMS work:jobs:id:1 work:jobs:id:2 > > -> relay");
  EXPECT_EQ(plan("SORT job:1 BY job:* GET # GET job:* STORE job:2"),
            "SORT work:jobs:id:1 BY work:jobs:id:* GET # GET work:jobs:id:* STORE work:jobs:id:2 -> relay");
}

TEST_F(PlannerTest, SetCarriesTheDefaultItself) {
  EXPECT_EQ(plan("SET writing_stats:u1:30d x"), stats("SET ", " x EX 3600 -> relay"));
  EXPECT_EQ(plan("SET writing_stats:u1:30d x NX GET"), stats("SET ", " x NX GET EX 3600 -> relay"));
  EXPECT_EQ(plan_.keys.front().ttl, scheme::TtlAction::kDefault);
}

TEST_F(PlannerTest, KeepttlIsLeftAlone) {
  EXPECT_EQ(plan("SET writing_stats:u1:30d x KEEPTTL"), stats("SET ", " x KEEPTTL -> relay"));
}

TEST_F(PlannerTest, OtherWritesAreFollowedByExpireNx) {
  EXPECT_EQ(plan("SADD writing_stats:u1:30d x"),
            stats("SADD ", " x -> relay; EXPIRE ") + kStats + " 3600 NX -> discard");
  EXPECT_EQ(plan("PERSIST mood:u"),
            "PERSIST analytics:mood:user:u -> relay; EXPIRE analytics:mood:user:u 3600 NX -> discard");
  EXPECT_EQ(
      plan("MSET mood:a 1 other 2 mood:b 3"),
      "MSET analytics:mood:user:a 1 other 2 analytics:mood:user:b 3 -> relay; "
      "EXPIRE analytics:mood:user:a 3600 NX -> discard; EXPIRE analytics:mood:user:b 3600 NX -> discard");
  EXPECT_EQ(plan("SDIFFSTORE mood:a job:1 job:2"),
            "SDIFFSTORE analytics:mood:user:a work:jobs:id:1 work:jobs:id:2 -> relay; "
            "EXPIRE analytics:mood:user:a 3600 NX -> discard");
  EXPECT_EQ(plan("GETEX mood:a PERSIST"),
            "GETEX analytics:mood:user:a PERSIST -> relay; EXPIRE analytics:mood:user:a 3600 NX -> discard");
}

TEST_F(PlannerTest, ACopyIntoAnotherDatabaseGetsItsDefaultThere) {
  EXPECT_EQ(plan("COPY job:1 mood:a DB 3"),
            "COPY work:jobs:id:1 analytics:mood:user:a DB 3 -> relay; Select 3 -> discard; "
            "EXPIRE analytics:mood:user:a 3600 NX -> discard; Select 0 -> discard");
}

TEST_F(PlannerTest, DefaultFollowsANameThatIsAlreadyConsolidated) {
  EXPECT_EQ(plan("LPUSH analytics:custom:user:u x"),
            "LPUSH analytics:custom:user:u x -> relay; EXPIRE analytics:custom:user:u 3600 NX -> discard");
  EXPECT_EQ(plan("SET analytics:custom:user:u x"), "SET analytics:custom:user:u x EX 3600 -> relay");
}

TEST_F(PlannerTest, ReadsDeletesAndPopsGetNoExpiry) {
  for (const char* line :
       {"GET mood:a", "DEL mood:a", "LPOP mood:a", "TTL mood:a", "GETEX mood:a", "EXPIRE mood:a 10"}) {
    plan(line);
    EXPECT_EQ(plan_.steps.size(), 1u) << line;
  }
}

TEST_F(PlannerTest, GivenExpiryIsClampedInItsOwnUnitAndBase) {
  EXPECT_EQ(plan("SETEX mood:a 100000 v"), "SETEX analytics:mood:user:a 86400 v -> relay");
  EXPECT_EQ(plan("SET mood:a v PX 100000000"), "SET analytics:mood:user:a v PX 86400000 -> relay");
  EXPECT_EQ(plan("EXPIRE mood:a 100000 GT"), "EXPIRE analytics:mood:user:a 86400 GT -> relay");
  EXPECT_EQ(plan("PEXPIREAT mood:a 1800000000000"), "PEXPIREAT analytics:mood:user:a 1700086400000 -> relay");
  EXPECT_EQ(plan("SET mood:a v EX 10"), "SET analytics:mood:user:a v EX 10 -> relay");
  EXPECT_EQ(plan("EXPIRE mood:a -1"), "EXPIRE analytics:mood:user:a -1 -> relay");
  EXPECT_EQ(plan("SET mood:a v EX soon"),
            "SET analytics:mood:user:a v EX soon -> relay; EXPIRE analytics:mood:user:a 3600 NX -> discard");
}

TEST_F(PlannerTest, RestoreWithoutExpiryGetsTheDefaultInItsArgument) {
  EXPECT_EQ(plan("RESTORE mood:a 0 payload"), "RESTORE analytics:mood:user:a 3600000 payload -> relay");
  EXPECT_EQ(plan("RESTORE mood:a 0 payload ABSTTL"),
            "RESTORE analytics:mood:user:a 1700003600000 payload ABSTTL -> relay");
  EXPECT_EQ(plan("RESTORE mood:a 5000 payload"), "RESTORE analytics:mood:user:a 5000 payload -> relay");
}

TEST_F(PlannerTest, OneExpiryForSeveralKeysIsTheShortestThatTheirPoliciesMakeOfIt) {
  EXPECT_EQ(plan("MSETEX 2 mood:a 1 mood:b 2"),
            "MSETEX 2 analytics:mood:user:a 1 analytics:mood:user:b 2 EX 3600 -> relay");
  EXPECT_EQ(plan("MSETEX 2 job:1 1 mood:b 2"),
            "MSETEX 2 work:jobs:id:1 1 analytics:mood:user:b 2 -> relay; EXPIRE analytics:mood:user:b 3600 "
            "NX -> discard");
  EXPECT_EQ(plan("MSETEX 2 job:1 1 mood:b 2 EX 100000"),
            "MSETEX 2 work:jobs:id:1 1 analytics:mood:user:b 2 EX 86400 -> relay");
  EXPECT_EQ(plan("MSETEX 2 job:1 1 mood:b 2 EX 10"),
            "MSETEX 2 work:jobs:id:1 1 analytics:mood:user:b 2 EX 10 -> relay");
}

TEST_F(PlannerTest, LegacyPhaseCountsAndChangesNothing) {
  use(spec(scheme::Phase::kLegacy));
  for (const char* line :
       {"SET writing_stats:u1:30d x", "SADD mood:u x", "SETEX mood:u 100000 v", "LPUSH analytics:x:y 1"}) {
    const std::string request = encoded(words(line));
    EXPECT_EQ(bytes(request), request) << line;
    ASSERT_EQ(plan_.keys.size(), 1u);
    EXPECT_TRUE(plan_.keys[0].observed);
    EXPECT_NE(plan_.keys[0].ttl, scheme::TtlAction::kNone) << line;
  }
  // New code's name is read in this phase too.
  EXPECT_EQ(plan("GET analytics:mood:user:u"), "GET mood:u -> relay");
}

TEST_F(PlannerTest, NativeKeysFollowTheirDomainsPhaseAndRulesTheirOwn) {
  scheme::SchemeSpec mixed = spec();
  mixed.domains[0].phase = scheme::Phase::kLegacy;
  use(mixed);
  EXPECT_EQ(plan("SET analytics:custom:user:u x"), "SET analytics:custom:user:u x -> relay");
  EXPECT_TRUE(plan_.keys[0].observed);
  EXPECT_EQ(plan_.keys[0].ttl, scheme::TtlAction::kDefault);
  EXPECT_EQ(plan("SET mood:u x"), "SET analytics:mood:user:u x EX 3600 -> relay");
  EXPECT_FALSE(plan_.keys[0].observed);
  EXPECT_EQ(plan("SET other x"), "SET other x -> relay");
  EXPECT_FALSE(plan_.keys[0].observed);
}

TEST_F(PlannerTest, UnmatchedKeysAreRefusedOrPrefixedAsTheListenerSays) {
  view_.unmatched = scheme::Unmatched::kRefuse;
  EXPECT_EQ(plan("MGET job:1 other"), "refused");
  EXPECT_EQ(plan_.refusal, Refusal::kUnmatched);
  EXPECT_EQ(plan_.refused_at, 2u);
  EXPECT_EQ(plan("GET analytics:any:thing"), "GET analytics:any:thing -> relay");
  view_.unmatched = scheme::Unmatched::kPrefix;
  view_.prefix = "old:";
  EXPECT_EQ(plan("MGET job:1 other"), "MGET work:jobs:id:1 old:other -> relay");
}

TEST_F(PlannerTest, BinaryKeysAndEmptyArgumentsSurvive) {
  const std::string key("job:\0\r\n$5\xff", 10);
  EXPECT_EQ(plan_arguments({"SET", key, ""}), "SET work:jobs:id:" + key.substr(4) + "  -> relay");
}

TEST_F(PlannerTest, KeysAsksForEveryPatternThatCanHoldAMatch) {
  EXPECT_EQ(plan("KEYS job:*"), "KEYS job:* -> map; KEYS work:jobs:id:* -> map");
}

TEST_F(PlannerTest, ScanAsksForOnePatternAndLeavesTheRestAsItIs) {
  EXPECT_EQ(plan("SCAN 17 COUNT 100 MATCH writing_stats:* TYPE string"),
            "SCAN 17 COUNT 100 MATCH *writing_stats:* TYPE string -> map");
  EXPECT_EQ(plan("SCAN 0"), "SCAN 0 -> map");
  EXPECT_EQ(plan("SCAN 0 MATCH mood:u MATCH job:7"), "SCAN 0 MATCH mood:u MATCH work:jobs:id:7 -> map")
      << "the last one counts";
}

TEST_F(PlannerTest, PatternsOfMembersAndFieldsAreNotOfNames) {
  EXPECT_EQ(plan("SSCAN job:1 0 MATCH job:* COUNT 5"), "SSCAN work:jobs:id:1 0 MATCH job:* COUNT 5 -> relay");
  EXPECT_EQ(plan("ZSCAN job:1 0 MATCH job:*"), "ZSCAN work:jobs:id:1 0 MATCH job:* -> relay");
  EXPECT_EQ(plan("HSCAN job:1 0 MATCH job:* NOVALUES"),
            "HSCAN work:jobs:id:1 0 MATCH job:* NOVALUES -> relay");
}

TEST_F(PlannerTest, ATranslationIsKeptForItsRulesAndItsView) {
  for (int i = 0; i < 3; ++i) EXPECT_EQ(plan("KEYS mood:a"), "KEYS analytics:mood:user:a -> map");
  EXPECT_EQ(plan("SCAN 0 MATCH mood:a"), "SCAN 0 MATCH analytics:mood:user:a -> map");
  for (int i = 0; i < 40; ++i) {
    const std::string name = std::to_string(i);
    EXPECT_EQ(plan("KEYS mood:" + name), "KEYS analytics:mood:user:" + name + " -> map");
  }
  use(spec(scheme::Phase::kLegacy));
  EXPECT_EQ(plan("KEYS mood:a"), "KEYS mood:a -> map") << "other rules";
  use(spec());
  EXPECT_EQ(plan("KEYS other"), "KEYS other -> map");
  view_.unmatched = scheme::Unmatched::kPrefix;
  view_.prefix = "old:";
  EXPECT_EQ(plan("KEYS other"), "KEYS old:other -> map") << "another view";
}

TEST_F(PlannerTest, MalformedNamesNeverLeave) {
  EXPECT_EQ(plan("EVAL s 5 job:1"), "refused");
  EXPECT_EQ(plan("XREAD STREAMS job:1 job:2 0"), "refused");
  EXPECT_EQ(plan_.refusal, Refusal::kMalformed);
}

TEST_F(PlannerTest, JitterSpreadsDefaults) {
  scheme::SchemeSpec jittered = spec();
  jittered.domains[0].policy.jitter = 0.5;
  use(jittered);
  std::string first = plan("SET mood:a v");
  bool differs = false;
  for (int i = 0; i < 20; ++i) differs = differs || plan("SET mood:a v") != first;
  EXPECT_TRUE(differs);
}

}  // namespace
}  // namespace keyshift::plan
