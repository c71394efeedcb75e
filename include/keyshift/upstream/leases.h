// Leases: how many connections may be lent for long, over all pools of one worker, and who waits for one of them.
//
//   leases.take()                  one more is lent; false: all are
//   leases.wait(session, now)      on_room() when one has come free, or when the queue's deadline has passed
//   leases.give_back()             the one who has waited longest hears of it in a later turn
//
// Belongs to one loop's thread. Waiters are borrowed: whoever dies calls stop_waiting() first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "keyshift/net/loop.h"
#include "keyshift/net/timer.h"
#include "keyshift/upstream/connection.h"

namespace keyshift::upstream {

class Leases {
 public:
  Leases(net::Loop* loop, size_t most, int64_t queue_timeout_ms);

  bool take();
  bool any_left() const { return lent_ < most_; }
  void give_back();
  // Calls on_room() once, in a later turn: when a lease has come free, or when the queue's deadline from `since_ns` has
  // passed. Who has waited longest comes first.
  void wait(Waiter* waiter, uint64_t since_ns);
  bool waited_too_long(uint64_t since_ns) const;
  void stop_waiting(Waiter* waiter);

 private:
  struct Waiting {
    Waiter* waiter;
    uint64_t since_ns;
  };

  void check();

  net::Loop* loop_;
  const size_t most_;
  const uint64_t patience_ns_;
  size_t lent_ = 0;
  std::vector<Waiting> waiting_;  // in the order of their coming
  net::Timer free_;
  net::Timer deadlines_;  // runs while anybody waits
};

}  // namespace keyshift::upstream
