// TopCounts: the most frequent texts that one loop has seen, for any thread that asks: the shapes of the keys that no
// rule knows.
//
// A Frequent (base/frequent.h) behind a lock that is free but while somebody asks. Only the owning thread adds.
#pragma once

#include <cstdint>
#include <mutex>
#include <string_view>
#include <vector>

#include "keyshift/base/frequent.h"

namespace keyshift::telemetry {

class TopCounts {
 public:
  explicit TopCounts(size_t places) : places_(places), counts_(places) {}

  void add(std::string_view text, std::string_view example, uint64_t weight) {
    const std::scoped_lock lock(mutex_);
    counts_.add(text, example, weight);
  }
  // Forgets everything.
  void clear() {
    const std::scoped_lock lock(mutex_);
    counts_ = Frequent(places_);
  }
  // All that have a place, the most frequent first.
  std::vector<Frequent::Entry> sorted() const {
    const std::scoped_lock lock(mutex_);
    return counts_.sorted();
  }

 private:
  const size_t places_;
  mutable std::mutex mutex_;
  Frequent counts_;
};

}  // namespace keyshift::telemetry
