// Facts: what the main thread knows and others tell: the upstream by asking it, the configuration by reading it.
//
// Written by the health check and by reloads on the main thread, and by the worker that lets a CLIENT PAUSE through; read
// by workers and the HTTP server at any time.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <utility>

namespace keyshift::proxy {

class Facts {
 public:
  struct Health {
    bool ready = false;
    std::string reason = "not asked yet";  // why not ready: for /readyz and the log
  };

  // How the configuration in force came to be.
  struct Configuration {
    std::string file;             // empty: none was given
    uint64_t reloads = 0;         // since the start, applied
    uint64_t failed_reloads = 0;  // refused: the file was wrong
    bool last_failed = false;     // what the file says now is not in force
    int64_t applied_unix_ms = 0;  // when what is in force was read
    std::string needs_restart;    // options that the file says and only a restart brings, with commas
  };

  // What HELLO says of the server; before it is known, what most are.
  struct Server {
    std::string version = "7.0.0";
    std::string role = "master";  // or "replica"
    std::string mode = "standalone";
  };
  Server server() const {
    const std::scoped_lock lock(mutex_);
    return server_;
  }
  void set_server(Server server) {
    const std::scoped_lock lock(mutex_);
    server_ = std::move(server);
  }

  Health health() const {
    const std::scoped_lock lock(mutex_);
    return health_;
  }
  void set_health(Health health) {
    const std::scoped_lock lock(mutex_);
    health_ = std::move(health);
  }

  // Until when the upstream postpones writes (CLIENT PAUSE), as far as that came through here; in a loop's time. 0: it does
  // not. Workers ask before every write, so it is no more than a number.
  bool writes_are_paused(uint64_t now_ns) const {
    return writes_paused_until_ns_.load(std::memory_order_relaxed) > now_ns;
  }
  void pause_writes(uint64_t until_ns) { writes_paused_until_ns_.store(until_ns, std::memory_order_relaxed); }

  Configuration configuration() const {
    const std::scoped_lock lock(mutex_);
    return configuration_;
  }
  void set_configuration(Configuration configuration) {
    const std::scoped_lock lock(mutex_);
    configuration_ = std::move(configuration);
  }

 private:
  alignas(64) std::atomic<uint64_t> writes_paused_until_ns_{0};
  alignas(64) mutable std::mutex mutex_;
  Server server_;
  Health health_;
  Configuration configuration_;
};

}  // namespace keyshift::proxy
