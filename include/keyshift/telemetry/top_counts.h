// TopCounts: the most frequent texts of a stream, in bounded memory: the shapes of the keys that no rule knows.
//
//   counts.add("orders:{int}:items", 64);
//   counts.top(10)      -> {"orders:{int}:items", 1 280, "orders:4711:items"}, ...
//
// Space-Saving (Metwally, Agrawal, El Abbadi 2005): with all places taken, a new text takes over the place of the rarest
// one, and its count. So a count is never too low, and too high by at most `Entry::error`.
//
// One thread adds, any thread asks; the lock is free but while somebody asks.
#pragma once

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace keyshift::telemetry {

class TopCounts {
 public:
  struct Entry {
    std::string text;
    uint64_t count = 0;
    uint64_t error = 0;
    std::string example;  // a key that had this shape when it got its place
  };

  explicit TopCounts(size_t places) : places_(places) {}

  void add(std::string_view text, uint64_t weight, std::string_view example) {
    const std::scoped_lock lock(mutex_);
    const auto found = std::find_if(entries_.begin(), entries_.end(),
                                    [&](const Entry& entry) { return entry.text == text; });
    if (found != entries_.end()) {
      found->count += weight;
    } else if (entries_.size() < places_) {
      entries_.push_back({std::string(text), weight, 0, std::string(example)});
    } else {
      const auto rarest = std::min_element(entries_.begin(), entries_.end(),
                                           [](const Entry& a, const Entry& b) { return a.count < b.count; });
      *rarest = {std::string(text), rarest->count + weight, rarest->count, std::string(example)};
    }
  }

  // Forgets everything.
  void clear() {
    const std::scoped_lock lock(mutex_);
    entries_.clear();
  }

  // All of them, the most frequent first.
  std::vector<Entry> top() const {
    std::vector<Entry> sorted;
    {
      const std::scoped_lock lock(mutex_);
      sorted = entries_;
    }
    std::sort(sorted.begin(), sorted.end(), [](const Entry& a, const Entry& b) {
      return a.count != b.count ? a.count > b.count : a.text < b.text;
    });
    return sorted;
  }

 private:
  const size_t places_;
  mutable std::mutex mutex_;
  std::vector<Entry> entries_;
};

}  // namespace keyshift::telemetry
