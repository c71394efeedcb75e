// ByLabel: counters that bear a name of the configuration's: those of a domain, of a rule.
//
// The loop that counts looks them up once for each configuration and keeps references; a reload that brings a name back
// finds the numbers it had, and a name that is gone keeps its own, so no counter of /metrics ever falls. Memory is
// bounded by the names that configurations have had since the start.
#pragma once

#include <map>
#include <mutex>
#include <string>

namespace keyshift::telemetry {

template <class Stats>
class ByLabel {
 public:
  // The counters called `label`, made at the first call. They stay where they are. The owning thread only.
  Stats& at(const std::string& label) {
    const std::scoped_lock lock(mutex_);
    return stats_[label];
  }
  // Calls visit(label, stats) for each, in the order of the labels. Any thread; `visit` must not come back here.
  template <class Visit>
  void for_each(Visit&& visit) const {
    const std::scoped_lock lock(mutex_);
    for (const auto& [label, stats] : stats_) visit(label, stats);
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, Stats> stats_;
};

}  // namespace keyshift::telemetry
