// Frequent: the most frequent texts of a stream, in bounded memory.
//
//   Frequent counts(1000);
//   counts.add("orders:{int}:items", "orders:4711:items");
//   counts.sorted().front()     {"orders:{int}:items", example "orders:4711:items", count 1, error 0}
//
// Space-Saving (Metwally, Agrawal, El Abbadi 2005): with all places taken, a new text takes the place of the rarest
// one, and its count. So no count is too low, none is too high by more than its `error`, and a text that is more
// frequent than 1/places of all has a place. Owns its texts. Not thread-safe.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "keyshift/base/check.h"

namespace keyshift {

class Frequent {
 public:
  struct Entry {
    std::string text;
    std::string example;  // what came with the text when it got its place
    uint64_t count = 0;
    uint64_t error = 0;
  };

  Frequent(Frequent&&) = default;
  Frequent& operator=(Frequent&&) = default;
  explicit Frequent(size_t places) : places_(places) {
    KEYSHIFT_CHECK(places > 0, "no place to count in");
    entries_.reserve(places);
  }

  void add(std::string_view text, std::string_view example, uint64_t weight = 1) {
    total_ += weight;
    if (const auto found = index_.find(text); found != index_.end()) {
      entries_[found->second].count += weight;
    } else if (entries_.size() < places_) {
      entries_.push_back({std::string(text), std::string(example), weight, 0});
      index_.emplace(entries_.back().text, entries_.size() - 1);
    } else {
      const auto rarest = std::ranges::min_element(entries_, {}, &Entry::count);
      index_.erase(rarest->text);
      *rarest = {std::string(text), std::string(example), rarest->count + weight, rarest->count};
      index_.emplace(rarest->text, static_cast<size_t>(rarest - entries_.begin()));
    }
  }

  // All that have a place, the most frequent first.
  std::vector<Entry> sorted() const {
    std::vector<Entry> list = entries_;
    std::ranges::sort(list, [](const Entry& a, const Entry& b) {
      return a.count != b.count ? a.count > b.count : a.text < b.text;
    });
    return list;
  }
  uint64_t total() const { return total_; }

 private:
  size_t places_;
  uint64_t total_ = 0;
  std::vector<Entry> entries_;                          // never reallocated
  std::unordered_map<std::string_view, size_t> index_;  // views of the entries' texts
};

}  // namespace keyshift
