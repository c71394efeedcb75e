// The laws of patterns.h: over random rules, keys and globs, no name is lost, none is too many, and no pattern is idle.
#include <algorithm>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "keyshift/scheme/glob.h"
#include "keyshift/scheme/patterns.h"
#include "random_scheme.h"

namespace keyshift::scheme {
namespace {

RC_GTEST_PROP(Patterns, NoNameIsLost, ()) {
  RandomScheme random(*rc::gen::noShrink(rc::gen::inRange<uint64_t>(0, UINT64_MAX)));
  const Accepted set = accepted(random);
  RC_LOG() << described(set.spec);
  const View view = random_view(random);
  std::vector<std::string> names;
  std::set<std::string> keyspace;
  for (int i = 0; i < 40; ++i) {
    names.push_back(random.key(set.spec, *set.rules));
    keyspace.insert(random.chance(3) ? names.back() : physical(*set.rules, names.back(), view));
  }
  for (int i = 0; i < 20; ++i) {
    const std::string glob = random_glob(random, names[random.below(names.size())]);
    const KeyPattern pattern = translate_pattern(*set.rules, glob, 0, view);
    RC_ASSERT(!pattern.physical.empty());
    for (const std::string& key : keyspace) {
      const std::optional<std::string> name = shown(*set.rules, key, view, pattern.naming);
      const bool wanted = name && glob_match(glob, *name);
      Buffer out;
      RC_ASSERT(client_name(*set.rules, pattern, key, 0, view, out) == wanted);
      if (!wanted) continue;
      RC_ASSERT(out.view() == *name);
      const bool found = std::any_of(pattern.physical.begin(), pattern.physical.end(),
                                     [&](const std::string& one) { return glob_match(one, key); });
      if (!found) {
        RC_LOG() << "glob " << ::testing::PrintToString(glob) << " key " << ::testing::PrintToString(key)
                 << " name " << ::testing::PrintToString(*name) << " patterns "
                 << ::testing::PrintToString(pattern.physical) << "\n";
      }
      RC_ASSERT(found);
    }
  }
}

// ---- the smallest set, by brute force

constexpr std::string_view kAlphabet = "ab:-1";

std::vector<std::string> all_names(size_t longest) {
  std::vector<std::string> names{""};
  for (size_t begin = 0, length = 1; length <= longest; ++length) {
    const size_t end = names.size();
    for (; begin < end; ++begin) {
      for (const char byte : kAlphabet) names.push_back(names[begin] + byte);
    }
  }
  return names;
}

// Short templates, so that short names show everything. The key's names are not longer than the legacy ones by much.
SchemeSpec short_spec(RandomScheme& random) {
  static const char* const kTypes[] = {"", ":int", ":any", ":a|b|ab", ":hex"};
  SchemeSpec made;
  for (size_t i = 1 + random.below(3); i > 0; --i) {
    RuleSpec rule;
    rule.phase = random.chance(3) ? Phase::kLegacy : Phase::kConsolidated;
    const std::string first = "{c" + std::string(kTypes[random.below(5)]) + "}";
    const std::string second = "{e" + std::string(kTypes[random.below(5)]) + "}";
    const bool two = random.chance(2);
    rule.legacy = random.bytes(0, 1, "ab");
    rule.legacy += first;
    if (two) rule.legacy += random.bytes(1, 1, ":-") + second;
    rule.legacy += random.bytes(0, 1, "ab:1");
    rule.key = random.bytes(1, 1, "ab") + ":";
    rule.key += two ? (random.chance(2) ? "{c}:{e}" : "{e}:{c}") : "{c}";
    rule.key += random.bytes(0, 1, "a1");
    made.rules.push_back(rule);
  }
  return made;
}

std::string short_glob(RandomScheme& random) {
  static const char* const kTokens[] = {"*", "*", "?", "a", "b", ":", ":", "1", "-", "[ab]", "[^a]"};
  std::string glob;
  for (size_t i = 1 + random.below(4); i > 0; --i) glob += kTokens[random.below(11)];
  return glob;
}

// Does some name fit templates of two rules, so that only match() can tell whose it is? Or both templates of one rule
// in phase legacy: then a consolidated name may call the key of its own bytes, and only match() tells which does.
bool contested(const SchemeSpec& spec, const std::vector<std::string>& names) {
  std::vector<std::shared_ptr<const Ruleset>> alone;
  for (const RuleSpec& rule : spec.rules) {
    SchemeSpec one;
    one.rules.push_back(rule);
    alone.push_back(compiled(one));
  }
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    size_t ways = 0;
    for (const auto& rules : alone) {
      if (rules->match(name, 0, View{}).kind != Match::Kind::kRule) continue;
      const bool legacy = rules->rules().front().phase == Phase::kLegacy;
      ways += legacy ? rules->readings(name, View{}).size() : 1;
    }
    return ways > 1;
  });
}

// The smallest set, as patterns.h says it: no pattern lies in the others, and each holds a match.
TEST(Patterns, NoneLiesInTheOthersAndEachHoldsAMatch) {
  const std::vector<std::string> names = all_names(6);
  size_t several = 0;
  size_t checked = 0;
  for (uint64_t seed = 1; seed <= 120; ++seed) {
    RandomScheme random(seed);
    const SchemeSpec spec = short_spec(random);
    const auto rules = Ruleset::compile(spec);
    if (!rules) continue;
    const bool clear = !contested(spec, names);
    const Naming naming = random.chance(2) ? Naming::kLegacy : Naming::kConsolidated;
    const View view = view_of(naming, random.chance(3) ? Unmatched::kPrefix : Unmatched::kPass, "x");
    std::set<std::string> keyspace;
    for (const std::string& name : names) keyspace.insert(physical(**rules, name, view));
    keyspace.insert(names.begin(), names.end());  // dead copies and other people's keys
    for (int i = 0; i < 15; ++i) {
      const std::string glob = short_glob(random);
      const KeyPattern pattern = translate_pattern(**rules, glob, 0, view);
      const size_t count = pattern.physical.size();
      ASSERT_LE(count, KeyPattern::kMaxPatterns);
      std::vector<bool> holds(count, false);
      std::vector<bool> alone(count, false);
      bool matches = false;
      Buffer name;
      for (const std::string& key : keyspace) {
        name.clear();
        const bool match = client_name(**rules, pattern, key, 0, view, name);
        matches = matches || match;
        size_t holding = 0;
        size_t last = 0;
        for (size_t one = 0; one < count; ++one) {
          if (!glob_match(pattern.physical[one], key)) continue;
          ++holding;
          last = one;
          if (match) holds[one] = true;
        }
        if (holding == 1) alone[last] = true;
        ASSERT_TRUE(holding > 0 || !match) << described(spec) << glob << " loses " << key;
      }
      several += count > 1 ? 1 : 0;
      checked += clear ? 1 : 0;
      for (size_t one = 0; one < count; ++one) {
        const std::string all = described(spec) + "glob " + glob + ": " + pattern.physical[one] + " of " +
                                ::testing::PrintToString(pattern.physical) + " seed " + std::to_string(seed);
        EXPECT_TRUE(alone[one] || count == 1) << all << " lies in the others";
        // Something must be asked even where nothing matches.
        EXPECT_TRUE(holds[one] || !clear || (count == 1 && !matches)) << all << " holds no match";
      }
    }
  }
  EXPECT_GT(several, 150U);
  EXPECT_GT(checked, 150U);
}

}  // namespace
}  // namespace keyshift::scheme
