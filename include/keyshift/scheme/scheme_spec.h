// SchemeSpec: what an operator wrote about keys and expiries, as config/ hands it to compile() (ruleset.h).
//
// Durations are milliseconds here, names of durations are resolved. `location` is opaque text
// ("keyshift.toml:12:1") that comes back in errors.
//
//   SchemeSpec spec;
//   spec.domains.push_back({.name = "analytics", .policy = {.default_ms = 3'600'000}});
//   spec.rules.push_back({.legacy = "writing_stats:{user}:{days:int}d",
//                         .key = "analytics:writing_stats:user:{user}:days:{days}d"});
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "keyshift/scheme/ttl_policy.h"

namespace keyshift::scheme {

// Which physical names a rule's keys are read from and written to: DESIGN.md section 6. mirror, prefer and adopt come
// with migration.
enum class Phase : uint8_t { kLegacy, kConsolidated };

// What was not written is taken from the domain (for a resource), else from TtlPolicy.
struct PolicySpec {
  std::optional<int64_t> default_ms = std::nullopt;
  std::optional<int64_t> min_ms = std::nullopt;
  std::optional<int64_t> max_ms = std::nullopt;
  std::optional<TtlMode> mode = std::nullopt;
  std::optional<double> jitter = std::nullopt;
};

struct ResourceSpec {
  std::string name;
  PolicySpec policy;
  std::string location;
};

struct DomainSpec {
  std::string name;
  PolicySpec policy;
  std::vector<ResourceSpec> resources;
  std::string location;
  Phase phase = Phase::kConsolidated;  // of its keys that fit no rule
};

struct RuleSpec {
  std::string legacy;  // template of the legacy names
  std::string key;     // template of the consolidated names; its first segment is the domain
  Phase phase = Phase::kConsolidated;
  std::optional<int> db = std::nullopt;  // only in this logical database
  std::string location;
};

// The databases of clients are to be views of one upstream database: see fold.h.
struct FoldSpec {
  int into = 0;                        // the upstream database
  int databases = 16;                  // that clients can select
  Phase phase = Phase::kConsolidated;  // of a database that no rule names
};

struct SchemeSpec {
  std::vector<DomainSpec> domains;
  std::vector<RuleSpec> rules;
  std::optional<FoldSpec> fold = std::nullopt;
};

struct SchemeError {
  enum class Field : uint8_t { kRule, kLegacy, kKey, kDomain, kResource };

  std::string location;  // of the rule, domain or resource
  Field field = Field::kRule;
  int column = 0;  // inside the template's text, from 1; 0: the whole
  std::string text;
  // The proof: a key or two, as bytes, that show what is wrong; `text` quotes them. Empty where no key is concerned. Of
  // two rules, where the error stands at the later:
  //   the same legacy names       {such a name}
  //   legacy names that overlap   {a name of both, one of this rule only, one of the other only}
  //   the same keys               {this rule's legacy name, the other's legacy name, the consolidated key of both}
  //   a rule of all databases     {a name that these would share, the key in Redis that it would have in each}
  //   phases that do not go       {this rule's name, the other's name, the key in Redis that both would have}; each the
  //   together                    name of the side that is not in Redis
  std::vector<std::string> witness = {};
};

}  // namespace keyshift::scheme
