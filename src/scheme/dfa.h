// Dfa: the automaton of all templates, made deterministic and packed for matching.
//
// A state takes most bytes to one place (a literal: to nowhere; a seg: to itself) and a few elsewhere, so it is its default
// and its exceptions. The exceptions of all states lie in one array, interleaved: a state *is* an index into it,
// and slot[state + byte] belongs to the state if it says so.
//
//   step:  slot[state + byte].check == state ? slot[state + byte].next : slot[state].otherwise
//
// Two loads a byte, no table of 256 columns a state: 1,000 rules take a megabyte or two, and what one key walks through stays
// in the cache. States that nothing leaves (nowhere; the rest of an `any`) have the lowest numbers, so that a walk ends
// there early.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "automaton.h"

namespace keyshift::scheme {

class Dfa {
 public:
  // What a compilation may take: more means that the templates multiply each other.
  static constexpr size_t kMaxStates = 1'000'000;
  static constexpr size_t kMaxPositions = 16'000'000;  // over the sets of all states

  // One set of ids that some keys are accepted as.
  struct AcceptSet {
    std::vector<uint32_t> ids;  // ascending; empty for set 0
    std::string witness;        // a shortest key that is accepted as exactly these
  };

  // False if the limits were met: then nothing can be matched.
  bool build(const Automaton& automaton);

  uint32_t start() const { return start_; }
  // Where `bytes` lead from `state`.
  uint32_t walk(uint32_t state, std::string_view bytes) const {
    auto at = reinterpret_cast<const unsigned char*>(bytes.data());
    const unsigned char* const end = at + bytes.size();
    const Slot* const slots = slots_.data();
    for (; end - at >= 4; at += 4) {
      state = step(slots, state, at[0]);
      state = step(slots, state, at[1]);
      state = step(slots, state, at[2]);
      state = step(slots, state, at[3]);
      if (state < absorbing_end_) return state;
    }
    for (; at != end; ++at) state = step(slots, state, *at);
    return state;
  }
  // Index of the state's AcceptSet.
  uint32_t accept(uint32_t state) const { return slots_[state].accept; }

  size_t state_count() const { return state_count_; }
  // Gives up the accept sets: the proofs and the compiler read them, matching does not.
  std::vector<AcceptSet> take_accept_sets() { return std::move(accept_sets_); }

 private:
  friend class DfaBuilder;

  struct Slot {
    uint32_t check = UINT32_MAX;  // the state whose exception this is
    uint32_t next = 0;
    uint32_t otherwise = 0;  // of the state that is this index
    uint32_t accept = 0;     // likewise
  };

  static uint32_t step(const Slot* slots, uint32_t state, unsigned char byte) {
    const Slot& slot = slots[state + byte];
    return slot.check == state ? slot.next : slots[state].otherwise;
  }

  std::vector<Slot> slots_;
  uint32_t start_ = 0;
  uint32_t absorbing_end_ = 0;
  std::vector<AcceptSet> accept_sets_;
  size_t state_count_ = 0;
};

}  // namespace keyshift::scheme
