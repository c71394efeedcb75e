// Pool: one worker's upstream connections.
//
// All workers' pools together hold at most `upstream.pool_size` connections, since each gets its share. A few of them
// are shared: every session is given one of its protocol and keeps it, so its requests stay in order, and a turn's
// requests of all sessions leave in few writes. Connections are opened by their first use.
//
//   pool.shared(Protocol::kResp2)      the connection that the next RESP2 session should keep
//   pool.borrow(Protocol::kResp2)      one for a session alone, or null: all are in use
//   pool.lease(Protocol::kResp2)       the same, for a client that waits or watches: these have a number of their own
//   pool.give_back(connection)         the next may have it
//   pool.subscriber()                  the one that carries the subscriptions of all sessions
//
// Belongs to one loop's thread.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "keyshift/net/loop.h"
#include "keyshift/net/timer.h"
#include "keyshift/upstream/connection.h"

namespace keyshift::upstream {

struct PoolOptions {
  ConnectionOptions connection;
  size_t shared_connections = 1;  // per protocol
  size_t connections = 5;         // shared and borrowed, at most
  size_t leases = 1'000;          // more than these, at most
};

class Pool {
 public:
  Pool(net::Loop* loop, PoolOptions options, telemetry::LoopStats* stats);

  // The shared connection of a protocol with the fewest replies owed; opened if it never was.
  Connection* shared(resp::Protocol protocol);
  // A connection for one session alone, in whatever database it was left; null if the worker's share is used up.
  Connection* borrow(resp::Protocol protocol);
  // A connection for a client that may keep it for long; null if all leases are taken.
  Connection* lease(resp::Protocol protocol);
  // The connection that subscribes for everybody; opened if it never was. RESP3, where what is pushed cannot be taken for
  // a reply. One more than the others, nobody's else.
  Connection* subscriber();
  // Calls on_room() once, in a later turn: when a lease has come free, or when the queue's deadline from `since_ns` has
  // passed. Who has waited longest comes first.
  void wait_for_lease(Waiter* waiter, uint64_t since_ns);
  bool waited_too_long(uint64_t since_ns) const;
  void stop_waiting(Waiter* waiter);
  // Requires: from borrow() or lease(), and left in no state that the next user would meet (else abort() it first).
  void give_back(Connection* connection);
  // The same for one in a state that nobody else may meet: it is closed as soon as all that it owes has come. Requires:
  // from lease(), and no waiter is left.
  void give_up(Connection* connection);

 private:
  using Connections = std::vector<std::unique_ptr<Connection>>;
  struct Waiting {
    Waiter* waiter;
    uint64_t since_ns;
  };

  std::unique_ptr<Connection> make(resp::Protocol protocol);
  size_t places() const;
  Connection* take(resp::Protocol protocol, Connections& into);
  void retire(Connections::iterator idle, std::string_view reason);
  void check_deadlines();
  void check_leaving();
  size_t free_leases() const;
  void check_waiting();

  net::Loop* loop_;
  PoolOptions options_;
  telemetry::LoopStats* stats_;
  Connections resp2_;
  Connections resp3_;
  Connections borrowed_;
  Connections leased_;
  Connections leaving_;  // were leased, and are closed when all that they owe has come; count as leased
  std::unique_ptr<Connection> subscriber_;
  Connections idle_;  // were borrowed or leased, and will be again
  // Replaced ones. One of them may be delivering the reply that led to its replacement: they go in a later turn.
  Connections retired_;
  std::vector<Waiting> waiting_;  // for a lease, in the order of their coming
  net::Timer deadlines_;
  net::Timer lease_free_;
};

}  // namespace keyshift::upstream
