// Which names fit two rules. The Dfa's accept sets know: a set that holds two ids has keys of both languages, and
// language A lies inside language B exactly when every set that holds A holds B. Each set brings its witness, a key.
#include <map>

#include "ruleset_compiler.h"
#include "witness.h"

namespace keyshift::scheme {

bool RulesetCompiler::same_db(uint32_t one, uint32_t two) const {
  const int a = rules_->rules_[one / 2].db;
  const int b = rules_->rules_[two / 2].db;
  return a < 0 || b < 0 || a == b;
}

std::string RulesetCompiler::rule_title(uint32_t id) const {
  const Rule& rule = rules_->rules_[id / 2];
  std::string title = "`" + rule.side(id % 2 == 0 ? Naming::kLegacy : Naming::kConsolidated).text() + "`";
  return rule.location.empty() ? title : title + " (" + rule.location + ")";
}

void RulesetCompiler::overlaps() {
  const auto rule_ids = static_cast<uint32_t>(2 * rules_->rules_.size());
  set_count_.assign(rule_ids + natives_.size(), 0);
  struct Shared {
    size_t sets = 0;
    const std::string* witness = nullptr;
  };
  std::map<std::pair<uint32_t, uint32_t>, Shared> pairs;
  for (const Dfa::AcceptSet& set : accept_sets_) {
    for (size_t i = 0; i < set.ids.size(); ++i) {
      ++set_count_[set.ids[i]];
      if (set.ids[i] >= rule_ids) break;  // natives give way to rules and to their own resources
      for (size_t j = i + 1; j < set.ids.size() && set.ids[j] < rule_ids; ++j) {
        if (set.ids[i] % 2 != set.ids[j] % 2 || !same_db(set.ids[i], set.ids[j])) continue;
        Shared& shared = pairs[{set.ids[i], set.ids[j]}];
        if (shared.sets++ == 0) shared.witness = &set.witness;
      }
    }
  }
  for (const auto& [ids, shared] : pairs) overlap(ids.first, ids.second, shared.sets, *shared.witness);
}

void RulesetCompiler::overlap(uint32_t one, uint32_t two, size_t both, const std::string& witness) {
  const std::string& location = rules_->rules_[two / 2].location;
  if (two % 2 == 1) {
    error(location, Field::kKey, 0,
          "two rules can produce the same key, such as " + quoted(witness) + ": the other is " +
              rule_title(one));
    return;
  }
  const bool inside_two = both == set_count_[one];
  const bool inside_one = both == set_count_[two];
  if (inside_one && inside_two) {
    // The same names: a rule for one database goes before a rule for all.
    if (rules_->rules_[one / 2].db != rules_->rules_[two / 2].db) return;
    error(location, Field::kLegacy, 0,
          "the same legacy names, such as " + quoted(witness) + ", as " + rule_title(one));
  } else if (!inside_one && !inside_two) {
    error(location, Field::kLegacy, 0,
          "legacy names such as " + quoted(witness) + " also fit " + rule_title(one) +
              ", and neither is the more specific: make one so, or separate them");
  }
}

}  // namespace keyshift::scheme
