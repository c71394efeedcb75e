// Ruleset: all rules of a scheme as one matcher; names in, physical names out, and back.
//
// The planner asks for each key of each request; the reply mapper and the CLI ask the way back.
//
//   rule: writing_stats:{user}:{days:int}d  ->  analytics:writing_stats:user:{user}:days:{days}d
//
//   0         1         2
//   0123456789012345678901234
//   writing_stats:user123:30d       match(): kRule, side kLegacy, captures {14,7} {22,2}
//
//   Match m = rules.match(key, db, view);
//   char* end = rules.write_physical(m, key, out.reserve(rules.physical_size(m)));
//                                   "analytics:writing_stats:user:user123:days:30d" in phase consolidated,
//                                   the key as it came in phase legacy (then m.identity)
//   rules.shown("analytics:writing_stats:user:user123:days:30d", db, view, out)
//                                   appends "writing_stats:user123:30d" for view.naming == kLegacy
//
// Words: a *name* is what a client says or sees; the *physical* name is the key in Redis. Both names of a rule's key
// are understood in every phase. A name that fits a legacy and a consolidated template is read as the view says.
//
// Laws, for every accepted ruleset, database and key k, with p = physical(k):
//   - shown(p) exists, and physical(shown(p)) == p
//   - for a legacy template's names under a legacy view, shown(p) == k
//   - two names have the same p only if they are names of one rule with the same captures, whatever views read them
//   - under a view with a prefix for which prefix_clash() finds nothing, an unmatched key shares its p with no other
//     name, and shown(p) == k
//   - of databases that fold, with legacy views for which fold_clash() and prefix_clash() find nothing: two names of
//     different databases never have the same p, and only one database shows p
//
// Immutable after compile() and shared between threads (shared_ptr<const Ruleset>: a request keeps the one it began
// with). match() allocates nothing and costs the length of the key, whatever the number of rules.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "keyshift/base/buffer.h"
#include "keyshift/scheme/fold.h"
#include "keyshift/scheme/scheme_spec.h"
#include "keyshift/scheme/template.h"
#include "keyshift/scheme/ttl_policy.h"

namespace keyshift::scheme {

enum class Naming : uint8_t { kLegacy, kConsolidated };

inline Naming other(Naming naming) {
  return naming == Naming::kLegacy ? Naming::kConsolidated : Naming::kLegacy;
}

// What happens to a key that no rule and no domain knows.
enum class Unmatched : uint8_t { kPass, kRefuse, kPrefix };

// How a listener's clients see the keyspace. Outlives the matches made with it.
struct View {
  Naming naming = Naming::kLegacy;
  Unmatched unmatched = Unmatched::kPass;
  std::string
      prefix;  // with kPrefix. When databases fold, `{db}` in it stands for the number of a folded one
  // By database, made of such a prefix by Ruleset::prepare(). A database that does not fold needs no prefix to be told
  // from the others: its is empty.
  std::vector<std::string> prefix_of = {};

  std::string_view prefix_in(int db) const {
    if (prefix_of.empty()) return prefix;
    const auto index = static_cast<size_t>(db);
    return index < prefix_of.size() ? std::string_view(prefix_of[index]) : std::string_view();
  }
  bool operator==(const View&) const = default;
};

// Bytes of the key that was matched.
struct Span {
  uint32_t offset;
  uint32_t length;
};

struct Match {
  enum class Kind : uint8_t {
    kRule,       // fits a rule, by the template of `side`
    kNative,     // fits no rule, but its first segment is a configured domain
    kUnmatched,  // neither
  };
  static constexpr uint32_t kNone = UINT32_MAX;

  Match() {}  // captures stay unset: only the first capture_count are meaningful

  Kind kind = Kind::kUnmatched;
  Naming side = Naming::kLegacy;  // kRule: which template it fits
  bool identity = true;           // the physical name is the key as given
  bool refused = false;           // kUnmatched under Unmatched::kRefuse: there is no physical name
  uint8_t capture_count = 0;
  uint32_t rule = kNone;    // index for Ruleset::rule()
  uint32_t domain = kNone;  // index for Ruleset::domain(); kNone only with kUnmatched
  uint32_t policy = 0;      // index for Ruleset::policy(); 0 is the policy that does nothing
  uint32_t key_size = 0;    // of the key that was matched
  std::string_view prefix;  // what precedes an unmatched key; borrowed from the View
  std::array<Span, Template::kMaxCaptures>
      captures;  // by the rule's capture numbers, the same for both sides
};

// One way to read a name: as this side of this rule.
struct Reading {
  uint32_t rule;
  Naming side;
};

struct Rule {
  Template legacy;
  Template key;
  Phase phase = Phase::kConsolidated;
  int db = -1;  // -1: every database
  uint32_t domain = Match::kNone;
  uint32_t policy = 0;
  std::string location;

  const Template& side(Naming naming) const { return naming == Naming::kLegacy ? legacy : key; }
  // What the rule is called where one line must tell it from all others: its legacy template, and its database if it is
  // limited to one: "cache:{k:any} (db 3)".
  std::string title() const {
    return db < 0 ? legacy.text() : legacy.text() + " (db " + std::to_string(db) + ")";
  }
  // The side whose names are the keys in Redis.
  Naming physical_side() const { return phase == Phase::kLegacy ? Naming::kLegacy : Naming::kConsolidated; }
};

// A name that can be read in two ways: as a legacy name, as a legacy listener does, and as a consolidated one, as a
// consolidated listener does. Nothing is wrong with that as long as the views are meant.
struct Overlap {
  uint32_t legacy_rule;
  uint32_t key_rule;    // may be the same
  std::string witness;  // a shortest such name
};

// Why a view's prefix cannot be taken off again: an unmatched key, with the prefix, is the key of something else.
struct PrefixClash {
  std::string unmatched;           // the client's key that no rule and no domain takes
  std::string physical;            // what it is with the prefix
  std::string name;                // the client's name that leads to `physical` already
  uint32_t rule = Match::kNone;    // whose key `physical` is; kNone: a native key of
  uint32_t domain = Match::kNone;  // this domain
  int db = 0;                      // a database where this happens
  std::string text;                // says all that
};

// Why the views of folded databases would share keys: a name that is an unmatched key in two of them.
struct FoldClash {
  std::string name;        // in `database`
  std::string other_name;  // in `other`
  std::string physical;    // what both would be called
  int database = 0;
  int other = 0;
  std::string text;  // says all that
};

struct Domain {
  std::string name;
  bool configured = false;  // else only rules name it
  uint32_t policy = 0;
  Phase phase = Phase::kConsolidated;  // of its native keys
};

class Matcher;

class Ruleset {
 public:
  // Compiles and proves, or returns everything that is wrong, in the order of the spec.
  static tl::expected<std::shared_ptr<const Ruleset>, std::vector<SchemeError>> compile(
      const SchemeSpec& spec);

  ~Ruleset();
  Ruleset(const Ruleset&) = delete;
  Ruleset& operator=(const Ruleset&) = delete;

  // Reads `key` as a client's name. `view` must outlive the match, `key` need not: offsets are kept.
  Match match(std::string_view key, int db, const View& view) const;

  // Bytes of the physical name. Requires: !match.refused.
  size_t physical_size(const Match& match) const;
  // Writes the physical name of `key` (the key that was matched) and returns the end. Requires: physical_size() bytes.
  char* write_physical(const Match& match, std::string_view key, char* out) const;
  void append_physical(const Match& match, std::string_view key, Buffer& out) const;

  // Appends the name under which a client sees the key `physical`: in `naming` if that name leads back to it, else its
  // own name if that does, else nothing and false: no client name reaches this key (a dead copy, a foreign key).
  // `physical` must not lie in `out`.
  bool shown(std::string_view physical, int db, const View& view, Naming naming, Buffer& out) const;
  bool shown(std::string_view physical, int db, const View& view, Buffer& out) const {
    return shown(physical, db, view, view.naming, out);
  }

  enum class Conversion : uint8_t { kConverted, kAlready, kNone };
  // Appends the `to` name of `key`, whatever the phase: kConverted from the other naming; kAlready (the key unchanged)
  // when it fits a template of `to` already; kNone and nothing appended when no rule knows it, or none leads back.
  Conversion convert(std::string_view key, int db, Naming to, Buffer& out) const;

  // Every template that `key` fits, in the order in which the view tries them; match() takes the first one of its
  // database. Allocates: for people, not for requests.
  std::vector<Reading> readings(std::string_view key, const View& view) const;

  // All sides of all rules, in an order in which a view can try them one by one: the first of its database that a name
  // fits is the one that match() takes.
  const std::vector<Reading>& reading_order(Naming view) const { return order_[static_cast<size_t>(view)]; }

  const std::vector<Rule>& rules() const { return rules_; }
  const std::vector<Domain>& domains() const { return domains_; }
  const TtlPolicy& policy(uint32_t id) const { return policies_[id]; }
  size_t policy_count() const { return policies_.size(); }
  // The domain called `name`, or Match::kNone.
  uint32_t find_domain(std::string_view name) const;

  // The pairs of rules of which a legacy and a consolidated name can be the same, shortest witness first. Reported, not
  // refused: the listener's view decides. Of at most kMaxOverlaps pairs: one `{k:any}` meets every rule's keys.
  static constexpr size_t kMaxOverlaps = 100;
  const std::vector<Overlap>& overlaps() const { return overlaps_; }
  // All such pairs, also those that are left out above.
  size_t overlap_count() const { return overlap_count_; }

  // Under a view with a prefix: is there an unmatched key that with the prefix is a native key, a legacy name of a rule
  // in phase legacy, or a consolidated name of any rule? Those count in every phase: the rule's data will go there.
  std::optional<PrefixClash> prefix_clash(const View& view) const;

  // Which databases of clients are views of which upstream database.
  const Fold& fold() const;
  // Fills view.prefix_of. A view is prepared for the ruleset that it is used with.
  void prepare(View& view) const;
  // Do unmatched keys of two folded databases get the same name under `view`, or under it and one of `before`? A
  // consolidated view knows no databases, but a prefix of its own must not make keys of theirs. Requires: prepared views.
  std::optional<FoldClash> fold_clash(const View& view, const std::vector<const View*>& before) const;

  // For status and tests: states of the matcher, and what the proofs looked at to compare rules.
  size_t matcher_states() const;
  size_t proof_steps() const { return proof_steps_; }

 private:
  friend class RulesetCompiler;
  friend class GlobReadings;

  Ruleset();

  std::optional<PrefixClash> prefix_clash(const View& view, int db) const;
  bool reaches(std::string_view name, std::string_view physical, int db, const View& view) const;

  std::vector<Rule> rules_;
  std::vector<Domain> domains_;
  std::vector<TtlPolicy> policies_;
  std::array<std::vector<Reading>, 2> order_;  // by the view's naming
  std::vector<Overlap> overlaps_;
  size_t overlap_count_ = 0;
  size_t proof_steps_ = 0;
  std::unique_ptr<const Matcher> matcher_;
};

}  // namespace keyshift::scheme
