// What the proxy needs to know: the configuration, checked and compiled, in this layer's own words.
//
// Made once by cli/, shared by all workers, immutable.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "keyshift/net/listener.h"
#include "keyshift/resp/limits.h"
#include "keyshift/scheme/ruleset.h"
#include "keyshift/upstream/pool.h"

namespace keyshift::proxy {

// One address, bound, and how its clients see the keyspace.
struct ListenerOptions {
  const net::BoundSocket* socket;
  scheme::View view;
  std::string password;  // empty: no AUTH needed
};

struct Options {
  std::vector<ListenerOptions> listeners;
  std::shared_ptr<const scheme::Ruleset> rules;
  scheme::Phase phase = scheme::Phase::kConsolidated;  // of keys that fit no rule
  upstream::PoolOptions pool;                          // of each worker
  int workers = 1;
  int database = 0;                         // that sessions begin in
  std::unordered_set<std::string> allowed;  // dangerous commands let through: "config|set", "debug"

  resp::Limits limits;
  size_t max_clients = 10'000;
  size_t client_output_limit_bytes = 256ull << 20;  // above it a client is dropped
  size_t client_output_soft_bytes = 1ull << 20;     // above it nothing more is read from it
  // The same, in requests that wait for a reply. Enough to fill a write; few enough that a sudden run of megabyte values
  // stays below the limit of a client that reads slowly.
  size_t client_pending_requests = 64;
  int64_t drain_timeout_ms = 10'000;
  int64_t idle_timeout_ms = 0;  // 0: never
};

}  // namespace keyshift::proxy
