// What the proxy needs to know from start to end, in this layer's own words. What a reload may change stands in Settings.
//
// Made once by cli/, shared by all workers, immutable.
#pragma once

#include <vector>

#include "keyshift/net/listener.h"
#include "keyshift/resp/limits.h"
#include "keyshift/upstream/pool.h"

namespace keyshift::proxy {

struct Options {
  std::vector<const net::BoundSocket*> sockets;  // where clients connect, each bound
  upstream::PoolOptions pool;                    // of each worker
  size_t max_users = 100;                        // of each worker, with connections of their own
  int workers = 1;
  int database = 0;  // that sessions begin in
  resp::Limits limits;
  bool client_names = false;       // upstream connections bear the clients' names
  bool scripts_on_leases = false;  // a script runs on a connection of its client's own
  // Requests of one client that wait for a reply. Enough to fill a write; few enough that a sudden run of megabyte values
  // stays below the limit of a client that reads slowly.
  size_t client_pending_requests = 64;
};

}  // namespace keyshift::proxy
