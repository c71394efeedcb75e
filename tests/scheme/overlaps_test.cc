// The proofs over two rules: what is refused, with which witnesses, what is only reported, and what they cost.
#include "proof_shapes.h"
#include "scheme_fixture.h"

namespace keyshift::scheme {
namespace {

std::vector<SchemeError> refusals(const SchemeSpec& spec) {
  auto rules = Ruleset::compile(spec);
  return rules ? std::vector<SchemeError>() : rules.error();
}

using Names = std::vector<std::string>;

TEST(OverlapProof, LegacyNamesOfTwoRulesAreRefusedWithAKeyOfEachKind) {
  const SchemeSpec spec = spec_of({{"a:{x}", "d:1:{x}"}, {"{y}:b", "d:2:{y}"}});
  EXPECT_EQ(
      errors_of(spec),
      "rules:2:0: legacy names such as `a:b` also fit `a:{x}` (rules:1), and neither is the more specific: "
      "only this one fits `b:b`, only that one `a:a`; make one so, or separate them\n");
  EXPECT_EQ(refusals(spec)[0].witness, (Names{"a:b", "b:b", "a:a"}));
  EXPECT_EQ(errors_of(spec_of({{"a:{x}", "d:1:{x}"}, {"{k:any}", "d:2:{k}"}})), "accepted")
      << "more specific";
}

TEST(OverlapProof, TheSameLegacyNamesAreRefused) {
  const SchemeSpec spec = spec_of({{"a:{x}", "d:1:{x}"}, {"a:{y}", "d:2:{y}"}});
  EXPECT_EQ(
      errors_of(spec),
      "rules:2:0: the same legacy names, such as `a:a`, as `a:{x}` (rules:1): keep one of the two rules\n");
  EXPECT_EQ(refusals(spec)[0].witness, (Names{"a:a"}));
}

TEST(OverlapProof, TheSameKeysAreRefusedWithTheLegacyNamesThatMakeThem) {
  const SchemeSpec spec = spec_of({{"a:{x}", "d:r:{x}"}, {"b:{y}", "d:{y:any}"}});
  EXPECT_EQ(errors_of(spec),
            "rules:2:0: two rules can produce the same key, such as `d:r:a`: this one from `b:r:a`, and "
            "`d:r:{x}` (rules:1) from `a:a`; let each have keys of its own\n");
  EXPECT_EQ(refusals(spec)[0].witness, (Names{"b:r:a", "a:a", "d:r:a"}));
}

TEST(OverlapProof, WitnessesAreBytes) {
  const std::vector<SchemeError> errors = refusals(spec_of(
      {{std::string("a\0:{x:int}", 10), "d:1:{x}"}, {std::string("{y}:{n:0|a}", 11), "d:2:{y}:{n}"}}));
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors[0].witness[0], std::string("a\0:0", 4));
  EXPECT_NE(errors[0].text.find("`\"a\\x00:0\"`"), std::string::npos) << errors[0].text;
}

TEST(OverlapProof, ManyRulesOfOneNameAreToldOnceEach) {
  Pairs pairs;
  for (int i = 0; i < 500; ++i) pairs.emplace_back("a:{x}", "d:same:{x}");
  EXPECT_EQ(refusals(spec_of(pairs)).size(), 2U * 499U);
}

// ---- phases

SchemeSpec phases(const char* legacy, const char* key, const char* moved_legacy, const char* moved_key) {
  SchemeSpec spec = spec_of({{legacy, key}, {moved_legacy, moved_key}});
  spec.rules[0].phase = Phase::kLegacy;
  return spec;
}

TEST(OverlapProof, TwoPhasesThatShareAKeyInRedisAreRefused) {
  SchemeSpec spec = phases("d:{x}", "e:{x}", "old:{x}", "d:{x}");
  EXPECT_EQ(
      errors_of(spec),
      "rules:2:0: in phase consolidated `old:a` is stored as `d:a`, and so is `e:a` of `d:{x}` (rules:1) "
      "in phase legacy: one would overwrite the other; bring both into the same phase, or leave out the "
      "one in phase legacy for now: it renames nothing yet\n");
  EXPECT_EQ(refusals(spec)[0].witness, (Names{"old:a", "e:a", "d:a"}));
  std::swap(spec.rules[0], spec.rules[1]);
  EXPECT_EQ(refusals(spec)[0].witness, (Names{"e:a", "old:a", "d:a"}));
  for (const Phase phase : {Phase::kLegacy, Phase::kConsolidated}) {
    spec.rules[0].phase = spec.rules[1].phase = phase;
    EXPECT_EQ(errors_of(spec), "accepted") << "one phase";
  }
  spec.rules[0].phase = Phase::kLegacy;
  spec.rules[1].phase = Phase::kConsolidated;
  EXPECT_EQ(errors_of(spec), "accepted") << "d:{x} moves to e:{x}, and old:{x} waits for the name to be free";
}

TEST(OverlapProof, PhasesClashOnlyWhereTheRuleInPhaseLegacyIsReadAndInOneDatabase) {
  SchemeSpec spec = phases("{k:any}", "compat:kv:{k}", "old:{x}", "d:{x}");
  EXPECT_EQ(refusals(spec)[0].witness, (Names{"old:a", "compat:kv:d:a", "d:a"}));
  spec.rules[0].db = 1;
  spec.rules[1].db = 2;
  EXPECT_EQ(errors_of(spec), "accepted");
  spec.rules[1].db = 1;
  EXPECT_EQ(refusals(spec).size(), 1U);
  spec.rules[1].db.reset();
  EXPECT_EQ(refusals(spec).size(), 1U);
  // A more specific rule takes the names that meet: nothing keeps its data under them.
  spec = phases("d:{x}", "e:{x}", "old:{x:int}", "d:{x}");
  EXPECT_EQ(refusals(spec).size(), 1U);
  spec.rules.push_back(spec_of({{"d:{y:int}", "other:{y}"}}).rules[0]);
  EXPECT_EQ(errors_of(spec), "accepted");
  spec.rules.back().db = 2;
  EXPECT_EQ(refusals(spec).size(), 1U) << "but in one database only";
}

TEST(OverlapProof, DomainsMoveOneByOne) {
  SchemeSpec spec = spec_of({{"stats:{x}", "analytics:stats:{x}"}, {"sess:{x}", "auth:session:{x}"}});
  spec.domains.push_back({"analytics", {}, {}, ""});
  spec.rules[0].phase = Phase::kLegacy;
  EXPECT_EQ(errors_of(spec), "accepted");
}

// ---- overlaps

std::string overlaps_of(const Ruleset& rules) {
  std::string text;
  for (const Overlap& overlap : rules.overlaps()) {
    text += std::to_string(overlap.legacy_rule) + "/" + std::to_string(overlap.key_rule) + " " +
            overlap.witness + "\n";
  }
  return text;
}

TEST(Overlaps, ALegacyNameThatIsAKeyIsReportedOncePerPair) {
  EXPECT_EQ(overlaps_of(*compiled(spec_of({{"a:{x}", "d:{x}"}, {"b:{x}", "e:{x}"}}))), "");
  EXPECT_EQ(overlaps_of(*compiled(spec_of({{"d:{x}", "e:{x}"}, {"old:{x}", "d:{x}"}}))), "0/1 d:a\n");
  EXPECT_EQ(overlaps_of(*compiled(spec_of({{"{k:any}", "compat:kv:{k}"}}))), "0/0 compat:kv:a\n");
  EXPECT_EQ(overlaps_of(*compiled(spec_of({{"{a}:{b}", "d:x:{a}:{b}"}}))), "") << "three colons are not one";
}

TEST(Overlaps, TheMostSpecificLegacyRuleIsTheOneThatIsRead) {
  EXPECT_EQ(
      overlaps_of(*compiled(spec_of({{"{k:any}", "compat:{k}"}, {"d:{x}", "e:{x}"}, {"old:{x}", "d:{x}"}}))),
      "1/2 d:a\n0/1 e:a\n0/0 compat:a\n");
}

TEST(Overlaps, OnlyInACommonDatabase) {
  SchemeSpec spec = spec_of({{"d:{x}", "e:{x}"}, {"old:{x}", "d:{x}"}});
  spec.rules[0].db = 1;
  spec.rules[1].db = 2;
  EXPECT_EQ(overlaps_of(*compiled(spec)), "");
  spec.rules[1].db = 1;
  EXPECT_EQ(overlaps_of(*compiled(spec)), "0/1 d:a\n");
  spec.rules[0].db.reset();
  EXPECT_EQ(overlaps_of(*compiled(spec)), "0/1 d:a\n");
}

TEST(Overlaps, ACatchAllMeetsEveryRuleAndAFewAreShown) {
  Pairs pairs{{"{k:any}", "compat:kv:{k}"}};
  for (int i = 0; i < 300; ++i) {
    const std::string n = std::to_string(i);
    pairs.emplace_back("app_" + n + ":{x}", "dom:res_" + n + ":{x}");
  }
  const auto rules = compiled(spec_of(pairs));
  EXPECT_EQ(rules->overlap_count(), 301U);
  ASSERT_EQ(rules->overlaps().size(), Ruleset::kMaxOverlaps);
  EXPECT_EQ(rules->overlaps()[0].witness, "compat:kv:a");
  for (size_t i = 1; i < rules->overlaps().size(); ++i)
    EXPECT_LE(rules->overlaps()[i - 1].witness.size(), rules->overlaps()[i].witness.size());
}

// ---- cost

TEST(OverlapProof, TenTimesTheRulesAreTenTimesTheWork) {
  for (const proof_shapes::Shape& shape : proof_shapes::kAll) {
    const auto few = compiled(shape.make(100));
    const auto many = compiled(shape.make(1000));
    ASSERT_EQ(many->rules().size(), 1000U) << shape.name;
    EXPECT_LT(many->proof_steps(), 12 * few->proof_steps()) << shape.name;
    EXPECT_LT(many->matcher_states(), 12 * few->matcher_states()) << shape.name;
    EXPECT_LT(many->proof_steps(), 50'000U) << shape.name;
    EXPECT_LT(many->matcher_states(), 50'000U) << shape.name;
  }
}

// ---- prefixes

std::string prefix_of(const SchemeSpec& spec, std::string prefix) {
  const auto rules = compiled(spec);
  const auto clash = rules->prefix_clash(view_of(Naming::kLegacy, Unmatched::kPrefix, std::move(prefix)));
  if (!clash) return "reversible";
  return clash->unmatched + " -> " + clash->physical + " = " + clash->name + " db " +
         std::to_string(clash->db);
}

TEST(PrefixProof, APrefixThatNothingElseBeginsWithIsReversible) {
  const SchemeSpec spec = spec_of({{"a:{x}", "d:r:{x}"}, {"{p}:{q}:{r}", "d:s:{p}:{q}:{r}"}});
  for (const char* prefix : {"other/", "e:", "a", "a:", "dr:", "\xff"})
    EXPECT_EQ(prefix_of(spec, prefix), "reversible") << prefix;
  EXPECT_EQ(prefix_of({}, "any"), "reversible");
  EXPECT_EQ(prefix_of(spec_of({{"{k:any}", "d:{k}"}}), "d:"), "reversible") << "nothing is unmatched";
}

TEST(PrefixProof, AKeyOfARuleBehindThePrefixIsAWitness) {
  const SchemeSpec spec = spec_of({{"a:{x}", "d:r:{x}"}});
  EXPECT_EQ(prefix_of(spec, "d:r:"), "a -> d:r:a = a:a db 0");
  EXPECT_EQ(prefix_of(spec, "d:"), "r:a -> d:r:a = a:a db 0");
  EXPECT_EQ(prefix_of(spec, "a:"), "reversible") << "a:a means d:r:a";
  const SchemeSpec legacy = spec_of({{"a:{x}", "d:r:{x}"}}, Phase::kLegacy);
  EXPECT_EQ(prefix_of(legacy, "a:"), "a -> a:a = a:a db 0");
  EXPECT_EQ(prefix_of(legacy, "d:r:"), "a -> d:r:a = d:r:a db 0") << "where the rule is going";
  EXPECT_EQ(prefix_of(spec_of({{"a", "d:r"}}), "d:r"), " -> d:r = a db 0")
      << "there is no other than the empty key";
}

TEST(PrefixProof, ANativeKeyBehindThePrefixIsAWitness) {
  SchemeSpec spec;
  spec.domains.push_back({"d", {}, {}, ""});
  EXPECT_EQ(prefix_of(spec, "d"), ": -> d: = d: db 0");
  EXPECT_EQ(prefix_of(spec, "d:"), "a -> d:a = d:a db 0");
  EXPECT_EQ(prefix_of(spec, "e:"), "reversible");
  const auto clash = compiled(spec)->prefix_clash(view_of(Naming::kLegacy, Unmatched::kPrefix, "d:x:"));
  ASSERT_TRUE(clash);
  EXPECT_EQ(clash->text,
            "`a` would be stored as `d:x:a`, which is a key of the domain `d`; take a prefix that begins no "
            "template and no domain");
}

TEST(PrefixProof, EachDatabaseCounts) {
  SchemeSpec spec = spec_of({{"{k:any}", "d:r:{k}"}});
  spec.rules[0].db = 0;
  EXPECT_EQ(prefix_of(spec, "d:r:"), "reversible") << "nothing is unmatched in database 0";
  spec = spec_of({{"{k:any}", "d:r:{k}"}, {"a:{x}", "e:{x}"}});
  spec.rules[0].db = 0;
  spec.rules[1].db = 3;
  EXPECT_EQ(prefix_of(spec, "e:"), "a -> e:a = a:a db 3");
  spec.rules[1].db.reset();
  EXPECT_EQ(prefix_of(spec, "e:"), "a -> e:a = a:a db 1");
}

TEST(PrefixProof, OnlyAViewWithAPrefixIsAsked) {
  const auto rules = compiled(spec_of({{"a:{x}", "d:r:{x}"}}));
  EXPECT_FALSE(rules->prefix_clash(view_of(Naming::kLegacy, Unmatched::kPass, "d:r:")));
  EXPECT_FALSE(rules->prefix_clash(view_of(Naming::kLegacy, Unmatched::kPrefix, "")));
}

}  // namespace
}  // namespace keyshift::scheme
