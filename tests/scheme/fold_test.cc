// Databases that fold into one: what is refused, with which witnesses, and that no two of them share a key.
#include <map>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "keyshift/scheme/glob.h"
#include "keyshift/scheme/patterns.h"
#include "random_scheme.h"

namespace keyshift::scheme {
namespace {

// The rules of databases 0, 1, ...
SchemeSpec folded(const Pairs& rules, FoldSpec fold = {.into = 0, .databases = 16}) {
  SchemeSpec spec = spec_of(rules);
  for (size_t i = 0; i < spec.rules.size(); ++i) spec.rules[i].db = static_cast<int>(i);
  spec.fold = fold;
  return spec;
}

View prepared(const Ruleset& rules, Unmatched unmatched, std::string prefix = "",
              Naming naming = Naming::kLegacy) {
  View view = view_of(naming, unmatched, std::move(prefix));
  rules.prepare(view);
  return view;
}

const Pairs kCarts = {{"cart:{id}", "shop:cart:id:{id}"}, {"cart:{id}", "mail:cart:id:{id}"}};

TEST(Fold, ALegacyNameIsANameInItsDatabase) {
  const auto rules = compiled(folded(kCarts));
  const View view = prepared(*rules, Unmatched::kRefuse);
  EXPECT_EQ(physical(*rules, "cart:7", view, 0), "shop:cart:id:7");
  EXPECT_EQ(physical(*rules, "cart:7", view, 1), "mail:cart:id:7");
  EXPECT_EQ(physical(*rules, "cart:7", view, 2), "(refused)");
  EXPECT_EQ(shown(*rules, "mail:cart:id:7", view, 1), "cart:7");
  EXPECT_EQ(shown(*rules, "mail:cart:id:7", view, 0), std::nullopt);
  EXPECT_EQ(shown(*rules, "cart:7", view, 1), std::nullopt) << "a foreign key";
  EXPECT_EQ(physical(*rules, "mail:cart:id:7", view, 1), "mail:cart:id:7") << "either name in its database";
  EXPECT_EQ(physical(*rules, "mail:cart:id:7", view, 0), "(refused)")
      << "an application's name, for all we know";
  EXPECT_EQ(translate_pattern(*rules, "*", 1, view, 1).physical, std::vector<std::string>{"mail:cart:id:*"});
}

TEST(Fold, ADomainsOtherNamesBelongToNoDatabase) {
  SchemeSpec spec = folded(kCarts);
  spec.domains.push_back({"shop", {.default_ms = 1000}, {}, ""});
  const auto rules = compiled(spec);
  const View legacy = prepared(*rules, Unmatched::kPrefix, "db{db}:");
  const Match match = rules->match("shop:else", 0, legacy);
  EXPECT_EQ(match.kind, Match::Kind::kUnmatched);
  EXPECT_EQ(rules->policy(match.policy).default_ms, TtlPolicy::kUnset);
  EXPECT_EQ(physical(*rules, "shop:else", legacy, 0), "db0:shop:else");
  const View consolidated = prepared(*rules, Unmatched::kPass, "", Naming::kConsolidated);
  EXPECT_EQ(physical(*rules, "shop:else", consolidated, 3), "shop:else");
  EXPECT_EQ(rules->match("shop:else", 3, consolidated).kind, Match::Kind::kNative);
}

TEST(Fold, AConsolidatedViewSeesOneDatabase) {
  const auto rules = compiled(folded(kCarts));
  const View view = prepared(*rules, Unmatched::kPass, "", Naming::kConsolidated);
  for (const int db : {0, 1, 7}) {
    EXPECT_EQ(physical(*rules, "mail:cart:id:7", view, db), "mail:cart:id:7");
    EXPECT_EQ(shown(*rules, "mail:cart:id:7", view, db), "mail:cart:id:7");
    EXPECT_EQ(rules->match("mail:cart:id:7", db, view).rule, 1U);
    EXPECT_EQ(shown(*rules, "db5:x", view, db), "db5:x") << "as it is called";
  }
  EXPECT_EQ(physical(*rules, "cart:7", view, 1), "mail:cart:id:7") << "either name";
  EXPECT_EQ(physical(*rules, "cart:7", view, 3), "cart:7");
}

TEST(Fold, UnmatchedKeysGetThePrefixOfTheirDatabase) {
  const auto rules = compiled(folded(kCarts));
  const View view = prepared(*rules, Unmatched::kPrefix, "db{db}:");
  EXPECT_EQ(physical(*rules, "lock", view, 0), "db0:lock");
  EXPECT_EQ(physical(*rules, "lock", view, 12), "db12:lock");
  EXPECT_EQ(physical(*rules, "mail:cart:id:7", view, 0), "db0:mail:cart:id:7");
  EXPECT_EQ(shown(*rules, "db12:lock", view, 12), "lock");
  EXPECT_EQ(shown(*rules, "db12:lock", view, 1), std::nullopt);
  const std::vector<std::string> patterns = translate_pattern(*rules, "*", 1, view, 2).physical;
  EXPECT_EQ(std::set(patterns.begin(), patterns.end()), (std::set<std::string>{"db1:*", "mail:cart:id:*"}));
}

TEST(Fold, DatabasesFoldOneByOneAndPhaseLegacyIsTheWayBack) {
  SchemeSpec spec = folded(kCarts, {.into = 5});
  spec.rules[1].phase = Phase::kLegacy;
  spec.fold->phase = Phase::kLegacy;
  auto rules = compiled(spec);
  EXPECT_EQ(rules->fold().upstream(0), 5);
  EXPECT_EQ(rules->fold().upstream(1), 1);
  EXPECT_EQ(rules->fold().upstream(2), 2) << "no rule names it: as everything";
  View view = prepared(*rules, Unmatched::kPrefix, "db{db}:");
  EXPECT_EQ(physical(*rules, "cart:7", view, 0), "shop:cart:id:7");
  EXPECT_EQ(physical(*rules, "cart:7", view, 1), "cart:7");
  EXPECT_EQ(physical(*rules, "lock", view, 1), "lock") << "a database that does not fold is as it was";
  EXPECT_EQ(physical(*rules, "lock", view, 5), "db5:lock");
  spec.fold->phase = Phase::kConsolidated;
  EXPECT_EQ(compiled(spec)->fold().upstream(2), 5);
  spec.fold->phase = spec.rules[0].phase = Phase::kLegacy;
  rules = compiled(spec);
  EXPECT_FALSE(rules->fold().active());
  EXPECT_EQ(rules->fold().upstream(0), 0);
  EXPECT_FALSE(rules->fold_clash(prepared(*rules, Unmatched::kPass), {}));
}

// ---- what is refused

std::vector<std::string> witness(const SchemeSpec& spec) {
  const auto rules = Ruleset::compile(spec);
  return rules ? std::vector<std::string>{"accepted"} : rules.error().front().witness;
}

TEST(Fold, ARuleOfAllDatabasesIsRefusedWithANameThatTheyWouldShare) {
  SchemeSpec spec = folded(kCarts);
  spec.rules[1].db.reset();
  spec.rules[1].legacy = "inbox:{id}";
  EXPECT_EQ(errors_of(spec),
            "rules:2:0: databases fold, so a rule must be of one: `inbox:a` of database 0 and `inbox:a` of "
            "database 1 "
            "would both be stored as `mail:cart:id:a`; say which database it is for, with db = 0, and write "
            "one for each other, with keys of its own\n");
  EXPECT_EQ(witness(spec), (std::vector<std::string>{"inbox:a", "mail:cart:id:a"}));
}

TEST(Fold, TheSameKeyOfTwoDatabasesIsRefused) {
  const Pairs pairs = {{"cart:{id}", "shop:cart:{id}"}, {"basket:{id}", "shop:cart:{id}"}};
  SchemeSpec spec = folded(pairs);
  EXPECT_EQ(witness(spec), (std::vector<std::string>{"basket:a", "cart:a", "shop:cart:a"}));
  spec.fold.reset();
  EXPECT_EQ(errors_of(spec), "accepted") << "two databases, two keys";
}

TEST(Fold, ADatabaseFoldsAsAWhole) {
  SchemeSpec spec = folded({{"a:{x}", "d:a:{x}"}, {"b:{x}", "d:b:{x}"}}, {.into = 5});
  spec.rules[1].db = 0;
  EXPECT_EQ(errors_of(spec), "accepted");
  spec.rules[1].phase = Phase::kLegacy;
  EXPECT_EQ(
      errors_of(spec),
      "rules:2:0: a database folds as a whole: this rule of database 0 is in another phase than `a:{x}` "
      "(rules:1); bring both into the same phase\n");
  spec.rules[1].db = 5;
  EXPECT_EQ(
      errors_of(spec),
      "rules:2:0: other databases fold into database 5, so this rule of it cannot stay in phase legacy: its "
      "keys would stand among theirs; bring this database over first, or fold into one that no "
      "application uses\n");
}

TEST(Fold, ARuleOfADatabaseThatNobodyCanSelectIsRefused) {
  SchemeSpec spec = folded(kCarts, {.into = 0, .databases = 1});
  EXPECT_EQ(errors_of(spec),
            "rules:2:0: clients can select databases 0 to 0 (fold.databases), so nobody would ever use this "
            "rule of "
            "database 1\n");
}

TEST(Fold, UnmatchedKeysThatDatabasesWouldShareAreFound) {
  const auto rules = compiled(folded(kCarts, {.into = 0, .databases = 12}));
  const auto clash = [&](const View& view, const std::vector<const View*>& before = {}) {
    const auto found = rules->fold_clash(view, before);
    return found ? found->text : "none";
  };
  EXPECT_EQ(clash(prepared(*rules, Unmatched::kPass)),
            "`a` of database 0 and `a` of database 1 would both be stored as `a`");
  EXPECT_EQ(clash(prepared(*rules, Unmatched::kPrefix, "old:")),
            "`a` of database 0 and `a` of database 1 would both be stored as `old:a`");
  EXPECT_EQ(clash(prepared(*rules, Unmatched::kPrefix, "db{db}")),
            "`0a` of database 1 and `a` of database 10 would both be stored as `db10a`");
  EXPECT_EQ(clash(prepared(*rules, Unmatched::kPrefix, "db{db}:")), "none");
  EXPECT_EQ(clash(prepared(*rules, Unmatched::kRefuse)), "none");
  EXPECT_EQ(clash(prepared(*rules, Unmatched::kPass, "", Naming::kConsolidated)), "none");
  const View one = prepared(*rules, Unmatched::kPrefix, "db{db}:");
  EXPECT_EQ(clash(one, {&one}), "none") << "two listeners of one view";
  const View two = prepared(*rules, Unmatched::kPrefix, "db1{db}:");
  EXPECT_EQ(clash(two, {&one}), "`a` of database 0 and `a` of database 10 would both be stored as `db10:a`");
  const View plain = prepared(*rules, Unmatched::kPrefix, "db1", Naming::kConsolidated);
  EXPECT_EQ(clash(plain, {&one}),
            "`0:a` of a consolidated view and `a` of database 10 would both be stored as `db10:a`");
}

TEST(Fold, APrefixThatMakesKeysOfAnotherDatabasesRuleIsFound) {
  const auto rules = compiled(folded({{"a:{x}", "db:3:a:{x}"}, {"b:{x}", "d:b:{x}"}}));
  const auto clash = rules->prefix_clash(prepared(*rules, Unmatched::kPrefix, "db:{db}:"));
  ASSERT_TRUE(clash);
  EXPECT_EQ(clash->db, 3);
  EXPECT_EQ(clash->unmatched, "a:a");
  EXPECT_EQ(clash->physical, "db:3:a:a");
  EXPECT_EQ(clash->rule, 0U);
  EXPECT_FALSE(rules->prefix_clash(prepared(*rules, Unmatched::kPrefix, "old{db}:")));
  SchemeSpec spec = folded(kCarts);
  spec.domains.push_back({"db4", {}, {}, ""});
  const auto with_domain = compiled(spec);
  EXPECT_EQ(with_domain->prefix_clash(prepared(*with_domain, Unmatched::kPrefix, "db{db}:"))->db, 4);
}

// ---- laws

// A random spec whose rules are of databases 0 and 1, folded into one of 0 to 2.
Accepted accepted_fold(RandomScheme& random) {
  for (;;) {
    Accepted made{random.spec(), nullptr};
    made.spec.fold = FoldSpec{.into = static_cast<int>(random.below(3)), .databases = 3};
    for (RuleSpec& rule : made.spec.rules) {
      rule.db = static_cast<int>(random.below(2));
      rule.phase = Phase::kConsolidated;
    }
    auto rules = Ruleset::compile(made.spec);
    if (!rules) continue;
    made.rules = *rules;
    return made;
  }
}

RC_GTEST_PROP(Fold, NoTwoDatabasesShareAKey, ()) {
  RandomScheme random(*rc::gen::noShrink(rc::gen::inRange<uint64_t>(0, UINT64_MAX)));
  const Accepted set = accepted_fold(random);
  RC_LOG() << described(set.spec);
  const View view =
      prepared(*set.rules, random.chance(3) ? Unmatched::kRefuse : Unmatched::kPrefix, "x{db}:");
  RC_PRE(!set.rules->prefix_clash(view) && !set.rules->fold_clash(view, {}));
  std::map<std::string, std::pair<int, std::string>> owners;  // database, and the name that is shown
  for (int i = 0; i < 60; ++i) {
    const std::string name = random.key(set.spec, *set.rules);
    for (int db = 0; db < 3; ++db) {
      const Match match = set.rules->match(name, db, view);
      if (match.refused) continue;
      Buffer key;
      set.rules->append_physical(match, name, key);
      const std::string physical(key.view());
      RC_LOG() << db << ": " << ::testing::PrintToString(name) << " -> " << ::testing::PrintToString(physical)
               << "\n";
      const auto back = shown(*set.rules, physical, view, db);
      RC_ASSERT(back.has_value());
      const auto [owner, is_new] = owners.try_emplace(physical, db, *back);
      RC_ASSERT(owner->second == std::pair(db, *back));
      for (int other = 0; other < 3; ++other)
        if (other != db) RC_ASSERT(!shown(*set.rules, physical, view, other));
    }
  }
}

RC_GTEST_PROP(Fold, PatternsFindWhatTheirDatabaseShows, ()) {
  RandomScheme random(*rc::gen::noShrink(rc::gen::inRange<uint64_t>(0, UINT64_MAX)));
  const Accepted set = accepted_fold(random);
  RC_LOG() << described(set.spec);
  const View view =
      prepared(*set.rules, random.chance(3) ? Unmatched::kRefuse : Unmatched::kPrefix, "x{db}:");
  RC_PRE(!set.rules->prefix_clash(view));
  for (int i = 0; i < 40; ++i) {
    const std::string name = random.key(set.spec, *set.rules);
    const int db = static_cast<int>(random.below(3));
    const Match match = set.rules->match(name, db, view);
    if (match.refused) continue;
    Buffer key;
    set.rules->append_physical(match, name, key);
    const KeyPattern pattern = translate_pattern(*set.rules, "*", db, view, 1 + random.below(4));
    RC_ASSERT(std::ranges::any_of(pattern.physical,
                                  [&](const std::string& glob) { return glob_match(glob, key.view()); }));
    Buffer out;
    RC_ASSERT(client_name(*set.rules, pattern, key.view(), db, view, out));
  }
}

}  // namespace
}  // namespace keyshift::scheme
