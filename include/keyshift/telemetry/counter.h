// Counter and Histogram: numbers that one thread raises and any thread may read.
//
// Each event loop has its own, so raising one is an ordinary load and store, without a lock and without a shared
// cache line; a scrape reads all loops' and adds them up. A reader may see a value that is an instant old, never a
// torn one.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace keyshift::telemetry {

class Counter {
 public:
  // The owning thread only.
  void add(uint64_t count = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
  }
  // For gauges: the owning thread only. Requires: never below zero.
  void subtract(uint64_t count = 1) {
    value_.store(value_.load(std::memory_order_relaxed) - count, std::memory_order_relaxed);
  }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

// How long requests took: counts in buckets from 50 us to 5 s, with one boundary at 100 ms (the guides' target).
class Histogram {
 public:
  static constexpr std::array<uint64_t, 16> kBoundsUs = {50,     100,     250,     500,    1000,   2500,
                                                         5000,   10000,   25000,   50000,  100000, 250000,
                                                         500000, 1000000, 2500000, 5000000};
  // The last bucket is what took longer than the last bound.
  static constexpr size_t kBuckets = kBoundsUs.size() + 1;

  void record(uint64_t nanoseconds) {
    const uint64_t us = nanoseconds / 1000;
    size_t bucket = 0;
    while (bucket < kBoundsUs.size() && us > kBoundsUs[bucket]) ++bucket;
    buckets_[bucket].add();
    sum_ns_.add(nanoseconds);
  }
  uint64_t bucket(size_t index) const { return buckets_[index].value(); }
  uint64_t sum_ns() const { return sum_ns_.value(); }

 private:
  std::array<Counter, kBuckets> buckets_;
  Counter sum_ns_;
};

}  // namespace keyshift::telemetry
