#include "keyshift/migrate/survey.h"

#include <string>

#include <gtest/gtest.h>

namespace keyshift::migrate {
namespace {

using scheme::Naming;
using scheme::Phase;

class SurveyTest : public testing::Test {
 protected:
  static scheme::RuleSpec rule(std::string legacy, std::string key, Phase phase = Phase::kConsolidated,
                               std::optional<int> db = std::nullopt) {
    return {.legacy = std::move(legacy), .key = std::move(key), .phase = phase, .db = db, .location = ""};
  }

  void use(std::vector<scheme::RuleSpec> rules, scheme::View view = {}) {
    scheme::SchemeSpec spec;
    spec.domains.push_back({.name = "analytics", .policy = {}, .resources = {}, .location = ""});
    spec.rules = std::move(rules);
    auto compiled = scheme::Ruleset::compile(spec);
    ASSERT_TRUE(compiled.has_value());
    survey_ = std::make_unique<Survey>(*compiled, std::move(view), 100);
  }

  std::string twin(const std::string& key, int database = 0) {
    return std::string(survey_->add(database, key, true).twin);
  }
  const RuleCount& rule_count(size_t rule, size_t database = 0) const {
    return survey_->databases()[database].rules[rule];
  }
  static uint64_t keys(const RuleCount& count, Naming naming) {
    return count.names[static_cast<size_t>(naming)].keys;
  }

  void SetUp() override {
    use({rule("mood:{user}", "analytics:mood:user:{user}"), rule("job:{id}", "work:job:{id}")});
  }

  std::unique_ptr<Survey> survey_;
};

TEST_F(SurveyTest, EveryKeyIsCountedOnce) {
  survey_->add(0, "analytics:mood:user:a", true);
  survey_->add(0, "analytics:mood:user:b", false);
  survey_->add(0, "mood:c", true);
  survey_->add(0, "analytics:daily", false);
  survey_->add(0, "orders:1", true);
  survey_->add(0, "orders:2", false);
  survey_->add(3, "work:job:1", true);
  ASSERT_EQ(survey_->databases().size(), 2u);
  const DatabaseCount& zero = survey_->databases()[0];
  EXPECT_EQ(zero.all.keys, 6u);
  EXPECT_EQ(zero.all.lasting, 3u);
  EXPECT_EQ(keys(zero.rules[0], Naming::kConsolidated), 2u);
  EXPECT_EQ(zero.rules[0].names[static_cast<size_t>(Naming::kConsolidated)].lasting, 1u);
  EXPECT_EQ(keys(zero.rules[0], Naming::kLegacy), 1u);
  EXPECT_EQ(zero.domains[0].keys, 4u);  // with its rules' keys and native ones
  EXPECT_EQ(zero.unmatched.keys, 2u);
  EXPECT_EQ(zero.unmatched.lasting, 1u);
  const DatabaseCount total = survey_->total();
  EXPECT_EQ(total.all.keys, 7u);
  EXPECT_EQ(keys(total.rules[1], Naming::kConsolidated), 1u);
  ASSERT_EQ(survey_->shapes().sorted().size(), 1u);
  EXPECT_EQ(survey_->shapes().sorted()[0].text, "orders:{int}");
  EXPECT_EQ(survey_->shapes().sorted()[0].example, "orders:1");
}

TEST_F(SurveyTest, OnlyTheOtherNameHasATwinToAskFor) {
  EXPECT_EQ(twin("mood:c"), "analytics:mood:user:c");
  EXPECT_EQ(twin("analytics:mood:user:c"), "");
  EXPECT_EQ(twin("orders:1"), "");
  use({rule("mood:{user}", "analytics:mood:user:{user}", Phase::kLegacy)});
  EXPECT_EQ(twin("mood:c"), "");
  EXPECT_EQ(twin("analytics:mood:user:c"), "mood:c");
}

TEST_F(SurveyTest, ClashesAreCountedAndTheFirstAreKept) {
  for (size_t i = 0; i < Survey::kKeptClashes + 5; ++i) {
    const std::string key = "mood:" + std::to_string(i);
    const Survey::Seen seen = survey_->add(0, key, true);
    survey_->add_clash(0, seen.rule, key, std::string(seen.twin));
  }
  EXPECT_EQ(rule_count(0).clashes, Survey::kKeptClashes + 5);
  ASSERT_EQ(survey_->clashes().size(), Survey::kKeptClashes);
  EXPECT_EQ(survey_->clashes()[0].key, "mood:0");
  EXPECT_EQ(survey_->clashes()[0].twin, "analytics:mood:user:0");
}

TEST_F(SurveyTest, AKeyThatFitsBothKindsOfNamesIsItsPhysicalOne) {
  // Every name is a legacy name of the first rule; those of the second's keys are keys of the second all the same.
  use({rule("{k:any}", "all:{k}"), rule("mood:{user}", "analytics:mood:user:{user}")});
  survey_->add(0, "analytics:mood:user:a", true);
  survey_->add(0, "all:x", true);
  survey_->add(0, "x", true);
  EXPECT_EQ(keys(rule_count(1), Naming::kConsolidated), 1u);
  EXPECT_EQ(keys(rule_count(0), Naming::kConsolidated), 1u);
  EXPECT_EQ(keys(rule_count(0), Naming::kLegacy), 1u);
  // In phase legacy the legacy names are physical.
  use({rule("{k:any}", "all:{k}", Phase::kLegacy)});
  survey_->add(0, "all:x", true);
  EXPECT_EQ(keys(rule_count(0), Naming::kLegacy), 1u);
}

TEST_F(SurveyTest, RulesOfOneDatabaseCountOnlyThere) {
  use({rule("mood:{user}", "analytics:mood:user:{user}", Phase::kConsolidated, 3)});
  survey_->add(0, "mood:a", true);
  survey_->add(3, "mood:a", true);
  EXPECT_EQ(survey_->databases()[0].unmatched.keys, 1u);
  EXPECT_EQ(keys(rule_count(0, 1), Naming::kLegacy), 1u);
}

TEST_F(SurveyTest, TheListenersPrefixIsNoPartOfAShape) {
  use({}, {.naming = Naming::kLegacy, .unmatched = scheme::Unmatched::kPrefix, .prefix = "old:"});
  survey_->add(0, "old:orders:1", true);
  survey_->add(0, "orders:2", true);
  const auto shapes = survey_->shapes().sorted();
  ASSERT_EQ(shapes.size(), 1u);
  EXPECT_EQ(shapes[0].text, "orders:{int}");
  EXPECT_EQ(shapes[0].count, 2u);
  EXPECT_EQ(shapes[0].example, "old:orders:1");
}

TEST_F(SurveyTest, MemoryIsBoundedWhateverTheKeys) {
  for (int i = 0; i < 5000; ++i) {
    std::string word = "w";
    for (int rest = i; rest > 0; rest /= 26) word += static_cast<char>('a' + rest % 26);
    survey_->add(0, word + ":" + std::string(1000, 'z'), true);
  }
  EXPECT_EQ(survey_->shapes().sorted().size(), 100u);
  EXPECT_EQ(survey_->shapes().total(), 5000u);
  for (const auto& entry : survey_->shapes().sorted()) EXPECT_LE(entry.example.size(), 256u);
}

}  // namespace
}  // namespace keyshift::migrate
