// What the proofs must agree with: rules compared by trying every short key.
//
//   const NaiveScheme naive(rules, "a");                  domain `a` is configured
//   naive.keys()                                          every key up to kLongest bytes of kAlphabet
//   naive.clashes()                                       what must be refused, a shortest key for each pair of rules
//
// A letter of the alphabet stands for each kind of byte that the tests' templates tell apart; `x` for all the others.
// What only longer keys show is not found: no clash here means nothing, and of two languages that look equal nothing is
// said.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "readings.h"
#include "scheme_fixture.h"

namespace keyshift::scheme {

inline bool fits(const Template& shape, size_t piece, std::string_view rest) {
  if (piece == shape.pieces().size()) return rest.empty();
  const Piece& here = shape.pieces()[piece];
  if (here.is_literal()) {
    return rest.substr(0, here.literal.size()) == here.literal &&
           fits(shape, piece + 1, rest.substr(here.literal.size()));
  }
  const Capture& capture = shape.captures()[static_cast<size_t>(here.capture)];
  for (size_t length = 1; length <= rest.size(); ++length) {
    if (is_value(capture, rest.substr(0, length)) && fits(shape, piece + 1, rest.substr(length))) return true;
  }
  return false;
}
inline bool fits(const Template& shape, std::string_view key) {
  return fits(shape, 0, key);
}

// The name that the rule's other side gives to `name`.
inline std::string other_name(const Rule& rule, Naming side, std::string_view name) {
  const std::vector<CapturedValues> all = readings(rule.side(side), name);
  if (all.size() != 1) return "(not one reading)";
  std::string made;
  for (const Piece& piece : rule.side(other(side)).pieces())
    made += piece.is_literal() ? piece.literal : all[0].at(piece.capture);
  return made;
}

class NaiveScheme {
 public:
  static constexpr size_t kLongest = 6;
  static constexpr std::string_view kAlphabet = "ax:1-";
  static constexpr uint32_t kNone = UINT32_MAX;
  using Pair = std::pair<uint32_t, uint32_t>;
  using Found = std::map<Pair, std::string>;  // pairs of rules, with a shortest key

  // The rules are those of compiled sets of one: their templates are right, and their captures paired.
  NaiveScheme(std::vector<Rule> rules, std::string domain)
      : rules_(std::move(rules)), domain_(std::move(domain)) {
    keys_.emplace_back();
    for (size_t i = 0; i < keys_.size() && keys_[i].size() < kLongest; ++i)
      for (const char byte : kAlphabet) keys_.push_back(keys_[i] + byte);
    for (const std::string& key : keys_) look(key);
    compare();
  }

  const std::vector<Rule>& rules() const { return rules_; }
  bool same_db(uint32_t a, uint32_t b) const {
    return rules_[a].db < 0 || rules_[b].db < 0 || rules_[a].db == rules_[b].db;
  }
  bool in_db(uint32_t rule, int db) const { return rules_[rule].db < 0 || rules_[rule].db == db; }

  // Of these, the later rule is the second.
  Found same_keys;     // both consolidated templates fit
  Found not_nested;    // both legacy templates fit, and each fits a key that the other does not
  Found mixed_phases;  // {the rule in phase legacy that is read, the rule in phase consolidated}
  Found overlaps;      // {the legacy rule that is read, the rule of the consolidated name}
  // Two legacy templates look the same: which one is read is not known.
  bool is_vague = false;

  bool only_one(uint32_t one, uint32_t without) const {
    return std::any_of(seen_.begin(), seen_.end(),
                       [&](const Seen& key) { return key.legacy[one] && !key.legacy[without]; });
  }

  bool is_native(std::string_view key) const {
    return !domain_.empty() && key.substr(0, domain_.size() + 1) == domain_ + ":";
  }
  bool is_unmatched(std::string_view key, int db) const {
    for (uint32_t rule = 0; rule < rules_.size(); ++rule) {
      if (in_db(rule, db) && (fits(rules_[rule].legacy, key) || fits(rules_[rule].key, key))) return false;
    }
    return !is_native(key);
  }
  // Is the key in Redis one of its own, whatever a prefix makes of others? See Ruleset::prefix_clash().
  bool is_owned(std::string_view key, int db) const {
    bool by_rule = false;
    std::vector<bool> legacy(rules_.size());
    for (uint32_t rule = 0; rule < rules_.size(); ++rule) {
      legacy[rule] = in_db(rule, db) && fits(rules_[rule].legacy, key);
      by_rule = by_rule || legacy[rule];
      if (in_db(rule, db) && fits(rules_[rule].key, key)) return true;
    }
    if (!by_rule) return is_native(key);
    return rules_[most_specific(legacy, db)].phase == Phase::kLegacy;
  }
  const std::vector<std::string>& keys() const { return keys_; }

 private:
  struct Seen {
    std::vector<bool> legacy;
    std::vector<bool> key;
  };

  void look(const std::string& key) {
    Seen now;
    for (const Rule& rule : rules_) {
      now.legacy.push_back(fits(rule.legacy, key));
      now.key.push_back(fits(rule.key, key));
    }
    seen_.push_back(std::move(now));
  }

  size_t count(uint32_t rule) const {
    return static_cast<size_t>(
        std::count_if(seen_.begin(), seen_.end(), [&](const Seen& key) { return key.legacy[rule]; }));
  }

  // Of the legacy templates that fit; the one with the fewest keys, as they are nested.
  uint32_t most_specific(const std::vector<bool>& fitting, int db) const {
    uint32_t best = kNone;
    for (uint32_t rule = 0; rule < rules_.size(); ++rule) {
      if (!fitting[rule] || !in_db(rule, db)) continue;
      const auto before = [&](uint32_t a, uint32_t b) {
        return counts_[a] != counts_[b] ? counts_[a] < counts_[b] : rules_[a].db > rules_[b].db;
      };
      if (best == kNone || before(rule, best)) best = rule;
    }
    return best;
  }

  void compare() {
    const auto all = static_cast<uint32_t>(rules_.size());
    for (uint32_t rule = 0; rule < all; ++rule) counts_.push_back(count(rule));
    std::set<Pair> meet;
    for (size_t i = 0; i < keys_.size(); ++i) {
      for (uint32_t one = 0; one < all; ++one) {
        for (uint32_t two = one + 1; two < all; ++two) {
          if (!same_db(one, two)) continue;
          if (seen_[i].key[one] && seen_[i].key[two]) same_keys.emplace(Pair{one, two}, keys_[i]);
          if (seen_[i].legacy[one] && seen_[i].legacy[two] && meet.insert({one, two}).second) {
            const bool apart = only_one(one, two) && only_one(two, one);
            if (apart) not_nested.emplace(Pair{one, two}, keys_[i]);
            if (!apart && counts_[one] == counts_[two]) is_vague = true;
          }
        }
      }
      for (const int db : {0, 1, 2}) read(i, db);
    }
  }

  void read(size_t i, int db) {
    const uint32_t legacy = most_specific(seen_[i].legacy, db);
    if (legacy == kNone) return;
    for (uint32_t key = 0; key < rules_.size(); ++key) {
      if (!seen_[i].key[key] || !in_db(key, db)) continue;
      overlaps.emplace(Pair{legacy, key}, keys_[i]);
      if (rules_[legacy].phase == Phase::kLegacy && rules_[key].phase == Phase::kConsolidated)
        mixed_phases.emplace(Pair{legacy, key}, keys_[i]);
    }
  }

  std::vector<Rule> rules_;
  std::string domain_;
  std::vector<std::string> keys_;
  std::vector<Seen> seen_;  // by key
  std::vector<size_t> counts_;
};

}  // namespace keyshift::scheme
