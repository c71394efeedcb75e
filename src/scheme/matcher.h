// Matcher: what compile() makes of the rules and match() reads: the Dfa, what each of its accept states means, and how
// each side of each rule is cut apart and put together.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dfa.h"
#include "extraction.h"
#include "keyshift/scheme/ruleset.h"

namespace keyshift::scheme {

// A side of a rule that an accepted key fits.
struct Candidate {
  static constexpr int32_t kEverywhere = -1;  // every database
  static constexpr int32_t kFolded = -2;      // every folded one

  uint32_t rule;
  int32_t db;
  Naming side;
};

// What a key may be whose walk ends in a state with this accept set.
struct Acceptance {
  // The candidates in the order in which a view tries them: its own naming's first, the more specific before the less.
  // The first of the right database is what the key is. Offsets into Matcher::candidates, by naming.
  std::array<uint32_t, 2> begin{};
  uint32_t count = 0;
  uint32_t domain = Match::kNone;  // what a key is that no candidate takes
  uint32_t policy = 0;
};

// A piece of a name as it is written: bytes of Matcher::literals, or a capture.
struct Part {
  uint32_t offset;
  uint32_t length;
  int32_t capture;  // -1: literal
};

// One side of a rule; its index in Matcher::sides is 2 * rule + side.
struct Side {
  Extraction extraction;
  std::vector<Part> parts;
  uint32_t literal_size = 0;
  uint32_t domain = Match::kNone;  // the rule's, as its policy: match() reads the side anyway
  uint32_t policy = 0;
  uint8_t captures = 0;
  bool physical = false;  // its names are the keys in Redis
  // By the view's naming: some name of this side is read as another candidate's, so that a name made for it may not
  // lead back.
  std::array<bool, 2> contested{};
  // The policy depends on captures: the resource is not a literal and the domain has resources.
  bool resource_varies = false;
};

struct ResourcePolicy {
  std::string name;
  uint32_t policy;
};

class Matcher {
 public:
  Dfa dfa;
  std::vector<Acceptance> acceptances;  // by accept set
  std::vector<Candidate> candidates;
  std::vector<Side> sides;
  std::string literals;
  std::vector<std::vector<ResourcePolicy>> resources;  // by domain
  Fold fold;

  const Side& side(uint32_t rule, Naming naming) const {
    return sides[2 * size_t{rule} + static_cast<size_t>(naming)];
  }

  bool in_db(const Candidate& candidate, int db) const {
    return candidate.db == db || candidate.db == Candidate::kEverywhere ||
           (candidate.db == Candidate::kFolded && fold.holds(db));
  }
  // The domain of a key that no candidate takes, or Match::kNone. In a legacy view of a folded database a domain's name
  // says nothing: another database may use the same name for another key.
  uint32_t native_domain(const Acceptance& acceptance, int db, Naming view) const {
    return view == Naming::kLegacy && fold.holds(db) ? Match::kNone : acceptance.domain;
  }
  // The candidate that a view takes among those of `acceptance`, or nullptr.
  const Candidate* choose(const Acceptance& acceptance, int db, Naming view) const {
    const Candidate* const first = candidates.data() + acceptance.begin[static_cast<size_t>(view)];
    for (uint32_t i = 0; i < acceptance.count; ++i) {
      if (in_db(first[i], db)) return first + i;
    }
    return nullptr;
  }
  const Acceptance& accept(std::string_view key) const {
    return acceptances[dfa.accept(dfa.walk(dfa.start(), key))];
  }
  // Where the name of `side` with these captures of `key` is accepted; the name itself is not made.
  const Acceptance& accept(const Side& side, std::string_view key, const Span* captures) const;

  std::string_view bytes(const Part& part, std::string_view key, const Span* captures) const {
    if (part.capture < 0) return std::string_view(literals.data() + part.offset, part.length);
    const Span span = captures[part.capture];
    return {key.data() + span.offset, span.length};
  }
  // Writes the name of `side` with these captures of `key`; returns its end.
  char* write(const Side& side, std::string_view key, const Span* captures, char* out) const;
  // Is `name` what write() would write?
  bool is_made(const Side& side, std::string_view key, const Span* captures, std::string_view name) const;
  // The policy of the consolidated name with these captures, which may name a resource.
  uint32_t varying_policy(uint32_t domain, const Side& consolidated, std::string_view key,
                          const Span* captures, uint32_t otherwise) const;
};

}  // namespace keyshift::scheme
