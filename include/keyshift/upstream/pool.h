// Pool: one worker's upstream connections.
//
// All workers' pools together hold at most `upstream.pool_size` connections, since each gets its share. A few of them
// are shared: every session is given one of its protocol and keeps it, so its requests stay in order, and a turn's
// requests of all sessions leave in few writes. Connections are opened by their first use.
//
//   pool.shared(Protocol::kResp2)      the connection that the next RESP2 session should keep
//
// Belongs to one loop's thread.
#pragma once

#include <memory>
#include <vector>

#include "keyshift/net/loop.h"
#include "keyshift/net/timer.h"
#include "keyshift/upstream/connection.h"

namespace keyshift::upstream {

struct PoolOptions {
  ConnectionOptions connection;
  size_t shared_connections = 1;  // per protocol
};

class Pool {
 public:
  Pool(net::Loop* loop, PoolOptions options, telemetry::LoopStats* stats);

  // The shared connection of a protocol with the fewest replies owed; opened if it never was.
  Connection* shared(resp::Protocol protocol);
  // Replies still owed by all connections.
  size_t owed() const;

 private:
  void check_deadlines();

  net::Loop* loop_;
  PoolOptions options_;
  telemetry::LoopStats* stats_;
  std::vector<std::unique_ptr<Connection>> resp2_;
  std::vector<std::unique_ptr<Connection>> resp3_;
  net::Timer deadlines_;
};

}  // namespace keyshift::upstream
