// ScriptCounts: the scripts that one loop has seen naming keys in arguments, for any thread that asks.
//
//   counts.found("6b1b...", "bull:mail:7", "bull:{queue}:{id}")      a call with such an argument
//   counts.called("6b1b...")                                            any other call of a script that was found
//   counts.entries().front()    {"6b1b...", calls 2, suspicious 1, ...}
//
// Bounded: with all places taken, a new script takes that of the one that was found the fewest times. The lock is free
// but while somebody asks; only the owning thread adds.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace keyshift::telemetry {

class ScriptCounts {
 public:
  struct Entry {
    std::string script;       // its SHA, or "function NAME"
    uint64_t calls = 0;       // since it was found
    uint64_t suspicious = 0;  // of them with an argument that looks like a key
    std::string example;      // the first such argument
    std::string rule;         // that would rename it
  };

  explicit ScriptCounts(size_t places) : places_(places) {}

  // Whether no script was found so far. Any thread; costs nothing.
  bool empty() const { return empty_.load(std::memory_order_relaxed); }

  void found(std::string_view script, std::string_view example, std::string_view rule) {
    const std::scoped_lock lock(mutex_);
    Entry* entry = find(script);
    if (entry == nullptr) {
      if (entries_.size() < places_) {
        entry = &entries_.emplace_back();
      } else {
        entry = &*std::ranges::min_element(entries_, {}, &Entry::suspicious);
      }
      *entry = {std::string(script), 0, 0, std::string(example), std::string(rule)};
      empty_.store(false, std::memory_order_relaxed);
    }
    ++entry->calls;
    ++entry->suspicious;
  }
  void called(std::string_view script) {
    const std::scoped_lock lock(mutex_);
    if (Entry* const entry = find(script)) ++entry->calls;
  }
  // Forgets everything.
  void clear() {
    const std::scoped_lock lock(mutex_);
    entries_.clear();
    empty_.store(true, std::memory_order_relaxed);
  }
  // In no order.
  std::vector<Entry> entries() const {
    const std::scoped_lock lock(mutex_);
    return entries_;
  }

 private:
  // A call of a script costs more than to look through all.
  Entry* find(std::string_view script) {
    const auto found = std::ranges::find(entries_, script, &Entry::script);
    return found == entries_.end() ? nullptr : &*found;
  }

  const size_t places_;
  mutable std::mutex mutex_;
  std::vector<Entry> entries_;
  std::atomic<bool> empty_{true};
};

}  // namespace keyshift::telemetry
