// The laws of ruleset.h, over random accepted rulesets and random binary keys.
#include <functional>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "random_scheme.h"
#include "readings.h"

namespace keyshift::scheme {
namespace {

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
  // One by one, in the order in which a view can try them, the first that fits is the same.
  const auto& order = set.rules->reading_order(view.naming);
  const auto taken = std::find_if(order.begin(), order.end(), [&](const Reading& reading) {
    const Rule& rule = set.rules->rules()[reading.rule];
    return (rule.db < 0 || rule.db == db) && !readings(rule.side(reading.side), key).empty();
  });
  RC_ASSERT(taken != order.end());
  RC_ASSERT(taken->rule == match.rule && taken->side == match.side);
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

}  // namespace
}  // namespace keyshift::scheme
