// Facts: what is known of the upstream by asking it, for the answers that we give in its place.
//
// Written by the health check on the main thread, read by workers and the HTTP server at any time.
#pragma once

#include <mutex>
#include <string>

namespace keyshift::proxy {

class Facts {
 public:
  struct Health {
    bool ready = false;
    std::string reason = "not asked yet";  // why not ready: for /readyz and the log
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

 private:
  mutable std::mutex mutex_;
  std::string version_ = "7.0.0";
  Health health_;
};

}  // namespace keyshift::proxy
