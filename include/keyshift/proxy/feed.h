// Feed: what MONITOR shows to one client: an upstream connection that talks by itself, beside the one on which the
// client's requests go.
//
//   upstream   +1700000000.123456 [0 127.0.0.1:40212] "SET" "work:jobs:id:1" "x"
//   client     +1700000000.123456 [0 127.0.0.1:40212] "SET" "job:1" "x"
//
// Keys have the names that the client's view shows, in the ruleset that is in force when the line comes. Left out is what
// Keyshift does on its own account (resp/own_words.h). What Keyshift answers itself (CLIENT, HELLO, SELECT) never reaches
// the upstream and so is not seen; an address is that of a connection to the upstream, which many clients may share.
//
// A loss of the upstream ends the client, as it would without us: a feed with a gap that nobody sees is worse than none.
// A client that reads too slowly is dropped by its output limit.
//
// Owned by its session, on its thread. Its lease is used by nobody else afterwards.
#pragma once

#include <memory>

#include "keyshift/base/buffer.h"
#include "keyshift/plan/quoted_commands.h"
#include "keyshift/upstream/connection.h"
#include "keyshift/upstream/users.h"

namespace keyshift::proxy {

class Session;

class Feed final : private upstream::Waiter {
 public:
  // Asks for the feed; Session::on_feed() gets the answer. Requires: a usable connection, from Pool::lease().
  Feed(Session& session, upstream::Connection* connection);
  ~Feed() override;

  // The upstream has not answered yet: no request of the client may be answered before.
  bool is_starting() const { return starting_; }

 private:
  void on_reply(std::string_view bytes, const resp::ReplyScanner* finished, uint64_t started_ns) override;
  void on_lost(upstream::Loss loss, std::string_view reason) override;
  void on_push(std::string_view line) override;
  void on_disconnected(std::string_view reason) override;
  void on_room() override {}

  Session& session_;
  const std::shared_ptr<upstream::User> user_;  // keeps the pool alive
  upstream::Pool& pool_;
  upstream::Connection* connection_;
  plan::MonitorMapper mapper_;
  Buffer shown_;
  bool starting_ = true;
};

}  // namespace keyshift::proxy
