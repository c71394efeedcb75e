// HealthCheck: asks the upstream about itself, again and again, on a control connection of its own.
//
// Reachable, logged in, not loading, not a replica that lost its master or refuses writes: then it is ready, and /readyz
// says so. Its version and role are learned on the way, for the answers that the proxy gives in the upstream's place. Once
// per connection COMMAND is asked for over our own codec (its reply is too deep for hiredis), so that commands of modules
// are known.
//
// Main thread's loop. Callbacks come from the loop.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "keyshift/base/address.h"
#include "keyshift/net/loop.h"
#include "keyshift/net/redis_client.h"
#include "keyshift/net/timer.h"
#include "keyshift/telemetry/loop_stats.h"
#include "keyshift/upstream/connection.h"

namespace keyshift::upstream {

struct Health {
  bool ready = false;
  std::string reason;   // why not
  std::string version;  // empty until known, as the others
  std::string role;     // master or slave
  std::string mode;     // standalone, sentinel or cluster
};

class HealthCheck final : private Waiter {
 public:
  struct Callbacks {
    std::function<void(const Health&)> changed;            // any field did
    std::function<void(std::string_view reply)> commands;  // a whole COMMAND reply
  };

  HealthCheck(net::Loop* loop, const ConnectionOptions& options, Callbacks callbacks);
  ~HealthCheck() override;

 private:
  void ask();
  void ask_for_commands();
  void read_info(const std::string& info);
  void set(bool ready, std::string reason);
  void on_reply(std::string_view bytes, const resp::ReplyScanner* finished, uint64_t started_ns) override;
  void on_lost(Loss loss, std::string_view reason) override;
  void on_room() override {}

  net::Loop* loop_;
  ConnectionOptions options_;
  Callbacks callbacks_;
  Health health_;
  net::RedisClient client_;
  net::Timer timer_;
  bool asking_ = false;  // an answer is still to come
  bool login_refused_ = false;
  bool asked_for_commands_ = false;  // on this connection
  telemetry::LoopStats stats_;       // of command_query_, which nobody reads
  std::unique_ptr<Connection> command_query_;
  std::shared_ptr<int> alive_ = std::make_shared<int>();  // expires with us, for what was posted
};

}  // namespace keyshift::upstream
