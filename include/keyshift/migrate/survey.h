// Survey: what a live keyspace looks like to a scheme: how many keys each rule and domain has, under which of their two
// names, how many would stay for ever, and what no rule knows.
//
//   Survey survey(rules, view, 1000);
//   survey.add(0, "writing_stats:u1:30d", true)     returns {rule 0, twin "analytics:writing_stats:user:u1:days:30d"}
//   if the twin exists too: survey.add_clash(0, seen.rule, "writing_stats:u1:30d", seen.twin)
//   survey.databases()[0].rules[0].names[kLegacy].keys == 1
//
// The counting is pure; survey_server() walks a server with SCAN and feeds it, read-only: SELECT, SCAN, PTTL, EXISTS. A
// key whose data is reached by a rule's other name has a twin; that both exist is a clash, which a migration must
// decide.
//
// A key in Redis is counted for the rule whose physical names it fits; else, as left behind or copied ahead, for the
// rule whose other names it fits; else for the domain that it names; else it is unmatched, and its shape is counted
// (scheme/shape.h). SCAN may name a key twice while the server resizes its table, and misses keys that come and go.
//
// Memory: a few numbers for each rule and database, and `shapes` shapes, whatever the number of keys.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "keyshift/base/buffer.h"
#include "keyshift/base/frequent.h"
#include "keyshift/base/result.h"
#include "keyshift/migrate/dialogue.h"
#include "keyshift/migrate/server_facts.h"
#include "keyshift/scheme/ruleset.h"

namespace keyshift::migrate {

// Keys, and how many of them have no expiry.
struct KeyCount {
  uint64_t keys = 0;
  uint64_t lasting = 0;

  void add(bool lasts) {
    ++keys;
    lasting += lasts ? 1 : 0;
  }
  KeyCount& operator+=(const KeyCount& other) {
    keys += other.keys;
    lasting += other.lasting;
    return *this;
  }
};

struct RuleCount {
  std::array<KeyCount, 2> names;  // by scheme::Naming
  uint64_t clashes = 0;

  RuleCount& operator+=(const RuleCount& other) {
    names[0] += other.names[0];
    names[1] += other.names[1];
    clashes += other.clashes;
    return *this;
  }
};

struct DatabaseCount {
  int number = 0;
  KeyCount all;
  KeyCount unmatched;
  std::vector<RuleCount> rules;   // as Ruleset::rules()
  std::vector<KeyCount> domains;  // as Ruleset::domains(); with the keys of their rules
  bool complete = true;           // false: a sample

  DatabaseCount& operator+=(const DatabaseCount& other);
};

class Survey {
 public:
  // A key of which both names exist.
  struct Clash {
    int database;
    uint32_t rule;
    std::string key;
    std::string twin;
  };
  static constexpr size_t kKeptClashes = 10;

  // What was found out about a key.
  struct Seen {
    uint32_t rule = scheme::Match::kNone;
    std::string_view
        twin;  // the other name, if data under it would be the rule's too; valid until the next add()
  };

  Survey(std::shared_ptr<const scheme::Ruleset> rules, scheme::View view, size_t shapes);

  // Counts a key of Redis. `lasts`: it has no expiry.
  Seen add(int database, std::string_view key, bool lasts);
  void add_clash(int database, uint32_t rule, std::string_view key, std::string_view twin);
  // Says that not all keys of the database were counted.
  void set_sampled(int database) { of(database).complete = false; }

  const scheme::Ruleset& rules() const { return *rules_; }
  const std::vector<DatabaseCount>& databases() const { return databases_; }
  DatabaseCount total() const;
  const Frequent& shapes() const { return shapes_; }
  const std::vector<Clash>& clashes() const { return clashes_; }  // the first kKeptClashes

 private:
  DatabaseCount& of(int database);
  scheme::Match owner_of(int database, std::string_view key) const;
  void count_shape(std::string_view key);

  std::shared_ptr<const scheme::Ruleset> rules_;
  scheme::View view_;
  std::vector<DatabaseCount> databases_;
  Frequent shapes_;
  std::vector<Clash> clashes_;
  Buffer twin_;
  std::string shape_;
};

struct SurveyOptions {
  uint64_t keys_per_second = 0;  // 0: as fast as the server answers
  uint64_t sample = 0;           // stop after so many keys of a database; 0: all
  // Called now and then with the keys counted so far.
  std::function<void(uint64_t done)> progress = [](uint64_t) {};
};

// Counts all databases of `facts`. Fails when the connection is lost or a command is refused.
Result<void> survey_server(Dialogue& dialogue, const ServerFacts& facts, const SurveyOptions& options,
                           Survey& survey);

}  // namespace keyshift::migrate
