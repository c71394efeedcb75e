// Pool: one worker's upstream connections.
//
// All workers' pools together hold at most `upstream.pool_size` connections, since each gets its share. A few of them
// are shared: every session is given one of its protocol and keeps it, so its requests stay in order, and a turn's
// requests of all sessions leave in few writes. Connections are opened by their first use.
//
//   pool.shared(Protocol::kResp2)      the connection that the next RESP2 session should keep
//   pool.borrow(Protocol::kResp2)      one for a session alone, or null: all are in use
//   pool.give_back(connection)         the next may have it
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
  size_t connections = 5;         // shared and borrowed, at most
};

class Pool {
 public:
  Pool(net::Loop* loop, PoolOptions options, telemetry::LoopStats* stats);

  // The shared connection of a protocol with the fewest replies owed; opened if it never was.
  Connection* shared(resp::Protocol protocol);
  // A connection for one session alone, in whatever database it was left; null if the worker's share is used up.
  Connection* borrow(resp::Protocol protocol);
  // Requires: from borrow(), owes nothing, and was not left in the middle of a request (else abort() it first).
  void give_back(Connection* connection);

 private:
  std::unique_ptr<Connection> make(resp::Protocol protocol);
  void check_deadlines();

  net::Loop* loop_;
  PoolOptions options_;
  telemetry::LoopStats* stats_;
  std::vector<std::unique_ptr<Connection>> resp2_;
  std::vector<std::unique_ptr<Connection>> resp3_;
  std::vector<std::unique_ptr<Connection>> borrowed_;
  std::vector<std::unique_ptr<Connection>> idle_;  // were borrowed, and will be again
  // Replaced ones. One of them may be delivering the reply that led to its replacement: they go in a later turn.
  std::vector<std::unique_ptr<Connection>> retired_;
  net::Timer deadlines_;
};

}  // namespace keyshift::upstream
