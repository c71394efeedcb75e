// Dfa: the automaton of all templates, made deterministic and packed for matching.
//
// A state takes most bytes to one place (a literal: to nowhere; a seg: to itself) and a few elsewhere, so it is its
// default and its exceptions. The exceptions of all states lie in one array, interleaved: a state *is* an index into
// it, and exception[state + byte] belongs to the state if it says so.
//
//   step:  exception[state + byte].check == state ? exception[state + byte].next : state[state].otherwise
//
// Two loads a byte, no table of 256 columns a state: 1,000 rules take a megabyte or two, and what one key walks through
// stays in the cache. States that nothing leaves (nowhere; the rest of an `any`) have the lowest numbers, so that a
// walk ends there early.
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
  // What a compilation may take: more means that the templates multiply each other. Met within a second or two.
  static constexpr size_t kMaxStates = 200'000;
  static constexpr size_t kMaxStatesPerPosition = 8;   // and so many more for each state of the automaton
  static constexpr size_t kMaxPositions = 16'000'000;  // over the sets of all states
  static constexpr size_t kMaxWork = 100'000'000;      // members of sets put together

  // One set of ids that some keys are accepted as.
  struct AcceptSet {
    std::vector<uint32_t> ids;  // ascending; empty for set 0
    std::string witness;        // a shortest key that is accepted as exactly these
  };

  // False if the limits were met: then nothing can be matched.
  bool build(const Automaton& automaton);

  uint32_t start() const { return start_; }
  // Where `bytes` lead from the state `from`.
  uint32_t walk(uint32_t from, std::string_view bytes) const {
    size_t state = from;
    auto at = reinterpret_cast<const unsigned char*>(bytes.data());
    const unsigned char* const end = at + bytes.size();
    const Exception* const exceptions = exceptions_.data();
    const State* const states = states_.data();
    for (; end - at >= 8; at += 8) {
      state = step(exceptions, states, state, at[0]);
      state = step(exceptions, states, state, at[1]);
      state = step(exceptions, states, state, at[2]);
      state = step(exceptions, states, state, at[3]);
      state = step(exceptions, states, state, at[4]);
      state = step(exceptions, states, state, at[5]);
      state = step(exceptions, states, state, at[6]);
      state = step(exceptions, states, state, at[7]);
      if (state < absorbing_end_) return static_cast<uint32_t>(state);
    }
    for (; at != end; ++at) state = step(exceptions, states, state, *at);
    return static_cast<uint32_t>(state);
  }
  uint32_t next(uint32_t state, unsigned char byte) const {
    return static_cast<uint32_t>(step(exceptions_.data(), states_.data(), state, byte));
  }
  // Nothing leads out of the state.
  bool is_absorbing(uint32_t state) const { return state < absorbing_end_; }
  // Appends the states that one byte of `bytes` leads to; may name some twice.
  void targets(uint32_t state, const ByteSet& bytes, std::vector<uint32_t>& out) const;
  // Above every state.
  size_t index_end() const { return states_.size(); }
  // Index of the state's AcceptSet.
  uint32_t accept(uint32_t state) const { return states_[state].accept; }

  size_t state_count() const { return state_count_; }
  // Gives up the accept sets: the proofs and the compiler read them, matching does not.
  std::vector<AcceptSet> take_accept_sets() { return std::move(accept_sets_); }

 private:
  friend class DfaBuilder;

  // Eight bytes each: an index that the processor scales by itself.
  struct Exception {
    uint32_t check = UINT32_MAX;  // the state whose exception this is
    uint32_t next = 0;
  };
  struct State {
    uint32_t otherwise = 0;
    uint32_t accept = 0;
  };

  // In size_t, which an address needs anyway.
  static size_t step(const Exception* exceptions, const State* states, size_t state, unsigned char byte) {
    const Exception& exception = exceptions[state + byte];
    return exception.check == static_cast<uint32_t>(state) ? exception.next : states[state].otherwise;
  }

  std::vector<Exception> exceptions_;  // by state + byte
  std::vector<State> states_;          // by state; not every index is one
  uint32_t start_ = 0;
  uint32_t absorbing_end_ = 0;
  std::vector<AcceptSet> accept_sets_;
  size_t state_count_ = 0;
};

}  // namespace keyshift::scheme
