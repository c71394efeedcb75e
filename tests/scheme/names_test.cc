// The laws of ruleset.h about names, over random accepted rulesets and random binary keys: a million of them, fewer
// where KEYSHIFT_TEST_BUDGET=short.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <unordered_map>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "random_scheme.h"

namespace keyshift::scheme {
namespace {

bool short_budget() {
  const char* const budget = std::getenv("KEYSHIFT_TEST_BUDGET");
  return budget != nullptr && std::strcmp(budget, "short") == 0;
}

// What a name means: one rule's captures, whichever side says them; else the key in Redis itself.
std::string meaning(const Ruleset& rules, const std::string& name, int db, const View& view) {
  const Match match = rules.match(name, db, view);
  if (match.kind != Match::Kind::kRule) return "key " + name;
  const bool for_itself = match.identity && match.side != rules.rules()[match.rule].physical_side();
  if (for_itself) {
    // Its legacy name is not read as this rule's, so it is just a key in Redis: perhaps one that a legacy name means.
    const View legacy = view_of(Naming::kLegacy);
    return view.naming == Naming::kLegacy ? "key " + name : meaning(rules, name, db, legacy);
  }
  std::string made = "rule " + std::to_string(match.rule);
  for (size_t i = 0; i < match.capture_count; ++i) {
    const Span span = match.captures[i];
    made += " " + std::to_string(span.length) + ":" + name.substr(span.offset, span.length);
  }
  return made;
}

// One ruleset in one database: what each key in Redis means, whoever names it.
class Names {
 public:
  Names(const Ruleset& rules, int db) : rules_(rules), db_(db) {}

  void check(const std::string& key, const View& view) {
    const Match match = rules_.match(key, db_, view);
    const std::string in_redis = physical(rules_, key, view, db_);
    const std::optional<std::string> name = shown(rules_, in_redis, view, db_);
    require(name.has_value() && physical(rules_, *name, view, db_) == in_redis, "leads back", key, view);
    if (view.naming == Naming::kLegacy && match.kind == Match::Kind::kRule && match.side == Naming::kLegacy)
      require(*name == key, "is shown as it was said", key, view);
    if (view.unmatched == Unmatched::kPrefix) {
      if (match.kind == Match::Kind::kUnmatched)
        require(*name == key, "is shown without the prefix", key, view);
    }
    // No foreign key is shown under a name that leads elsewhere.
    for (const Naming wanted : {Naming::kLegacy, Naming::kConsolidated}) {
      const std::optional<std::string> own = shown(rules_, key, view, wanted, db_);
      require(!own || physical(rules_, *own, view, db_) == key, "leads to the key it is shown for", key,
              view);
    }
    std::string means = meaning(rules_, key, db_, view);
    const auto [known, fresh] =
        (view.unmatched == Unmatched::kPrefix ? prefixed_ : plain_).try_emplace(in_redis, means);
    require(fresh || known->second == means, "shares its key in Redis with no other", key, view);
  }

 private:
  void require(bool law, const char* what, const std::string& key, const View& view) {
    if (law) return;
    RC_LOG() << ::testing::PrintToString(key) << " " << what << ": broken, view " << int(view.naming)
             << " prefix " << view.prefix << " db " << db_ << "\n";
    RC_FAIL(what);
  }

  using Meanings = std::unordered_map<std::string, std::string>;  // by key in Redis
  const Ruleset& rules_;
  const int db_;
  Meanings plain_;     // under any view without a prefix
  Meanings prefixed_;  // under one view with a prefix
};

TEST(Names, EveryOneLeadsToOneKeyAndBackOverAMillionKeys) {
  const size_t wanted = short_budget() ? 50'000 : 1'000'000;
  const size_t keys_of_set = short_budget() ? 100 : 2'000;
  size_t checked = 0;
  size_t sets = 0;
  size_t reversible = 0;
  while (checked < wanted) {
    ASSERT_TRUE(rc::check([&] {
      RandomScheme random(*rc::gen::noShrink(rc::gen::inRange<uint64_t>(0, UINT64_MAX)));
      const Accepted set = accepted(random);
      RC_LOG() << described(set.spec);
      const int db = static_cast<int>(random.below(2));
      Names names(*set.rules, db);
      const View prefixed =
          view_of(random.chance(2) ? Naming::kLegacy : Naming::kConsolidated, Unmatched::kPrefix,
                  random.chance(2) ? random.bytes(1, 3, "ab:d") : "*p[");
      const bool with_prefix = !set.rules->prefix_clash(prefixed);
      reversible += with_prefix ? 1 : 0;
      std::string key;
      for (size_t i = 0; i < keys_of_set; ++i) {
        // Also what other names the one before has.
        key = random.chance(3) ? physical(*set.rules, key, view_of(Naming::kLegacy), db)
                               : random.key(set.spec, *set.rules);
        names.check(key, view_of(random.chance(2) ? Naming::kLegacy : Naming::kConsolidated));
        if (with_prefix && random.chance(2)) names.check(key, prefixed);
      }
      checked += keys_of_set;
      ++sets;
    }));
  }
  std::printf("checked %zu keys of %zu rulesets, %zu of them under a prefix too\n", checked, sets,
              reversible);
  EXPECT_GE(checked, wanted);
  EXPECT_GT(reversible, sets / 4);
}

}  // namespace
}  // namespace keyshift::scheme
