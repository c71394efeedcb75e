// LoopStats: everything one event loop counts.
//
// Labels come from the command table (families) and from the configuration (domains, rules), never from keys or
// clients, so memory and label cardinality are bounded by them.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "keyshift/telemetry/by_label.h"
#include "keyshift/telemetry/counter.h"
#include "keyshift/telemetry/script_counts.h"
#include "keyshift/telemetry/top_counts.h"

namespace keyshift::telemetry {

// What a policy did with an expiry.
enum class TtlAction : uint8_t { kDefault, kClamp, kOverride };
inline constexpr size_t kTtlActions = 3;
inline constexpr std::array<const char*, kTtlActions> kTtlActionNames = {"default", "clamp", "override"};

// What happened to a key of no rule.
enum class UnmatchedAction : uint8_t { kPass, kRefuse, kPrefix };
inline constexpr size_t kUnmatchedActions = 3;
inline constexpr std::array<const char*, kUnmatchedActions> kUnmatchedActionNames = {"pass", "refuse",
                                                                                     "prefix"};

// What clients can be subscribed to.
inline constexpr size_t kSubscriptionKinds = 3;
inline constexpr std::array<const char*, kSubscriptionKinds> kSubscriptionKindNames = {"channel", "pattern",
                                                                                       "shard"};

struct DomainStats {
  Counter hits;
  Counter misses;
  std::array<Counter, kTtlActions> ttl_rewrites;
  std::array<Counter, kTtlActions> ttl_observed;  // what the policy would have done but for phase legacy
};

struct RuleStats {
  Counter keys;       // matched by the rule, under either name
  Counter rewritten;  // whose name was changed, or would be in phase `legacy`
};

struct LoopStats {
  // Shapes of unmatched keys that are told apart.
  static constexpr size_t kUnmatchedShapes = 128;
  // Scripts that name keys in arguments and are told apart.
  static constexpr size_t kScripts = 128;

  explicit LoopStats(size_t families) : commands(families), durations(families) {}

  std::vector<Counter> commands;     // by family, as clients sent them
  std::vector<Histogram> durations;  // by family, from the last byte of the request to the last of its reply
  ByLabel<DomainStats> domains;      // by name; "" is the keys of no domain
  ByLabel<RuleStats> rules;          // by title: scheme::Rule::title()
  std::array<Counter, kUnmatchedActions> unmatched;
  TopCounts unmatched_shapes{kUnmatchedShapes};
  ScriptCounts scripts{kScripts};
  Counter script_undeclared_keys;  // arguments of scripts that a rule would rename if they were keys

  Counter client_errors;    // error replies that we made ourselves
  Counter upstream_errors;  // error replies that Redis made
  Counter timeouts;         // requests answered by a deadline
  Counter lost;             // requests whose upstream connection broke

  Counter clients;              // connected now
  Counter clients_accepted;     // ever
  Counter clients_dropped;      // closed by us: a limit, a protocol error, CLIENT KILL
  Counter subscribers;          // clients subscribed to anything now
  Counter subscribers_dropped;  // of clients_dropped, those that did not read their messages
  std::array<Counter, kSubscriptionKinds> subscriptions;  // held upstream now
  Counter subscriptions_renewed;                          // after the loss of a connection, ever
  Counter messages_received;                              // from the upstream
  Counter messages_delivered;                             // to clients: each counts
  Counter upstream_connected;                             // connected now
  Counter upstream_connects;                              // successful ones, ever
  Counter upstream_failures;                              // failed connects and lost connections, ever
  Counter upstream_waiting;                               // replies owed to us now

  Counter client_received_bytes;
  Counter client_sent_bytes;
  Counter upstream_received_bytes;
  Counter upstream_sent_bytes;
};

}  // namespace keyshift::telemetry
