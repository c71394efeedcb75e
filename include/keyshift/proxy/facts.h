// Facts: what the main thread knows and others tell: the upstream by asking it, the configuration by reading it.
//
// Written by the health check and by reloads on the main thread, read by workers and the HTTP server at any time.
#pragma once

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

  // "7.0.15", for HELLO. Redis's own words before it is known.
  std::string version() const {
    const std::scoped_lock lock(mutex_);
    return version_;
  }
  void set_version(std::string version) {
    const std::scoped_lock lock(mutex_);
    version_ = std::move(version);
  }

  Health health() const {
    const std::scoped_lock lock(mutex_);
    return health_;
  }
  void set_health(Health health) {
    const std::scoped_lock lock(mutex_);
    health_ = std::move(health);
  }

  Configuration configuration() const {
    const std::scoped_lock lock(mutex_);
    return configuration_;
  }
  void set_configuration(Configuration configuration) {
    const std::scoped_lock lock(mutex_);
    configuration_ = std::move(configuration);
  }

 private:
  mutable std::mutex mutex_;
  std::string version_ = "7.0.0";
  Health health_;
  Configuration configuration_;
};

}  // namespace keyshift::proxy
