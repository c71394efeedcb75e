#include "keyshift/plan/invalidation_mapper.h"

#include <algorithm>
#include <utility>

#include "keyshift/resp/reply_cursor.h"
#include "keyshift/resp/writer.h"
#include "keyshift/scheme/prefixes.h"

namespace keyshift::plan {

using scheme::Naming;

InvalidationMapper::InvalidationMapper(std::shared_ptr<const scheme::Ruleset> rules, scheme::View view,
                                       const Prefixes& prefixes)
    : rules_(std::move(rules)), view_(std::move(view)), prefixes_(prefixes) {
  by_database_ = rules_->fold().active() ||
                 std::ranges::any_of(rules_->rules(), [](const scheme::Rule& rule) { return rule.db >= 0; });
}

void InvalidationMapper::add_database(int database) {
  if (!databases_.empty() && (!by_database_ || std::ranges::find(databases_, database) != databases_.end()))
    return;
  databases_.push_back(database);
}

// Those that rules name or that fold, and one for all others, where names mean the same; if there is any other: a key of no
// view would be told by its own name there.
void InvalidationMapper::add_all_databases() {
  const scheme::Fold& fold = rules_->fold();
  std::set<int> named;
  for (const scheme::Rule& rule : rules_->rules()) {
    if (rule.db >= 0) named.insert(rule.db);
  }
  for (int database = 0; database < fold.databases; ++database) {
    if (fold.holds(database)) named.insert(database);
  }
  int other = 0;
  while (named.contains(other)) ++other;
  if (fold.has(other)) add_database(other);
  for (const int database : named) add_database(database);
}

std::vector<std::string> InvalidationMapper::physical_prefixes() const {
  std::vector<std::string> all;
  for (const std::string& prefix : prefixes_) {
    for (const int database : databases_) {
      for (std::string& one : scheme::physical_prefixes(*rules_, prefix, database, view_))
        all.push_back(std::move(one));
    }
  }
  scheme::drop_covered_prefixes(all);
  return all;
}

// Puts the names of one key into names_, each once.
void InvalidationMapper::collect_names(std::string_view physical, bool both) {
  const size_t first = names_.size();
  const auto add = [&](int database, Naming naming) {
    const size_t begin = bytes_.size();
    if (!rules_->shown(physical, database, view_, naming, bytes_)) return;
    const std::string_view name = bytes_.view().substr(begin);
    const bool known = std::any_of(
        names_.begin() + static_cast<std::ptrdiff_t>(first), names_.end(),
        [&](const auto& one) { return bytes_.view().substr(one.first, one.second - one.first) == name; });
    if (known) {
      bytes_.truncate(begin);
    } else {
      names_.emplace_back(begin, bytes_.size());
    }
  };
  for (const int database : databases_) {
    add(database, view_.naming);
    if (both) add(database, scheme::other(view_.naming));
  }
}

void InvalidationMapper::map(std::string_view keys, bool both, const Tell& tell) {
  bytes_.clear();
  names_.clear();
  // A prefix may mean names of either naming, whoever reads by them.
  const bool asks_by_name =
      std::ranges::any_of(prefixes_, [](const auto& prefix) { return !prefix.empty(); });
  resp::ReplyCursor cursor(keys);
  cursor.next();
  while (!cursor.done()) {
    const resp::Token key = cursor.next();
    if (key.is_string()) collect_names(key.text, both || asks_by_name);
  }
  const auto tell_those = [&](std::string_view prefix) {
    array_.clear();
    uint64_t count = 0;
    for (const auto& [begin, end] : names_) {
      if (bytes_.view().substr(begin, end - begin).starts_with(prefix)) ++count;
    }
    if (count == 0) return;
    resp::append_array(array_, count);
    for (const auto& [begin, end] : names_) {
      const std::string_view name = bytes_.view().substr(begin, end - begin);
      if (name.starts_with(prefix)) resp::append_bulk(array_, name);
    }
    tell(array_.view());
  };
  if (prefixes_.empty()) {
    tell_those("");
  } else {
    for (const std::string& prefix : prefixes_) tell_those(prefix);
  }
}

}  // namespace keyshift::plan
