// Can a view's prefix be taken off again? The product of the Dfa with itself: the same key read from the start, and
// read behind the prefix. Where the first knows nothing and the second is a key in Redis of its own, the key is a
// witness.
//
//   rule a:{x} -> app:{x}    prefix `app:`    the key `a` from the start     nothing
//                                             behind `app:`                  app:{x}, so `a` is a witness
#include <algorithm>
#include <unordered_set>

#include "keyshift/scheme/ruleset.h"
#include "matcher.h"
#include "witness.h"

namespace keyshift::scheme {
namespace {

class PrefixProof {
 public:
  // More pairs than this are not looked at.
  static constexpr size_t kMaxPairs = 4'000'000;

  struct Found {
    std::string unmatched;
    int db;
    const Candidate* taken_by;  // nullptr: a domain
  };

  PrefixProof(const Matcher& matcher, std::string_view prefix) : matcher_(matcher) {
    visit(matcher.dfa.start(), matcher.dfa.walk(matcher.dfa.start(), prefix), 0, 0);
  }

  // A shortest key; the empty one only if there is no other.
  std::optional<Found> run() {
    std::optional<Found> empty = pairs_.empty() ? std::nullopt : clash(0);
    for (size_t i = 0; i < pairs_.size() && !exhausted(); ++i) {
      for (const unsigned char byte : pleasant_bytes()) {
        const size_t known = pairs_.size();
        visit(matcher_.dfa.next(pairs_[i].plain, byte), matcher_.dfa.next(pairs_[i].prefixed, byte), i, byte);
        if (pairs_.size() == known) continue;
        if (auto found = clash(known)) return found;
      }
    }
    return empty;
  }

  bool exhausted() const { return pairs_.size() > kMaxPairs; }

 private:
  struct Pair {
    uint32_t plain;     // where the key leads
    uint32_t prefixed;  // where it leads behind the prefix
    size_t parent;
    unsigned char by;
  };

  const Acceptance& acceptance(uint32_t state) const {
    return matcher_.acceptances[matcher_.dfa.accept(state)];
  }

  // Every key that comes here, and what follows it, is known in every database, or unknown behind the prefix too.
  bool is_settled(uint32_t plain, uint32_t prefixed) const {
    if (matcher_.dfa.is_absorbing(plain) && is_known_everywhere(acceptance(plain))) return true;
    const Acceptance& behind = acceptance(prefixed);
    return matcher_.dfa.is_absorbing(prefixed) && behind.count == 0 && behind.domain == Match::kNone;
  }

  void visit(uint32_t plain, uint32_t prefixed, size_t parent, unsigned char by) {
    if (is_settled(plain, prefixed)) return;
    if (seen_.insert(uint64_t{plain} << 32 | prefixed).second)
      pairs_.push_back({plain, prefixed, parent, by});
  }

  const Candidate* begin(const Acceptance& acceptance) const {
    return matcher_.candidates.data() + acceptance.begin[static_cast<size_t>(Naming::kLegacy)];
  }

  bool is_known_everywhere(const Acceptance& acceptance) const {
    if (acceptance.domain != Match::kNone) return true;
    return std::any_of(begin(acceptance), begin(acceptance) + acceptance.count,
                       [](const Candidate& candidate) { return candidate.db < 0; });
  }

  // Of what key of its own in `db` is a key with this acceptance: of a rule's side, of a domain (then nullptr), or
  // none?
  std::optional<const Candidate*> owner(const Acceptance& acceptance, int db) const {
    const Candidate* const first = matcher_.choose(acceptance, db, Naming::kLegacy);
    if (first == nullptr) {
      if (acceptance.domain == Match::kNone) return std::nullopt;
      return nullptr;
    }
    if (first->side == Naming::kLegacy && matcher_.side(first->rule, first->side).physical) return first;
    for (uint32_t i = 0; i < acceptance.count; ++i) {
      const Candidate& candidate = begin(acceptance)[i];
      if (candidate.side == Naming::kConsolidated && candidate.in_db(db)) return &candidate;
    }
    return std::nullopt;
  }

  // In every database that one of the rules names, and in the first that none does.
  std::optional<Found> clash(size_t pair) const {
    const Acceptance& plain = acceptance(pairs_[pair].plain);
    const Acceptance& prefixed = acceptance(pairs_[pair].prefixed);
    if (is_known_everywhere(plain) || (prefixed.count == 0 && prefixed.domain == Match::kNone))
      return std::nullopt;
    std::vector<int> named;
    for (const Acceptance* one : {&plain, &prefixed})
      for (uint32_t i = 0; i < one->count; ++i)
        if (begin(*one)[i].db >= 0) named.push_back(begin(*one)[i].db);
    std::sort(named.begin(), named.end());
    int other = 0;
    for (const int db : named) other += db == other ? 1 : 0;
    named.insert(named.begin(), other);
    for (const int db : named) {
      if (matcher_.choose(plain, db, Naming::kLegacy) != nullptr) continue;
      if (const auto taken_by = owner(prefixed, db)) return Found{key(pair), db, *taken_by};
    }
    return std::nullopt;
  }

  std::string key(size_t pair) const {
    std::string made;
    for (; pair != 0; pair = pairs_[pair].parent) made.push_back(static_cast<char>(pairs_[pair].by));
    return std::string(made.rbegin(), made.rend());
  }

  const Matcher& matcher_;
  std::vector<Pair> pairs_;
  std::unordered_set<uint64_t> seen_;
};

}  // namespace

std::optional<PrefixClash> Ruleset::prefix_clash(const View& view) const {
  if (view.unmatched != Unmatched::kPrefix || view.prefix.empty()) return std::nullopt;
  static constexpr char kAdvice[] = "; take a prefix that begins no template and no domain";
  PrefixProof proof(*matcher_, view.prefix);
  const auto found = proof.run();
  PrefixClash clash;
  if (!found) {
    if (!proof.exhausted()) return std::nullopt;
    clash.text =
        std::string("too many templates begin like it to tell whether it can be taken off again") + kAdvice;
    return clash;
  }
  clash.unmatched = found->unmatched;
  clash.physical = view.prefix + found->unmatched;
  clash.db = found->db;
  const View plain{view.naming, Unmatched::kPass, ""};
  Buffer name;
  clash.name = shown(clash.physical, clash.db, plain, name) ? std::string(name.view()) : clash.physical;
  clash.text =
      quoted(clash.unmatched) + " would be stored as " + quoted(clash.physical) + ", which is a key of ";
  if (found->taken_by != nullptr) {
    clash.rule = found->taken_by->rule;
    clash.domain = rules_[clash.rule].domain;
    clash.text += rule_title(rules_[clash.rule], found->taken_by->side);
  } else {
    clash.domain = match(clash.physical, clash.db, plain).domain;
    clash.text += "the domain `" + domains_[clash.domain].name + "`";
  }
  clash.text += kAdvice;
  return clash;
}

}  // namespace keyshift::scheme
