// ScriptNews: which scripts have been told of in the log, so that each is named once, whichever worker sees it.
//
// Shared by all workers; asked only when a worker finds a script that it has not found before. Bounded: an application
// that writes its scripts anew for every call fills the list, not the log.
#pragma once

#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_set>

namespace keyshift::proxy {

class ScriptNews {
 public:
  static constexpr size_t kMost = 1000;

  // True once for each script, and never again when kMost have been told of.
  bool is_new(std::string_view script) {
    const std::scoped_lock lock(mutex_);
    return told_.size() < kMost && told_.emplace(script).second;
  }
  // Other rules are in force: what is found is news again.
  void clear() {
    const std::scoped_lock lock(mutex_);
    told_.clear();
  }

 private:
  std::mutex mutex_;
  std::unordered_set<std::string> told_;
};

}  // namespace keyshift::proxy
