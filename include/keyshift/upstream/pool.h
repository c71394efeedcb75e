// Pool: one worker's upstream connections.
//
// All workers' pools together hold at most `upstream.pool_size` connections, since each gets its share. A few of them
// are shared: every session is given one of its protocol and keeps it, so its requests stay in order, and a turn's
// requests of all sessions leave in few writes. Connections are opened by their first use.
//
//   pool.shared(Protocol::kResp2)      the connection that the next RESP2 session should keep
//   pool.borrow(Protocol::kResp2)      one for a session alone, or null: all are in use
//   pool.lease(Protocol::kResp2)       the same, for a client that waits or watches: these have a number of their own
//   pool.detour(Protocol::kResp2, ..)  another shared one, for sessions whose own is stuck behind a long script
//   pool.give_back(connection)         the next may have it
//   pool.subscriber()                  the one that carries the subscriptions of all sessions
//
// A user who has logged in with the upstream has a pool too (users.h); leases are counted over all pools of the worker.
//
// Belongs to one loop's thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "keyshift/net/loop.h"
#include "keyshift/net/timer.h"
#include "keyshift/upstream/connection.h"
#include "keyshift/upstream/leases.h"

namespace keyshift::upstream {

struct PoolOptions {
  ConnectionOptions connection;
  size_t shared_connections = 1;  // per protocol
  size_t connections = 5;         // shared and borrowed, at most
  size_t leases = 1'000;          // more than these, at most
};

class Pool {
 public:
  // `leases` outlives the pool.
  Pool(net::Loop* loop, PoolOptions options, telemetry::LoopStats* stats, Leases* leases);
  ~Pool();

  // The shared connection of a protocol with the fewest replies owed; opened if it never was.
  Connection* shared(resp::Protocol protocol);
  // A shared connection for sessions whose own is stuck, in whatever database it was left; null if the worker's share is
  // used up. There are two of a protocol, one for what writes: while CLIENT PAUSE postpones writes, reads go on. To be
  // left by leave_detour(), once for each call.
  Connection* detour(resp::Protocol protocol, bool writes);
  void leave_detour(Connection* connection);
  // A connection for one session alone, in whatever database it was left; null if the worker's share is used up.
  Connection* borrow(resp::Protocol protocol);
  // A connection for a client that may keep it for long; null if all leases are taken.
  Connection* lease(resp::Protocol protocol);
  // The connection that subscribes for everybody; opened if it never was. RESP3, where what is pushed cannot be taken for
  // a reply. One more than the others, nobody's else.
  Connection* subscriber();
  Leases& leases() { return *leases_; }
  // Requires: from borrow() or lease(), and left in no state that the next user would meet (else abort() it first).
  void give_back(Connection* connection);
  // The same for one in a state that nobody else may meet: it is closed as soon as all that it owes has come. Requires:
  // from lease(), and no waiter is left.
  void give_up(Connection* connection);
  // A shared connection that is there, null if none is.
  Connection* ready() const;

  // What connections log in with from their next attempt on. Requires: the same user.
  void set_password(std::string_view password);
  // Whether the upstream has answered SELECT with OK for this database.
  bool has_database(int database) const { return databases_.contains(database); }
  void note_database(int database) { databases_.insert(database); }

 private:
  using Connections = std::vector<std::unique_ptr<Connection>>;
  struct Detour {
    std::unique_ptr<Connection> connection;
    bool writes;
    size_t sessions;
  };

  std::unique_ptr<Connection> make(resp::Protocol protocol);
  size_t places() const;
  size_t taken_places() const { return borrowed_.size() + detours_.size(); }
  std::unique_ptr<Connection> take(resp::Protocol protocol);
  void keep(std::unique_ptr<Connection> connection);
  void retire(Connections::iterator idle, std::string_view reason);
  std::vector<Connection*> all() const;
  void check_deadlines();
  void check_leaving();

  net::Loop* loop_;
  PoolOptions options_;
  telemetry::LoopStats* stats_;
  Leases* leases_;
  Connections resp2_;
  Connections resp3_;
  Connections borrowed_;
  std::vector<Detour> detours_;
  Connections leased_;
  Connections leaving_;  // were leased, and are closed when all that they owe has come; count as leased
  std::unique_ptr<Connection> subscriber_;
  Connections idle_;  // were borrowed or leased, and will be again
  // Replaced ones. One of them may be delivering the reply that led to its replacement: they go in a later turn.
  Connections retired_;
  std::unordered_set<int> databases_;
  net::Timer deadlines_;
};

}  // namespace keyshift::upstream
