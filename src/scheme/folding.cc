// What it takes for the databases of clients to be views of one: RulesetCompiler's proof over the rules, and
// Ruleset's over unmatched keys.
//
//   rule a:{x} -> d:a:{x}, of all databases      `a:a` of database 0 and `a:a` of database 1 would be one key
//   unmatched = "pass"                           so would every other name
//   unmatched_prefix = "db{db}"                  `1a` of database 1 and `a` of database 11
#include <algorithm>
#include <map>
#include <tuple>

#include "overlaps.h"
#include "ruleset_compiler.h"
#include "witness.h"

namespace keyshift::scheme {
namespace {

constexpr std::string_view kDatabase = "{db}";

}  // namespace

// A database folds as a whole: its rules are in one phase, and it folds when that is consolidated.
void RulesetCompiler::fold() {
  if (!spec_.fold) return;
  const FoldSpec& spec = *spec_.fold;
  Fold& fold = matcher_->fold;
  fold.into = spec.into;
  fold.databases = spec.databases;
  fold.folded.assign(static_cast<size_t>(std::max(spec.databases, spec.into + 1)),
                     spec.phase == Phase::kConsolidated);
  std::map<int, const Rule*> first;  // by database
  for (const Rule& rule : rules_->rules_) {
    if (!folds_alone(rule)) continue;
    const auto [found, is_new] = first.try_emplace(rule.db, &rule);
    fold.folded[static_cast<size_t>(rule.db)] = found->second->phase == Phase::kConsolidated;
    if (is_new || found->second->phase == rule.phase) continue;
    error(rule.location, Field::kRule, 0,
          "a database folds as a whole: this rule of database " + std::to_string(rule.db) +
              " is in another phase than " + rule_title(*found->second, Naming::kLegacy) +
              "; bring both into the same phase");
  }
  const auto home = first.find(spec.into);
  if (std::ranges::find(fold.folded, true) == fold.folded.end()) return;
  if (home != first.end() && home->second->phase == Phase::kLegacy) {
    error(home->second->location, Field::kRule, 0,
          "other databases fold into database " + std::to_string(spec.into) +
              ", so this rule of it cannot stay in phase legacy: its keys would stand among theirs; bring "
              "this "
              "database over first, or fold into one that no application uses");
  }
  fold.folded[static_cast<size_t>(spec.into)] = true;
}

// Whether the rule is of one database that clients can select.
bool RulesetCompiler::folds_alone(const Rule& rule) {
  const int databases = spec_.fold->databases;
  if (rule.db >= databases) {
    error(rule.location, Field::kRule, 0,
          "clients can select databases 0 to " + std::to_string(databases - 1) +
              " (fold.databases), so nobody would ever use this rule of database " + std::to_string(rule.db));
    return false;
  }
  if (rule.db >= 0) return true;
  const std::string legacy = sample_name(rule, Naming::kLegacy);
  const std::string key = sample_name(rule, Naming::kConsolidated);
  error(rule.location, Field::kRule, 0,
        "databases fold, so a rule must be of one: " + quoted(legacy) + " of database 0 and " +
            quoted(legacy) + " of database 1 would both be stored as " + quoted(key) +
            "; say which database it is for, with db = 0, and write one for each other, with keys of its own",
        {legacy, key});
  return false;
}

void Ruleset::prepare(View& view) const {
  view.prefix_of.clear();
  const size_t at = view.prefix.find(kDatabase);
  if (at == std::string::npos || fold().into < 0) return;
  for (size_t db = 0; db < fold().folded.size(); ++db) {
    std::string& made = view.prefix_of.emplace_back();
    if (!fold().folded[db]) continue;
    made = view.prefix;
    made.replace(at, kDatabase.size(), std::to_string(db));
  }
}

namespace {

// What is put before the unmatched keys of one database; of a consolidated view, which knows none, before those of all.
struct Front {
  static constexpr int kAll = -1;
  std::string_view prefix;
  int database;

  bool operator<(const Front& other) const {
    return std::tie(prefix, database) < std::tie(other.prefix, other.database);
  }
};

void collect(const View& view, const Fold& fold, std::vector<Front>& fronts) {
  if (view.unmatched == Unmatched::kRefuse) return;
  const bool by_database = view.unmatched == Unmatched::kPrefix && !view.prefix_of.empty();
  if (!by_database && view.naming == Naming::kConsolidated) {
    // Who passes unmatched keys there sees the keys as they are, the other databases' too, by their own names.
    if (view.unmatched == Unmatched::kPrefix) fronts.push_back({view.prefix, Front::kAll});
    return;
  }
  for (int db = 0; db < static_cast<int>(fold.folded.size()); ++db) {
    const bool bare = view.unmatched == Unmatched::kPass;
    if (fold.holds(db)) fronts.push_back({bare ? std::string_view() : view.prefix_in(db), db});
  }
}

}  // namespace

std::optional<FoldClash> Ruleset::fold_clash(const View& view, const std::vector<const View*>& before) const {
  if (!fold().active()) return std::nullopt;
  std::vector<Front> fronts;
  collect(view, fold(), fronts);
  for (const View* other : before) collect(*other, fold(), fronts);
  std::sort(fronts.begin(), fronts.end());
  fronts.erase(std::unique(fronts.begin(), fronts.end(),
                           [](const Front& a, const Front& b) {
                             return a.prefix == b.prefix && a.database == b.database;
                           }),
               fronts.end());
  // What a prefix begins stands behind it in this order.
  for (size_t i = 0; i < fronts.size(); ++i) {
    for (size_t j = i + 1; j < fronts.size() && fronts[j].prefix.starts_with(fronts[i].prefix); ++j) {
      if (fronts[i].database == fronts[j].database) continue;
      FoldClash clash;
      clash.other_name = "a";
      clash.physical = std::string(fronts[j].prefix) + clash.other_name;
      clash.name = clash.physical.substr(fronts[i].prefix.size());
      clash.database = fronts[i].database;
      clash.other = fronts[j].database;
      const auto of = [](int db) {
        return db == Front::kAll ? std::string("of a consolidated view")
                                 : "of database " + std::to_string(db);
      };
      clash.text = quoted(clash.name) + " " + of(clash.database) + " and " + quoted(clash.other_name) + " " +
                   of(clash.other) + " would both be stored as " + quoted(clash.physical);
      return clash;
    }
  }
  return std::nullopt;
}

}  // namespace keyshift::scheme
