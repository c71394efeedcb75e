// Can a view's prefix be taken off again? The product of the Dfa with itself: the same key read from the start, and
// read behind the prefix. Where the first knows nothing and the second is a key in Redis of its own, the key is a
// witness.
//
//   rule a:{x} -> app:{x}    prefix `app:`    the key `a` from the start     nothing
//                                             behind `app:`                  app:{x}, so `a` is a witness
//
// Where databases fold, each has its own prefix, knows its own names only, and shares the keys with all others.
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

  static constexpr int kEveryDatabase = -1;

  // Of the prefix in `db`.
  PrefixProof(const Matcher& matcher, Naming view, std::string_view prefix, int db)
      : matcher_(matcher), view_(view), db_(db) {
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
    return matcher_.candidates.data() + acceptance.begin[static_cast<size_t>(view_)];
  }

  bool is_known(const Acceptance& acceptance, int db) const {
    return matcher_.choose(acceptance, db, view_) != nullptr ||
           matcher_.native_domain(acceptance, db, view_) != Match::kNone;
  }

  // In all databases that this proof is about.
  bool is_known_everywhere(const Acceptance& acceptance) const {
    if (db_ != kEveryDatabase) return is_known(acceptance, db_);
    if (acceptance.domain != Match::kNone && matcher_.fold.into < 0) return true;
    return std::any_of(begin(acceptance), begin(acceptance) + acceptance.count,
                       [](const Candidate& candidate) { return candidate.db == Candidate::kEverywhere; });
  }

  // Of what key of its own in `db` is a key with this acceptance: of a rule's side, of a domain (then nullptr), or
  // none?
  std::optional<const Candidate*> owner(const Acceptance& acceptance, int db) const {
    const bool folded = matcher_.fold.holds(db);
    const Candidate* const first = matcher_.choose(acceptance, db, view_);
    if (first != nullptr && first->side == Naming::kLegacy &&
        matcher_.side(first->rule, first->side).physical) {
      return first;
    }
    for (uint32_t i = 0; i < acceptance.count; ++i) {
      const Candidate& candidate = begin(acceptance)[i];
      const bool is_here = folded || matcher_.in_db(candidate, db);
      if (candidate.side == Naming::kConsolidated && is_here) return &candidate;
    }
    if (acceptance.domain != Match::kNone && (folded || first == nullptr)) return nullptr;
    return std::nullopt;
  }

  // The databases where a key may be something else than in others: those that one of the rules names, and the first that
  // none does; or all that may fold.
  std::vector<int> databases(const Acceptance& plain, const Acceptance& prefixed) const {
    std::vector<int> named;
    if (db_ != kEveryDatabase) return {db_};
    for (int db = 0; db < static_cast<int>(matcher_.fold.folded.size()); ++db) named.push_back(db);
    if (!named.empty()) return named;
    for (const Acceptance* one : {&plain, &prefixed})
      for (uint32_t i = 0; i < one->count; ++i)
        if (begin(*one)[i].db >= 0) named.push_back(begin(*one)[i].db);
    std::sort(named.begin(), named.end());
    int other = 0;
    for (const int db : named) other += db == other ? 1 : 0;
    named.insert(named.begin(), other);
    return named;
  }

  std::optional<Found> clash(size_t pair) const {
    const Acceptance& plain = acceptance(pairs_[pair].plain);
    const Acceptance& prefixed = acceptance(pairs_[pair].prefixed);
    if (is_known_everywhere(plain) || (prefixed.count == 0 && prefixed.domain == Match::kNone))
      return std::nullopt;
    for (const int db : databases(plain, prefixed)) {
      if (is_known(plain, db)) continue;
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
  const Naming view_;
  const int db_;
  std::vector<Pair> pairs_;
  std::unordered_set<uint64_t> seen_;
};

}  // namespace

std::optional<PrefixClash> Ruleset::prefix_clash(const View& view) const {
  if (view.unmatched != Unmatched::kPrefix || view.prefix.empty()) return std::nullopt;
  if (view.prefix_of.empty()) return prefix_clash(view, PrefixProof::kEveryDatabase);
  for (int db = 0; db < static_cast<int>(view.prefix_of.size()); ++db) {
    if (view.prefix_in(db).empty()) continue;
    if (auto clash = prefix_clash(view, db)) return clash;
  }
  return std::nullopt;
}

std::optional<PrefixClash> Ruleset::prefix_clash(const View& view, int db) const {
  static constexpr char kAdvice[] = "; take a prefix that begins no template and no domain";
  const std::string prefix(view.prefix_in(db));
  PrefixProof proof(*matcher_, view.naming, prefix, db);
  const auto found = proof.run();
  PrefixClash clash;
  if (!found) {
    if (!proof.exhausted()) return std::nullopt;
    clash.text =
        std::string("too many templates begin like it to tell whether it can be taken off again") + kAdvice;
    return clash;
  }
  clash.unmatched = found->unmatched;
  clash.physical = prefix + found->unmatched;
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
    clash.domain = matcher_->accept(clash.physical).domain;
    clash.text += "the domain `" + domains_[clash.domain].name + "`";
  }
  clash.text += kAdvice;
  return clash;
}

}  // namespace keyshift::scheme
