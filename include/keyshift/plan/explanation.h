// explain(): all that Keyshift knows about a name and does with it, for people.
//
// `keyshift explain` prints it, KEYSHIFT EXPLAIN answers with it. The commands in it come from the real Planner, so it
// cannot say something else than what is sent.
//
//   rule: writing_stats:{user}:{days:int}d  ->  analytics:writing_stats:user:{user}:days:{days}d, default 1h
//
//   explain(context, "writing_stats:u1:30d")
//     kind kRule, rule 0, side kLegacy, captures user=u1 days=30, domain analytics, resource writing_stats
//     legacy    writing_stats:u1:30d
//     physical  analytics:writing_stats:user:u1:days:30d       also the consolidated name
//     SET  ->   SET analytics:writing_stats:user:u1:days:30d value EX 3600     kRelay
//
// Pure. An Explanation owns its bytes; the indexes are those of the ruleset that was asked. Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "keyshift/plan/plan.h"
#include "keyshift/plan/planner.h"
#include "keyshift/scheme/ruleset.h"

namespace keyshift::plan {

// What a command becomes.
struct ExplainedCommand {
  struct Step {
    std::vector<std::string> words;  // as sent upstream
    Disposition reply;
  };

  std::vector<std::string> sent;  // by the client
  Refusal refusal = Refusal::kNone;
  std::vector<Step> steps;       // none when it is refused
  std::vector<PlannedKey> keys;  // in the order of the request
};

struct Explanation {
  struct CaptureValue {
    std::string name;
    scheme::CaptureType type;
    std::string value;
  };
  // Another rule whose template the name fits, and why it is not the one that counts.
  struct Other {
    enum class Why : uint8_t {
      kLessSpecific,   // the rule that counts is the more specific one
      kOtherNaming,    // the name fits its other template, and would be read so in the other view
      kOtherDatabase,  // the rule is for another database
    };
    uint32_t rule;
    scheme::Naming side;
    Why why;
  };
  enum class PolicySource : uint8_t { kNone, kDomain, kResource };

  std::string key;
  int database = 0;
  scheme::Naming view = scheme::Naming::kLegacy;

  scheme::Match::Kind kind = scheme::Match::Kind::kUnmatched;
  uint32_t rule = scheme::Match::kNone;           // kRule
  scheme::Naming side = scheme::Naming::kLegacy;  // kRule
  std::vector<CaptureValue> captures;
  std::vector<Other> others;  // in the order in which they would count

  std::string domain;    // empty: none
  std::string resource;  // second segment of the consolidated name; empty: none
  scheme::TtlPolicy policy;
  PolicySource policy_source = PolicySource::kNone;
  scheme::Phase phase = scheme::Phase::kConsolidated;  // kRule: the rule's, kNative: the domain's

  // The names that clients can use for this key. None of a naming: no rule gives one, or a more specific rule takes it.
  std::optional<std::string> legacy;
  std::optional<std::string> consolidated;
  std::optional<std::string> physical;  // the key in Redis; none: the listener refuses it
  std::optional<std::string> shown;     // what KEYS and SCAN call it in this view; none: they do not show it
  // Whether a key in Redis with just these bytes can be reached by a client's name at all. If not, it is a dead copy or
  // a foreign key: seen and touched by nobody.
  bool stored_is_reachable = false;

  // kUnmatched: what the view does with it, and the pattern to write a rule from (scheme/shape.h).
  scheme::Unmatched unmatched = scheme::Unmatched::kPass;
  std::string shape;

  std::vector<ExplainedCommand> commands;  // SET, GET, DEL
};

Explanation explain(const Context& context, std::string_view key);

// What a command becomes, in words. Requires: a known command with the right number of arguments.
ExplainedCommand explain_command(const Context& context, const std::vector<std::string>& words);

// "domain", "resource", "none"
const char* policy_source_name(Explanation::PolicySource source);
// "less specific", "other view", "other database"
const char* reason_name(Explanation::Other::Why why);
// "relay", "map", "discard"
const char* disposition_name(Disposition disposition);

}  // namespace keyshift::plan
