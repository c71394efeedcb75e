#include "dfa.h"

#include <algorithm>
#include <array>
#include <map>
#include <unordered_map>

#include "witness.h"

namespace keyshift::scheme {

// Subset construction, then packing.
class DfaBuilder {
 public:
  DfaBuilder(const Automaton& automaton, Dfa& dfa)
      : automaton_(automaton), dfa_(dfa), order_(pleasant_bytes()) {
    for (size_t byte = 0; byte < 256; ++byte) {
      for (size_t kind = 0; kind < kWideKinds; ++kind) {
        if (in_kind(static_cast<ByteKind>(kind), static_cast<unsigned char>(byte))) {
          kinds_of_[byte] = static_cast<uint8_t>(kinds_of_[byte] | 1U << kind);
        }
      }
    }
  }

  bool run() {
    dfa_.accept_sets_.push_back({});
    accept_index_.emplace(std::vector<uint32_t>(), 0);
    intern({0}, kNoState, 0);
    const size_t max_states = Dfa::kMaxStates + Dfa::kMaxStatesPerPosition * automaton_.size();
    for (uint32_t state = 0; state < states_.size(); ++state) {
      expand(state);
      if (states_.size() > max_states || positions_.size() > Dfa::kMaxPositions || work_ > Dfa::kMaxWork)
        return false;
    }
    pack();
    return true;
  }

 private:
  static constexpr uint32_t kNoState = UINT32_MAX;
  using Positions = std::vector<uint32_t>;

  struct Exception {
    unsigned char byte;
    uint32_t target;
  };
  struct State {
    size_t begin;  // of its positions
    size_t count;
    uint32_t parent;  // how it was found, for witnesses
    unsigned char by;
    uint32_t otherwise = 0;
    uint32_t accept = 0;
    std::vector<Exception> exceptions;
  };

  static uint64_t hash(const Positions& set) {
    uint64_t value = 0x9e3779b97f4a7c15U + set.size();
    for (const uint32_t position : set) value = (value ^ position) * 0xff51afd7ed558ccdU ^ (value >> 29);
    return value;
  }

  uint32_t intern(const Positions& set, uint32_t parent, unsigned char by) {
    const auto [first, last] = index_.equal_range(hash(set));
    for (auto it = first; it != last; ++it) {
      const State& known = states_[it->second];
      if (known.count == set.size() &&
          std::equal(set.begin(), set.end(), positions_.begin() + static_cast<std::ptrdiff_t>(known.begin))) {
        return it->second;
      }
    }
    const auto made = static_cast<uint32_t>(states_.size());
    states_.push_back({positions_.size(), set.size(), parent, by, 0, 0, {}});
    positions_.insert(positions_.end(), set.begin(), set.end());
    index_.emplace(hash(set), made);
    states_[made].accept = accept_set(set, made);
    return made;
  }

  uint32_t accept_set(const Positions& set, uint32_t state) {
    Positions ids;
    for (const uint32_t position : set) {
      if (automaton_.accepts(position) != Automaton::kNone) ids.push_back(automaton_.accepts(position));
    }
    if (ids.empty()) return 0;
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    const auto [it, fresh] = accept_index_.emplace(ids, static_cast<uint32_t>(dfa_.accept_sets_.size()));
    if (fresh) dfa_.accept_sets_.push_back({std::move(ids), witness(state)});
    return it->second;
  }

  // States are found breadth first, so the way by which one was found is a shortest.
  std::string witness(uint32_t state) const {
    std::string key;
    for (; states_[state].parent != kNoState; state = states_[state].parent) {
      key.push_back(static_cast<char>(states_[state].by));
    }
    std::reverse(key.begin(), key.end());
    return key;
  }

  void expand(uint32_t state) {
    for (Positions& targets : narrow_) targets.clear();
    for (Positions& targets : wide_) targets.clear();
    uint8_t present = 0;
    for (size_t i = 0; i < states_[state].count; ++i) {
      const uint32_t position = positions_[states_[state].begin + i];
      for (uint32_t e = automaton_.first_edge(position); e != Automaton::kNone; e = automaton_.edge(e).next) {
        const Automaton::Edge& edge = automaton_.edge(e);
        if (edge.kind == ByteKind::kByte) {
          narrow_[edge.byte].push_back(edge.target);
        } else {
          present = static_cast<uint8_t>(present | 1U << static_cast<unsigned>(edge.kind));
          wide_[static_cast<size_t>(edge.kind)].push_back(edge.target);
        }
      }
    }
    // Bytes without an edge of their own, and in the same wide sets, share a target.
    std::array<uint32_t, 256> by_kinds;
    by_kinds.fill(kNoState);
    std::array<uint16_t, 256> votes{};
    std::array<uint32_t, 256> targets;
    for (const unsigned char byte : order_) {
      const auto kinds = static_cast<uint8_t>(kinds_of_[byte] & present);
      if (!narrow_[byte].empty()) {
        targets[byte] = target(kinds, &narrow_[byte], state, byte);
        continue;
      }
      if (by_kinds[kinds] == kNoState) by_kinds[kinds] = target(kinds, nullptr, state, byte);
      targets[byte] = by_kinds[kinds];
      ++votes[kinds];
    }
    const auto winner = static_cast<size_t>(std::max_element(votes.begin(), votes.end()) - votes.begin());
    // Every byte may have an edge of its own (a list of 256 words): then any target serves as the default.
    const uint32_t otherwise = votes[winner] == 0 ? targets[0] : by_kinds[winner];
    State& done = states_[state];
    done.otherwise = otherwise;
    for (size_t byte = 0; byte < 256; ++byte) {
      if (targets[byte] != otherwise)
        done.exceptions.push_back({static_cast<unsigned char>(byte), targets[byte]});
    }
  }

  uint32_t target(uint8_t kinds, const Positions* narrow, uint32_t parent, unsigned char by) {
    scratch_.clear();
    if (narrow != nullptr) scratch_ = *narrow;
    for (size_t kind = 0; kind < kWideKinds; ++kind) {
      if ((kinds >> kind & 1U) != 0) scratch_.insert(scratch_.end(), wide_[kind].begin(), wide_[kind].end());
    }
    work_ += scratch_.size();
    std::sort(scratch_.begin(), scratch_.end());
    scratch_.erase(std::unique(scratch_.begin(), scratch_.end()), scratch_.end());
    return intern(scratch_, parent, by);
  }

  // A base for each state, so that no two bases are equal and no two exceptions fall into one slot.
  void pack() {
    std::vector<uint32_t> base(states_.size(), kNoState);
    uint32_t bases = 0;
    for (uint32_t state = 0; state < states_.size(); ++state) {
      if (states_[state].exceptions.empty() && states_[state].otherwise == state) base[state] = bases++;
    }
    dfa_.absorbing_end_ = bases;
    base_taken_.assign(bases, true);
    next_free_ = bases;
    for (uint32_t state = 0; state < states_.size(); ++state) {
      if (base[state] == kNoState) base[state] = place(states_[state].exceptions);
    }
    dfa_.exceptions_.assign(base_taken_.size() + 256, {});
    dfa_.states_.assign(base_taken_.size(), {});
    for (uint32_t state = 0; state < states_.size(); ++state) {
      const uint32_t own = base[state];
      dfa_.states_[own].otherwise = base[states_[state].otherwise];
      dfa_.states_[own].accept = states_[state].accept;
      for (const Exception& exception : states_[state].exceptions) {
        dfa_.exceptions_[own + exception.byte].check = own;
        dfa_.exceptions_[own + exception.byte].next = base[exception.target];
      }
    }
    dfa_.start_ = base[0];
    dfa_.state_count_ = states_.size();
  }

  // First fit from the lowest free base on, within a window: the array stays dense and packing linear.
  uint32_t place(const std::vector<Exception>& exceptions) {
    constexpr uint32_t kWindow = 512;
    while (next_free_ < base_taken_.size() && base_taken_[next_free_]) ++next_free_;
    uint32_t candidate = next_free_;
    const auto fits = [&](uint32_t at) {
      if (at < base_taken_.size() && base_taken_[at]) return false;
      return std::none_of(exceptions.begin(), exceptions.end(), [&](const Exception& exception) {
        return at + exception.byte < slot_taken_.size() && slot_taken_[at + exception.byte];
      });
    };
    for (uint32_t tries = 0; !fits(candidate); ++tries) {
      candidate = tries == kWindow ? static_cast<uint32_t>(std::max(base_taken_.size(), slot_taken_.size()))
                                   : candidate + 1;
    }
    if (candidate - next_free_ >= kWindow)
      next_free_ += kWindow / 4;  // a crowded stretch is given up bit by bit
    if (base_taken_.size() <= candidate) base_taken_.resize(candidate + 1, false);
    base_taken_[candidate] = true;
    for (const Exception& exception : exceptions) {
      const size_t slot = candidate + exception.byte;
      if (slot_taken_.size() <= slot) slot_taken_.resize(slot + 1, false);
      slot_taken_[slot] = true;
    }
    return candidate;
  }

  const Automaton& automaton_;
  Dfa& dfa_;
  const std::array<unsigned char, 256>& order_;
  std::array<uint8_t, 256> kinds_of_{};
  std::vector<State> states_;
  Positions positions_;
  std::unordered_multimap<uint64_t, uint32_t> index_;
  std::map<Positions, uint32_t> accept_index_;
  std::array<Positions, 256> narrow_;
  std::array<Positions, kWideKinds> wide_;
  Positions scratch_;
  size_t work_ = 0;
  std::vector<bool> base_taken_;
  std::vector<bool> slot_taken_;
  uint32_t next_free_ = 0;
};

bool Dfa::build(const Automaton& automaton) {
  return DfaBuilder(automaton, *this).run();
}

void Dfa::targets(uint32_t state, const ByteSet& bytes, std::vector<uint32_t>& out) const {
  size_t exceptional = 0;
  const Exception* const exceptions = exceptions_.data() + state;
  for (size_t byte = 0; byte < 256; ++byte) {
    if (exceptions[byte].check != state || !bytes[byte]) continue;
    out.push_back(exceptions[byte].next);
    ++exceptional;
  }
  if (exceptional < bytes.count()) out.push_back(states_[state].otherwise);
}

}  // namespace keyshift::scheme
