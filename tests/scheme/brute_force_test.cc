// The proofs over whole rulesets, against an implementation that tries every short key: same verdicts, and witnesses
// that clash. Rules are drawn so that about half of the sets are refused.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "naive_scheme.h"
#include "random_scheme.h"

namespace keyshift::scheme {
namespace {

std::string random_template(RandomScheme& random, std::vector<std::string>& captures) {
  static const char* const kTypes[] = {"", "", ":any", ":int", ":hex", ":1|a", ":a|:a"};
  std::string made;
  if (random.chance(2)) made = random.chance(2) ? "a:" : random.bytes(1, 2, "a:1");
  for (size_t i = random.below(3); i > 0; --i) {
    captures.push_back("c" + std::to_string(captures.size()));
    made += "{" + captures.back() + kTypes[random.below(7)] + "}";
    if (!random.chance(3)) made += random.bytes(1, 1, "a::1");
  }
  return made.empty() ? random.bytes(1, 2, "a:1") : made;
}

RuleSpec random_rule(RandomScheme& random, bool mixed) {
  RuleSpec rule;
  std::vector<std::string> captures;
  rule.legacy = random_template(random, captures);
  if (random.chance(3)) std::reverse(captures.begin(), captures.end());
  rule.key = (random.chance(2) ? "a:" : "x:") + random.bytes(0, 2, "a1");
  for (const std::string& name : captures) rule.key += (random.chance(4) ? "{" : ":{") + name + "}";
  rule.phase = mixed && random.chance(2) ? Phase::kLegacy : Phase::kConsolidated;
  if (random.chance(5)) rule.db = static_cast<int>(random.below(2));
  return rule;
}

struct Drawn {
  SchemeSpec spec;
  std::vector<Rule> rules;
  std::string domain;
};

// Two to four rules, each of which is right by itself.
Drawn drawn(RandomScheme& random) {
  Drawn made;
  const bool mixed = !random.chance(3);
  const size_t count = 2 + random.below(3);
  while (made.rules.size() < count) {
    SchemeSpec one;
    one.rules.push_back(random_rule(random, mixed));
    one.rules[0].location = "rule:" + std::to_string(made.rules.size());
    const auto alone = Ruleset::compile(one);
    if (!alone) continue;
    made.rules.push_back((*alone)->rules()[0]);
    made.spec.rules.push_back(one.rules[0]);
  }
  if (random.chance(3)) {
    made.domain = "a";
    made.spec.domains.push_back({"a", {}, {}, "domain:0"});
  }
  return made;
}

enum Kind { kSameNames, kNotNested, kSameKeys, kPhases, kKinds };

Kind kind_of(const SchemeError& error) {
  if (error.witness.size() == 1) return kSameNames;
  if (error.text.compare(0, 9, "in phase ") == 0) return kPhases;
  return error.field == SchemeError::Field::kKey ? kSameKeys : kNotNested;
}

uint32_t rule_of(const SchemeError& error) {
  return static_cast<uint32_t>(std::stoul(error.location.substr(5)));
}

// Is there a rule before `two`, in a common database, for which `clashes(one)` holds?
template <class Clashes>
bool some_earlier(const NaiveScheme& naive, uint32_t two, Clashes clashes) {
  for (uint32_t one = 0; one < two; ++one)
    if (naive.same_db(one, two) && clashes(naive.rules()[one])) return true;
  return false;
}

// Does the error's witness show what the error says? By the templates alone.
bool really_clashes(const NaiveScheme& naive, const SchemeError& error) {
  const uint32_t two = rule_of(error);
  const Rule& here = naive.rules()[two];
  const std::vector<std::string>& names = error.witness;
  switch (kind_of(error)) {
    case kSameNames:
      return some_earlier(naive, two, [&](const Rule& there) {
        if (!fits(here.legacy, names[0]) || !fits(there.legacy, names[0])) return false;
        const auto one = static_cast<uint32_t>(&there - naive.rules().data());
        return !naive.only_one(one, two) && !naive.only_one(two, one);
      });
    case kNotNested:
      return some_earlier(naive, two, [&](const Rule& there) {
        return fits(here.legacy, names[0]) && fits(there.legacy, names[0]) && fits(here.legacy, names[1]) &&
               !fits(there.legacy, names[1]) && !fits(here.legacy, names[2]) && fits(there.legacy, names[2]);
      });
    case kSameKeys:
      return some_earlier(naive, two, [&](const Rule& there) {
        return other_name(here, Naming::kLegacy, names[0]) == names[2] &&
               other_name(there, Naming::kLegacy, names[1]) == names[2];
      });
    case kPhases:
      // Each name is of the side that is not in Redis; the key that both have there is of the other.
      return some_earlier(naive, two, [&](const Rule& there) {
        return here.phase != there.phase &&
               other_name(here, other(here.physical_side()), names[0]) == names[2] &&
               other_name(there, other(there.physical_side()), names[1]) == names[2];
      });
    case kKinds:
      break;
  }
  return false;
}

struct Seen {
  int accepted = 0;
  int refused = 0;
  int kinds[kKinds] = {};
  int overlaps = 0;
  int prefixes = 0;
  int reversible = 0;
};

void compare_refusal(const NaiveScheme& naive, const std::vector<SchemeError>& errors, Seen& seen) {
  ++seen.refused;
  bool found[kKinds] = {};
  for (const SchemeError& error : errors) {
    RC_LOG() << error.location << ": " << error.text << "\n";
    found[kind_of(error)] = true;
    ++seen.kinds[kind_of(error)];
    RC_ASSERT(really_clashes(naive, error));
    for (const std::string& name : error.witness) RC_ASSERT(error.text.find(name) != std::string::npos);
  }
  // Of the first rule that clashes: the witness is as short as can be.
  const auto shortest = [&](const NaiveScheme::Found& clashes, Kind kind, size_t place) {
    for (const SchemeError& error : errors) {
      if (kind_of(error) != kind || error.witness[place].size() > NaiveScheme::kLongest) continue;
      size_t length = SIZE_MAX;
      for (const auto& [pair, key] : clashes)
        if (pair.second == rule_of(error)) length = std::min(length, key.size());
      RC_ASSERT(error.witness[place].size() >= length);
      RC_ASSERT(length <= NaiveScheme::kLongest);
    }
  };
  if (!naive.same_keys.empty()) RC_ASSERT(found[kSameKeys]);
  if (!naive.not_nested.empty()) RC_ASSERT(found[kNotNested]);
  shortest(naive.same_keys, kSameKeys, 2);
  // Which of several keys or legacy names is read is known only where those are in order.
  if (found[kSameKeys] || found[kNotNested] || found[kSameNames] || naive.is_vague) return;
  RC_ASSERT(found[kPhases] || naive.mixed_phases.empty());
}

void compare_overlaps(const NaiveScheme& naive, const Ruleset& rules, Seen& seen) {
  NaiveScheme::Found reported;
  for (const Overlap& overlap : rules.overlaps()) {
    RC_ASSERT(
        reported.emplace(NaiveScheme::Pair{overlap.legacy_rule, overlap.key_rule}, overlap.witness).second);
    RC_ASSERT(fits(naive.rules()[overlap.legacy_rule].legacy, overlap.witness));
    RC_ASSERT(fits(naive.rules()[overlap.key_rule].key, overlap.witness));
    RC_ASSERT(naive.same_db(overlap.legacy_rule, overlap.key_rule));
  }
  RC_ASSERT(rules.overlap_count() == reported.size());
  if (naive.is_vague) return;
  for (const auto& [pair, key] : naive.overlaps) {
    const auto found = reported.find(pair);
    RC_ASSERT(found != reported.end());
    RC_ASSERT(found->second.size() <= key.size());
    ++seen.overlaps;
  }
  // The shortest name that no more specific rule takes may need a byte that the alphabet has not, and be longer there.
  constexpr size_t kSlack = 2;
  for (const auto& [pair, key] : reported)
    RC_ASSERT(key.size() + kSlack > NaiveScheme::kLongest || naive.overlaps.count(pair) == 1);
}

void compare_prefix(const NaiveScheme& naive, const Ruleset& rules, const std::string& prefix, Seen& seen) {
  RC_LOG() << "prefix " << prefix << "\n";
  const View view = view_of(Naming::kLegacy, Unmatched::kPrefix, prefix);
  const auto clash = rules.prefix_clash(view);
  if (clash) {
    ++seen.prefixes;
    RC_LOG() << clash->text << " db " << clash->db << "\n";
    RC_ASSERT(clash->physical == prefix + clash->unmatched);
    RC_ASSERT(naive.is_unmatched(clash->unmatched, clash->db));
    RC_ASSERT(naive.is_vague || naive.is_owned(clash->physical, clash->db));
    if (clash->unmatched.size() <= 1) return;
  }
  ++seen.reversible;
  if (naive.is_vague) return;
  for (const std::string& key : naive.keys()) {
    if (key.empty() || key.size() >= (clash ? clash->unmatched.size() : 5)) continue;
    for (const int db : {0, 1, 2})
      RC_ASSERT(!naive.is_unmatched(key, db) || !naive.is_owned(prefix + key, db));
  }
}

TEST(BruteForce, TheProofsSayWhatTryingEveryShortKeySays) {
  Seen seen;
  const bool held = rc::check("the proofs agree with brute force", [&] {
    RandomScheme random(*rc::gen::noShrink(rc::gen::inRange<uint64_t>(0, UINT64_MAX)));
    const Drawn set = drawn(random);
    for (const RuleSpec& rule : set.spec.rules)
      RC_LOG() << rule.legacy << " -> " << rule.key << (rule.phase == Phase::kLegacy ? " (legacy)" : "")
               << (rule.db ? " db " + std::to_string(*rule.db) : "") << "\n";
    const NaiveScheme naive(set.rules, set.domain);
    const auto rules = Ruleset::compile(set.spec);
    if (!rules) return compare_refusal(naive, rules.error(), seen);
    ++seen.accepted;
    RC_ASSERT(naive.same_keys.empty());
    RC_ASSERT(naive.not_nested.empty());
    RC_ASSERT(naive.is_vague || naive.mixed_phases.empty());
    compare_overlaps(naive, **rules, seen);
    static const char* const kPrefixes[] = {"a:", "x:", "a", "x/", "1", ":"};
    compare_prefix(naive, **rules, kPrefixes[random.below(6)], seen);
  });
  EXPECT_TRUE(held);
  std::printf(
      "accepted %d, refused %d: same names %d, not nested %d, same keys %d, phases %d; overlaps %d, prefixes "
      "%d of "
      "%d\n",
      seen.accepted, seen.refused, seen.kinds[kSameNames], seen.kinds[kNotNested], seen.kinds[kSameKeys],
      seen.kinds[kPhases], seen.overlaps, seen.prefixes, seen.accepted);
  if (seen.accepted + seen.refused < 500) return;
  for (const int count :
       {seen.accepted, seen.refused, seen.kinds[kNotNested], seen.kinds[kSameKeys], seen.overlaps,
        seen.kinds[kSameNames], seen.kinds[kPhases], seen.prefixes, seen.reversible})
    EXPECT_GT(count, 5);
}

}  // namespace
}  // namespace keyshift::scheme
