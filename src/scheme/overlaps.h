// OverlapProof: which names fit two rules, and whether that can be right. The fourth step of RulesetCompiler.
//
// The Dfa's accept sets know: a set that holds two ids has keys of both languages, and language A lies inside language
// B exactly when every set that holds A holds B. Each set brings its witness, a shortest key.
//
//   rules:  a:{x}      -> d:1:{x}     sets:  {0}     a:a     0 and 2 share a key, but {0} has not 2 and {2} has not 0:
//           {y}:b      -> d:2:{y}            {2}     b:b     neither is the more specific. Refused; the witnesses are
//                                            {0,2}   a:b     a:b, b:b, a:a
//
//   1. legacy names        what fits the same key in the same database must be a chain: each inside the next
//   2. keys                no key in two rules of the same database; when databases fold, in no two rules at all
//   3. phases              no legacy name of a rule in phase legacy is the key of one in phase consolidated
//   4. overlaps            a legacy name that is another's key is noted
//
// A chain is proved by its neighbours, so all of this costs about what the accept sets hold together: nothing is
// quadratic in the number of rules. An id is 2 * rule + side; what lies above is not a rule's.
#pragma once

#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "matcher.h"

namespace keyshift::scheme {

class OverlapProof {
 public:
  // A rule is told of so many clashes of each kind; the next are there once these are mended.
  static constexpr size_t kMaxErrorsOfRule = 3;

  // `matcher` needs its sides only. Everything is borrowed.
  OverlapProof(const std::vector<Rule>& rules, const Matcher& matcher,
               const std::vector<Dfa::AcceptSet>& sets, size_t ids);

  void run();

  // By id: how many accept sets hold it. Of two legacy languages that meet, the more specific is in fewer.
  const std::vector<uint32_t>& set_count() const { return set_count_; }
  // In the order of the rules.
  std::vector<SchemeError> take_errors();
  std::vector<Overlap> take_overlaps() { return std::move(overlaps_); }
  size_t overlap_count() const { return overlap_pairs_.size(); }
  // What was looked at: grows with what the accept sets hold together.
  size_t steps() const { return steps_; }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  using Ids = std::vector<uint32_t>;
  using Pair = std::pair<uint32_t, uint32_t>;
  using Field = SchemeError::Field;

  // What a key of a set is in one database, -1 being every database that the set's rules do not name: the legacy id
  // that a legacy view reads it as, and the id of the consolidated side.
  struct Reading {
    int db = -1;
    uint32_t legacy = kNone;
    uint32_t key = kNone;
  };

  const Rule& rule(uint32_t id) const { return rules_[id / 2]; }
  Ids legacy_ids(const Dfa::AcceptSet& set) const;
  Ids key_ids(const Dfa::AcceptSet& set) const;

  void prove_chain(const Ids& legacy, const Dfa::AcceptSet& set);
  void compare(uint32_t inner, uint32_t outer, const Dfa::AcceptSet& set);
  // The first set that holds `id` and not `without`, or nullptr.
  const Dfa::AcceptSet* apart(uint32_t id, uint32_t without);
  void prove_keys(const Ids& keys, const Dfa::AcceptSet& set);
  std::vector<Reading> readings(const Ids& legacy, const Ids& keys);
  void prove_phases(const Reading& reading, const Dfa::AcceptSet& set);
  void note_overlap(const Reading& reading, const Dfa::AcceptSet& set);

  // The name that the other side of this id's rule gives to `name`.
  std::string other_name(uint32_t id, const std::string& name) const;
  // Is this pair new, and has the later rule not too many errors yet? Then one more is counted for it.
  bool wanted(uint32_t one, uint32_t two);
  void error(uint32_t two, Field field, std::string text, std::vector<std::string> witness);

  const std::vector<Rule>& rules_;
  const Matcher& matcher_;
  const std::vector<Dfa::AcceptSet>& sets_;
  std::vector<uint32_t> set_count_;
  std::vector<uint32_t> set_begin_;                       // by id: where its sets begin in holders_
  Ids holders_;                                           // indexes of accept sets, ascending for each id
  std::set<Pair> compared_;                               // legacy ids
  std::set<Pair> refused_;                                // ids
  std::vector<uint8_t> error_count_;                      // by id
  std::vector<std::pair<uint32_t, SchemeError>> errors_;  // by the id they are reported at
  std::set<Pair> overlap_pairs_;
  std::vector<Overlap> overlaps_;
  size_t steps_ = 0;
};

}  // namespace keyshift::scheme
