#include "keyshift/plan/explanation.h"

#include <string>

#include <gtest/gtest.h>

#include "plan_fixture.h"

namespace keyshift::plan {
namespace {

using scheme::Match;
using scheme::Naming;

class ExplanationTest : public PlanTest {
 protected:
  Explanation explained(const std::string& key, int database = 0) {
    return explain({.rules = rules_,
                    .view = view_,
                    .protocol = resp::Protocol::kResp2,
                    .database = database,
                    .now_ms = kNowMs},
                   key);
  }
  // "SET a value EX 1 -> relay; ..." as PlanTest::plan() says it.
  static std::string text(const ExplainedCommand& command) {
    if (command.refusal != Refusal::kNone) return "refused";
    std::string text;
    for (const auto& step : command.steps) {
      if (!text.empty()) text += "; ";
      for (const std::string& word : step.words) text += word + " ";
      text += std::string("-> ") + disposition_name(step.reply);
    }
    return text;
  }
};

TEST_F(ExplanationTest, ALegacyNameOfARule) {
  const Explanation made = explained("writing_stats:u1:30d");
  EXPECT_EQ(made.kind, Match::Kind::kRule);
  EXPECT_EQ(made.rule, 0u);
  EXPECT_EQ(made.side, Naming::kLegacy);
  ASSERT_EQ(made.captures.size(), 2u);
  EXPECT_EQ(made.captures[0].name + "=" + made.captures[0].value, "user=u1");
  EXPECT_EQ(made.captures[1].name + "=" + made.captures[1].value, "days=30");
  EXPECT_EQ(made.captures[1].type, scheme::CaptureType::kInt);
  EXPECT_EQ(made.domain, "analytics");
  EXPECT_EQ(made.resource, "writing_stats");
  EXPECT_EQ(made.policy.default_ms, 3'600'000);
  EXPECT_EQ(made.policy_source, Explanation::PolicySource::kDomain);
  EXPECT_EQ(made.legacy, "writing_stats:u1:30d");
  EXPECT_EQ(made.consolidated, "analytics:writing_stats:user:u1:days:30d");
  EXPECT_EQ(made.physical, made.consolidated);
  EXPECT_EQ(made.shown, made.legacy);
  EXPECT_FALSE(made.stored_is_reachable);  // a copy under the legacy name is dead
  EXPECT_TRUE(made.others.empty());
}

TEST_F(ExplanationTest, CommandsAreThoseOfThePlanner) {
  for (const std::string key :
       {"writing_stats:u1:30d", "analytics:mood:user:a", "job:7", "analytics:x", "other"}) {
    const Explanation made = explained(key);
    ASSERT_EQ(made.commands.size(), 3u);
    for (const ExplainedCommand& command : made.commands)
      EXPECT_EQ(text(command), plan_arguments(command.sent));
  }
  EXPECT_EQ(text(explained("mood:a").commands[0]), "SET analytics:mood:user:a value EX 3600 -> relay");
  EXPECT_EQ(text(explained("job:7").commands[1]), "GET work:jobs:id:7 -> relay");
  EXPECT_EQ(explained("mood:a").commands[0].keys[0].ttl, scheme::TtlAction::kDefault);
}

TEST_F(ExplanationTest, AnyCommandCanBeExplained) {
  const ExplainedCommand made = explain_command(
      {.rules = rules_, .view = view_, .protocol = resp::Protocol::kResp2, .database = 0, .now_ms = kNowMs},
      {"SADD", "mood:a", "x"});
  EXPECT_EQ(text(made),
            "SADD analytics:mood:user:a x -> relay; EXPIRE analytics:mood:user:a 3600 NX -> discard");
}

TEST_F(ExplanationTest, AConsolidatedNameAndANativeOne) {
  const Explanation made = explained("analytics:mood:user:a");
  EXPECT_EQ(made.side, Naming::kConsolidated);
  EXPECT_EQ(made.legacy, "mood:a");
  EXPECT_EQ(made.shown, "mood:a");
  EXPECT_TRUE(made.stored_is_reachable);
  const Explanation native = explained("analytics:daily:user:u1");
  EXPECT_EQ(native.kind, Match::Kind::kNative);
  EXPECT_EQ(native.domain + "/" + native.resource, "analytics/daily");
  EXPECT_EQ(native.legacy, std::nullopt);
  EXPECT_EQ(native.consolidated, native.key);
  EXPECT_EQ(native.physical, native.key);
  // A domain that only rules name does not make keys native.
  EXPECT_EQ(explained("work:jobs").kind, Match::Kind::kUnmatched);
  EXPECT_EQ(explained("job:7").policy_source, Explanation::PolicySource::kNone);
}

TEST_F(ExplanationTest, ResourcesHaveTheirOwnPolicy) {
  auto with = spec();
  with.domains[0].resources.push_back({.name = "mood", .policy = {.default_ms = 60'000}, .location = ""});
  use(with);
  const Explanation made = explained("mood:a");
  EXPECT_EQ(made.policy_source, Explanation::PolicySource::kResource);
  EXPECT_EQ(made.policy.default_ms, 60'000);
  EXPECT_EQ(made.policy.max_ms, 86'400'000);
}

TEST_F(ExplanationTest, AKeyOfNoRuleAsTheViewWantsIt) {
  Explanation made = explained("orders:4711");
  EXPECT_EQ(made.kind, Match::Kind::kUnmatched);
  EXPECT_EQ(made.shape, "orders:{int}");
  EXPECT_EQ(made.physical, "orders:4711");
  EXPECT_EQ(made.shown, "orders:4711");
  view_ = {.unmatched = scheme::Unmatched::kPrefix, .prefix = "old:"};
  made = explained("orders:4711");
  EXPECT_EQ(made.physical, "old:orders:4711");
  EXPECT_EQ(made.shown, "orders:4711");
  EXPECT_EQ(text(made.commands[2]), "DEL old:orders:4711 -> relay");
  view_ = {.unmatched = scheme::Unmatched::kRefuse, .prefix = ""};
  made = explained("orders:4711");
  EXPECT_EQ(made.physical, std::nullopt);
  EXPECT_EQ(made.shown, std::nullopt);
  EXPECT_EQ(made.commands[0].refusal, Refusal::kUnmatched);
  EXPECT_TRUE(made.commands[0].steps.empty());
}

TEST_F(ExplanationTest, PhaseLegacyChangesNothingAndSaysWhatItWould) {
  use(spec(scheme::Phase::kLegacy));
  const Explanation made = explained("mood:a");
  EXPECT_EQ(made.phase, scheme::Phase::kLegacy);
  EXPECT_EQ(made.physical, "mood:a");
  EXPECT_EQ(made.consolidated, "analytics:mood:user:a");
  EXPECT_EQ(text(made.commands[0]), "SET mood:a value -> relay");
  EXPECT_TRUE(made.commands[0].keys[0].observed);
  EXPECT_EQ(made.commands[0].keys[0].ttl, scheme::TtlAction::kDefault);
}

TEST_F(ExplanationTest, OtherRulesAreNamedWithTheirReason) {
  scheme::SchemeSpec with;
  with.rules.push_back({.legacy = "{k:any}", .key = "all:{k}", .location = ""});
  with.rules.push_back({.legacy = "user:{id}", .key = "people:user:{id}", .location = ""});
  with.rules.push_back({.legacy = "user:admin", .key = "people:admin", .db = 3, .location = ""});
  use(with);
  using Why = Explanation::Other::Why;
  const Explanation made = explained("user:admin");
  EXPECT_EQ(made.rule, 1u);
  ASSERT_EQ(made.others.size(), 2u);
  EXPECT_EQ(made.others[0].rule, 2u);
  EXPECT_EQ(made.others[0].why, Why::kOtherDatabase);
  EXPECT_EQ(made.others[1].rule, 0u);
  EXPECT_EQ(made.others[1].why, Why::kLessSpecific);
  EXPECT_EQ(explained("user:admin", 3).rule, 2u);
  // Read as a legacy name on a legacy listener, as what it is on a consolidated one.
  const Explanation both = explained("people:user:7");
  EXPECT_EQ(both.rule, 0u);
  ASSERT_EQ(both.others.size(), 1u);
  EXPECT_EQ(both.others[0].why, Why::kOtherNaming);
  EXPECT_EQ(both.legacy, "people:user:7");
  EXPECT_EQ(both.consolidated, std::nullopt);  // all:people:user:7 is read as a legacy name too
  view_.naming = Naming::kConsolidated;
  EXPECT_EQ(explained("people:user:7").rule, 1u);
}

TEST_F(ExplanationTest, BinaryNamesStayBytes) {
  const std::string key("mood:\0\xff", 7);
  const Explanation made = explained(key);
  EXPECT_EQ(made.captures[0].value, std::string("\0\xff", 2));
  EXPECT_EQ(made.commands[1].steps[0].words[1], std::string("analytics:mood:user:\0\xff", 22));
}

}  // namespace
}  // namespace keyshift::plan
