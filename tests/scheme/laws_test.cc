// The laws of ruleset.h and patterns.h, over random accepted rulesets and random binary keys.
#include <functional>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "keyshift/scheme/glob.h"
#include "keyshift/scheme/patterns.h"
#include "random_scheme.h"
#include "readings.h"

namespace keyshift::scheme {
namespace {

struct Accepted {
  SchemeSpec spec;
  std::shared_ptr<const Ruleset> rules;
};

Accepted accepted(RandomScheme& random) {
  for (;;) {
    Accepted made{random.spec(), nullptr};
    auto rules = Ruleset::compile(made.spec);
    if (!rules) continue;
    made.rules = *rules;
    return made;
  }
}

std::string described(const SchemeSpec& spec) {
  std::string text;
  for (const RuleSpec& rule : spec.rules) {
    text += rule.legacy + " -> " + rule.key + (rule.phase == Phase::kLegacy ? " (legacy)" : "") +
            (rule.db ? " db " + std::to_string(*rule.db) : "") + "\n";
  }
  for (const DomainSpec& domain : spec.domains) text += "domain " + domain.name + "\n";
  return text;
}

View random_view(RandomScheme& random) {
  const Naming naming = random.chance(2) ? Naming::kLegacy : Naming::kConsolidated;
  return random.chance(4) ? view_of(naming, Unmatched::kPrefix, random.chance(2) ? "a:" : "*p[")
                          : view_of(naming);
}

void check_match(const Accepted& set, std::string_view key, int db, const View& view) {
  const Match match = set.rules->match(key, db, view);
  std::array<std::vector<uint32_t>, 2> fitting;
  for (uint32_t i = 0; i < set.rules->rules().size(); ++i) {
    const Rule& rule = set.rules->rules()[i];
    for (const Naming side : {Naming::kLegacy, Naming::kConsolidated}) {
      const std::vector<CapturedValues> all = readings(rule.side(side), key);
      RC_ASSERT(all.size() <= 1U);
      if (all.empty() || (rule.db >= 0 && rule.db != db)) continue;
      fitting[static_cast<size_t>(side)].push_back(i);
      if (match.kind != Match::Kind::kRule || match.rule != i || match.side != side) continue;
      RC_ASSERT(size_t{match.capture_count} == all[0].size());
      for (const auto& [index, value] : all[0]) {
        const Span span = match.captures[static_cast<size_t>(index)];
        RC_ASSERT(key.substr(span.offset, span.length) == value);
      }
    }
  }
  const std::vector<uint32_t>& first = fitting[static_cast<size_t>(view.naming)];
  const std::vector<uint32_t>& second = fitting[static_cast<size_t>(other(view.naming))];
  if (first.empty() && second.empty()) {
    RC_ASSERT(match.kind != Match::Kind::kRule);
    const std::string_view segment = key.substr(0, key.find(':'));
    const bool native =
        segment.size() < key.size() && !set.spec.domains.empty() && set.spec.domains[0].name == segment;
    RC_ASSERT(native == (match.kind == Match::Kind::kNative));
    return;
  }
  RC_ASSERT(match.kind == Match::Kind::kRule);
  RC_ASSERT(match.side == (first.empty() ? other(view.naming) : view.naming));
  const std::vector<uint32_t>& fit = first.empty() ? second : first;
  RC_ASSERT(std::find(fit.begin(), fit.end(), match.rule) != fit.end());
  // The policy is that of the consolidated name's resource.
  Buffer name;
  const std::string consolidated = match.side == Naming::kConsolidated ? std::string(key) : [&] {
    const Rule& rule = set.rules->rules()[match.rule];
    const CapturedValues reading = readings(rule.legacy, key)[0];
    std::string made;
    for (const Piece& piece : rule.key.pieces())
      made += piece.is_literal() ? piece.literal : reading.at(piece.capture);
    return made;
  }();
  int64_t wanted = TtlPolicy::kUnset;
  if (!set.spec.domains.empty() && consolidated.substr(0, 2) == set.spec.domains[0].name + ":") {
    const std::string rest = consolidated.substr(2);
    wanted = rest.substr(0, rest.find(':')) == "b" ? 2000 : 1000;
  }
  RC_ASSERT(set.rules->policy(match.policy).default_ms == wanted);
}

RC_GTEST_PROP(Ruleset, MatchAgreesWithTryingEverything, ()) {
  RandomScheme random(*rc::gen::noShrink(rc::gen::inRange<uint64_t>(0, UINT64_MAX)));
  const Accepted set = accepted(random);
  RC_LOG() << described(set.spec);
  for (int i = 0; i < 40; ++i) {
    const std::string key = random.key(set.spec, *set.rules);
    RC_LOG() << "key " << ::testing::PrintToString(key) << "\n";
    check_match(set, key, static_cast<int>(random.below(2)), random_view(random));
  }
}

RC_GTEST_PROP(Ruleset, TheMostSpecificRuleWins, ()) {
  RandomScheme random(*rc::gen::noShrink(rc::gen::inRange<uint64_t>(0, UINT64_MAX)));
  const Accepted set = accepted(random);
  RC_LOG() << described(set.spec);
  std::vector<std::string> keys;
  for (int i = 0; i < 60; ++i) keys.push_back(random.key(set.spec, *set.rules));
  const View view = view_of(Naming::kLegacy);
  for (const std::string& key : keys) {
    const Match match = set.rules->match(key, 0, view);
    if (match.kind != Match::Kind::kRule || match.side != Naming::kLegacy) continue;
    for (const Rule& other_rule : set.rules->rules()) {
      if (other_rule.db > 0 || readings(other_rule.legacy, key).empty()) continue;
      for (const std::string& probe : keys) {
        const bool in_winner = !readings(set.rules->rules()[match.rule].legacy, probe).empty();
        RC_ASSERT(!in_winner || !readings(other_rule.legacy, probe).empty());
      }
    }
  }
}

RC_GTEST_PROP(Ruleset, WhatIsShownLeadsBackToTheSameKey, ()) {
  RandomScheme random(*rc::gen::noShrink(rc::gen::inRange<uint64_t>(0, UINT64_MAX)));
  const Accepted set = accepted(random);
  RC_LOG() << described(set.spec);
  const bool one_phase = std::all_of(set.spec.rules.begin(), set.spec.rules.end(), [&](const RuleSpec& rule) {
    return rule.phase == set.spec.rules[0].phase;
  });
  for (int i = 0; i < 40; ++i) {
    const std::string key = random.key(set.spec, *set.rules);
    const View view = random_view(random);
    const int db = static_cast<int>(random.below(2));
    const std::string in_redis = physical(*set.rules, key, view, db);
    RC_LOG() << "key " << ::testing::PrintToString(key) << " in redis " << ::testing::PrintToString(in_redis)
             << " view " << int(view.naming) << " db " << db << "\n";
    const std::optional<std::string> name = shown(*set.rules, in_redis, view, db);
    RC_ASSERT(name.has_value());
    RC_ASSERT(physical(*set.rules, *name, view, db) == in_redis);
    const Match match = set.rules->match(key, db, view);
    if (one_phase && view.unmatched == Unmatched::kPass && view.naming == Naming::kLegacy &&
        match.kind == Match::Kind::kRule && match.side == Naming::kLegacy) {
      RC_ASSERT(*name == key);
    }
    // No foreign key is shown under a name that leads elsewhere.
    const Naming wanted = random.chance(2) ? Naming::kLegacy : Naming::kConsolidated;
    const std::optional<std::string> own = shown(*set.rules, key, view, wanted, db);
    if (own) RC_ASSERT(physical(*set.rules, *own, view, db) == key);
  }
}

std::string random_glob(RandomScheme& random, const std::string& key) {
  if (random.chance(4)) return random.bytes(0, 6, "ab:*?d[^-]\\1");
  std::string glob;
  for (const char byte : key) {
    if (random.chance(6)) {
      glob += random.chance(2) ? "*" : "?";
    } else if (random.chance(10)) {
      glob += std::string("[") + (random.chance(3) ? "^" : "") + "a-b" + byte + "]";
    } else if (!random.chance(8)) {
      append_glob_escaped(glob, std::string_view(&byte, 1));
    } else {
      glob += "*";
    }
  }
  if (random.chance(3) && glob.size() > 2) glob = glob.substr(0, 1 + random.below(glob.size())) + "*";
  if (random.chance(8)) glob += "[ab";
  return glob;
}

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

}  // namespace
}  // namespace keyshift::scheme
