#include "overlaps.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "witness.h"

namespace keyshift::scheme {

OverlapProof::OverlapProof(const std::vector<Rule>& rules, const Matcher& matcher,
                           const std::vector<Dfa::AcceptSet>& sets, size_t ids)
    : rules_(rules), matcher_(matcher), sets_(sets), set_count_(ids), set_begin_(ids), error_count_(ids) {
  for (const Dfa::AcceptSet& set : sets_)
    for (const uint32_t id : set.ids) ++set_count_[id];
  uint32_t begin = 0;
  for (size_t id = 0; id < ids; ++id) {
    set_begin_[id] = begin;
    begin += set_count_[id];
  }
  holders_.resize(begin);
  std::vector<uint32_t> next = set_begin_;
  for (uint32_t set = 0; set < sets_.size(); ++set)
    for (const uint32_t id : sets_[set].ids) holders_[next[id]++] = set;
}

void OverlapProof::run() {
  for (const Dfa::AcceptSet& set : sets_) {
    const Ids legacy = legacy_ids(set);
    const Ids keys = key_ids(set);
    steps_ += legacy.size() + keys.size();
    prove_chain(legacy, set);
    prove_keys(keys, set);
    if (legacy.empty() || keys.empty()) continue;
    for (const Reading& reading : readings(legacy, keys)) {
      if (reading.legacy == kNone || reading.key == kNone) continue;
      prove_phases(reading, set);
      note_overlap(reading, set);
    }
  }
}

// The more specific first, as match() tries them.
OverlapProof::Ids OverlapProof::legacy_ids(const Dfa::AcceptSet& set) const {
  Ids found;
  for (const uint32_t id : set.ids)
    if (id < 2 * rules_.size() && id % 2 == 0) found.push_back(id);
  std::sort(found.begin(), found.end(), [this](uint32_t a, uint32_t b) {
    return std::tuple(set_count_[a], rule(a).db < 0, a) < std::tuple(set_count_[b], rule(b).db < 0, b);
  });
  return found;
}

OverlapProof::Ids OverlapProof::key_ids(const Dfa::AcceptSet& set) const {
  Ids found;
  for (const uint32_t id : set.ids)
    if (id < 2 * rules_.size() && id % 2 == 1) found.push_back(id);
  return found;
}

// ---- 1. legacy names

// For each database, its rules and those of all databases are a chain. A rule of one database stands only between its
// nearest neighbours, so each is compared twice at most, whatever the number of databases.
void OverlapProof::prove_chain(const Ids& legacy, const Dfa::AcceptSet& set) {
  uint32_t global = kNone;
  std::map<int, uint32_t> since;  // by database: its last rule behind `global`
  for (const uint32_t id : legacy) {
    const int db = rule(id).db;
    if (db >= 0) {
      const auto [it, fresh] = since.try_emplace(db, id);
      const uint32_t below = fresh ? global : it->second;
      if (below != kNone) compare(below, id, set);
      it->second = id;
      continue;
    }
    if (global != kNone) compare(global, id, set);
    for (const auto& [limited, last] : since) compare(last, id, set);
    since.clear();
    global = id;
  }
}

const Dfa::AcceptSet* OverlapProof::apart(uint32_t id, uint32_t without) {
  for (uint32_t i = 0; i < set_count_[id]; ++i) {
    const Dfa::AcceptSet& set = sets_[holders_[set_begin_[id] + i]];
    ++steps_;
    if (!std::binary_search(set.ids.begin(), set.ids.end(), without)) return &set;
  }
  return nullptr;
}

// Requires: `inner` is in no more sets than `outer`.
void OverlapProof::compare(uint32_t inner, uint32_t outer, const Dfa::AcceptSet& set) {
  if (!compared_.insert({inner, outer}).second) return;
  const uint32_t one = std::min(inner, outer);
  const uint32_t two = std::max(inner, outer);
  const Dfa::AcceptSet* const only_inner = apart(inner, outer);
  if (only_inner == nullptr) {
    // The same names: a rule for one database goes before a rule for all.
    if (set_count_[inner] < set_count_[outer] || rule(inner).db != rule(outer).db || !wanted(one, two))
      return;
    error(two, Field::kLegacy,
          "the same legacy names, such as " + quoted(set.witness) + ", as " +
              rule_title(rule(one), Naming::kLegacy) + ": keep one of the two rules",
          {set.witness});
    return;
  }
  if (!wanted(one, two)) return;
  const Dfa::AcceptSet* const only_outer = apart(outer, inner);
  const std::string& this_only = two == inner ? only_inner->witness : only_outer->witness;
  const std::string& that_only = two == inner ? only_outer->witness : only_inner->witness;
  error(two, Field::kLegacy,
        "legacy names such as " + quoted(set.witness) + " also fit " +
            rule_title(rule(one), Naming::kLegacy) +
            ", and neither is the more specific: only this one fits " + quoted(this_only) +
            ", only that one " + quoted(that_only) + "; make one so, or separate them",
        {set.witness, this_only, that_only});
}

// ---- 2. keys

void OverlapProof::prove_keys(const Ids& keys, const Dfa::AcceptSet& set) {
  uint32_t global = kNone;
  std::map<int, uint32_t> of_db;
  for (const uint32_t two : keys) {
    const int db = matcher_.fold.into < 0 ? rule(two).db : 0;
    const auto same = of_db.find(db);
    uint32_t one = std::min(global, same == of_db.end() ? kNone : same->second);
    if (db < 0 && two != keys.front()) one = keys.front();
    if (db < 0) global = std::min(global, two);
    of_db.try_emplace(db, two);
    if (one == kNone || !wanted(one, two)) continue;
    const std::string here = other_name(two, set.witness);
    const std::string there = other_name(one, set.witness);
    error(two, Field::kKey,
          "two rules can produce the same key, such as " + quoted(set.witness) + ": this one from " +
              quoted(here) + ", and " + rule_title(rule(one), Naming::kConsolidated) + " from " +
              quoted(there) + "; let each have keys of its own",
          {here, there, set.witness});
  }
}

// ---- 3. and 4. a legacy name that is a key

std::vector<OverlapProof::Reading> OverlapProof::readings(const Ids& legacy, const Ids& keys) {
  Reading global;
  std::map<int, Reading> of_db;
  for (const uint32_t id : legacy) {
    const int db = rule(id).db;
    if (db >= 0) {
      Reading& reading = of_db[db];
      if (reading.legacy == kNone) reading.legacy = global.legacy == kNone ? id : global.legacy;
    } else if (global.legacy == kNone) {
      global.legacy = id;
    }
  }
  for (const uint32_t id : keys) {
    Reading& reading = rule(id).db < 0 ? global : of_db[rule(id).db];
    if (reading.key == kNone) reading.key = id;
  }
  std::vector<Reading> all(1, global);
  for (auto& [db, reading] : of_db) {
    reading.db = db;
    if (reading.legacy == kNone) reading.legacy = global.legacy;
    if (reading.key == kNone) reading.key = global.key;
    all.push_back(reading);
  }
  steps_ += all.size();
  return all;
}

// The key in Redis would hold the data of two: of the legacy name itself, and of the name that maps to it.
void OverlapProof::prove_phases(const Reading& reading, const Dfa::AcceptSet& set) {
  if (rule(reading.legacy).phase != Phase::kLegacy || rule(reading.key).phase != Phase::kConsolidated) return;
  const bool legacy_is_later = reading.legacy > reading.key;
  const uint32_t two = legacy_is_later ? reading.legacy : reading.key;
  const uint32_t one = legacy_is_later ? reading.key : reading.legacy;
  if (!wanted(one, two)) return;
  const std::string here = other_name(two, set.witness);
  const std::string there = other_name(one, set.witness);
  const auto phase = [&](uint32_t id) { return id == reading.legacy ? "legacy" : "consolidated"; };
  error(two, legacy_is_later ? Field::kLegacy : Field::kKey,
        std::string("in phase ") + phase(two) + " " + quoted(here) + " is stored as " + quoted(set.witness) +
            ", and so is " + quoted(there) + " of " +
            rule_title(rule(one), one == reading.legacy ? Naming::kLegacy : Naming::kConsolidated) +
            " in phase " + phase(one) +
            ": one would overwrite the other; bring both into the same phase, or leave out the one in phase "
            "legacy for now: it renames nothing yet",
        {here, there, set.witness});
}

void OverlapProof::note_overlap(const Reading& reading, const Dfa::AcceptSet& set) {
  if (!overlap_pairs_.insert({reading.legacy / 2, reading.key / 2}).second) return;
  if (overlaps_.size() < Ruleset::kMaxOverlaps)
    overlaps_.push_back({reading.legacy / 2, reading.key / 2, set.witness});
}

// ---- errors

std::string OverlapProof::other_name(uint32_t id, const std::string& name) const {
  Span captures[Template::kMaxCaptures];
  const Side& side = matcher_.sides[id];
  const Side& target = matcher_.sides[id ^ 1U];
  side.extraction.run(name, captures);
  std::string made(name.size() - side.literal_size + target.literal_size, '\0');
  matcher_.write(target, name, captures, made.data());
  return made;
}

bool OverlapProof::wanted(uint32_t one, uint32_t two) {
  if (error_count_[two] == kMaxErrorsOfRule || !refused_.insert({one, two}).second) return false;
  ++error_count_[two];
  return true;
}

void OverlapProof::error(uint32_t two, Field field, std::string text, std::vector<std::string> witness) {
  errors_.emplace_back(two, SchemeError{rule(two).location, field, 0, std::move(text), std::move(witness)});
}

std::vector<SchemeError> OverlapProof::take_errors() {
  std::stable_sort(errors_.begin(), errors_.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<SchemeError> taken;
  for (auto& [id, problem] : errors_) taken.push_back(std::move(problem));
  return taken;
}

}  // namespace keyshift::scheme
