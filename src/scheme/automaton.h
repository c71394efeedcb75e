// Automaton: all templates as one nondeterministic automaton over bytes, without empty moves.
//
// A state is "so far into that template"; state 0 is the beginning of all. Dfa (dfa.h) makes it deterministic for
// matching; the proofs read the result, and the translation of globs walks one template's automaton beside the glob.
//
//   a{x:int}   0 -a-> 1 -'-'-> 2     3 accepts
//                     1 -digit-> 3, 2 -digit-> 3, 3 -digit-> 3
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "byte_set.h"
#include "keyshift/scheme/template.h"

namespace keyshift::scheme {

class Automaton {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  struct Edge {
    ByteKind kind;
    unsigned char byte;  // with kByte
    uint32_t target;
    uint32_t next;  // of the same state, or kNone

    bool takes(unsigned char b) const { return kind == ByteKind::kByte ? byte == b : in_kind(kind, b); }
  };

  Automaton() { add_state(); }

  // Adds a template whose keys are accepted as `id`; a key has as many paths as it has readings. Returns, by piece, the
  // first of its states: a piece has all states up to the next one's.
  std::vector<uint32_t> add(const Template& made, uint32_t id);
  // Adds the keys that begin with `prefix`, and with `exact` also the key that is `prefix` without its last byte.
  void add_prefix(std::string_view prefix, bool exact, uint32_t id);

  size_t size() const { return first_edge_.size(); }
  uint32_t first_edge(uint32_t state) const { return first_edge_[state]; }
  const Edge& edge(uint32_t index) const { return edges_[index]; }
  // The id that the state accepts, or kNone.
  uint32_t accepts(uint32_t state) const { return accepts_[state]; }

 private:
  using Front = std::vector<uint32_t>;  // the states in which the next piece begins

  uint32_t add_state();
  void add_edge(uint32_t from, ByteKind kind, uint32_t to, unsigned char byte = 0);
  void connect(const Front& front, ByteKind kind, uint32_t to, unsigned char byte = 0);
  void one(Front& front, ByteKind kind, unsigned char byte = 0);
  void repeat(Front& front, ByteKind kind);
  void literal(Front& front, std::string_view bytes);
  void capture(Front& front, const Capture& capture);
  void integer(Front& front);
  void date(Front& front);
  void words(Front& front, const std::vector<std::string>& words);

  std::vector<uint32_t> first_edge_;
  std::vector<uint32_t> accepts_;
  std::vector<Edge> edges_;
};

}  // namespace keyshift::scheme
