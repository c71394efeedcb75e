// SubscriptionCounts: how many clients and how many of our connections are subscribed to what, over all workers.
//
// A PUBLISH on one worker is heard by clients of all, and the upstream counts each worker once: see plan::Audience.
//
// Shared by all workers, any thread. Locked when a subscription begins or ends, and to count while there are any; with
// none, nothing but an atomic is read.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "keyshift/plan/audience.h"
#include "keyshift/telemetry/loop_stats.h"

namespace keyshift::proxy {

enum class SubscriptionKind : uint8_t { kChannel, kPattern, kShard };
using telemetry::kSubscriptionKinds;

class SubscriptionCounts final : public plan::Audience {
 public:
  // `by` (1 or -1) clients more hold a channel that is counted by this name (scheme::counted_channel), or a pattern of
  // theirs.
  void add_clients(SubscriptionKind kind, std::string_view name, int by) { add(kind, name, by, 0); }
  // `by` connections more hold a channel or pattern of the upstream's.
  void add_connections(SubscriptionKind kind, std::string_view name, int by) { add(kind, name, 0, by); }

  bool empty() const override { return entries_.load(std::memory_order_relaxed) == 0; }
  int64_t more_receivers(bool shard, std::string_view name, std::string_view counted,
                         std::string_view physical) const override;
  int64_t more_subscribers(bool shard, std::string_view counted, std::string_view physical) const override;
  int64_t more_patterns() const override;
  bool has_subscribers(std::string_view counted) const override;
  bool has_connections(std::string_view physical) const override;

 private:
  struct Entry {
    int64_t clients = 0;
    int64_t connections = 0;
  };
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view name) const { return std::hash<std::string_view>()(name); }
  };
  using Entries = std::unordered_map<std::string, Entry, Hash, std::equal_to<>>;

  void add(SubscriptionKind kind, std::string_view name, int clients, int connections);
  const Entry& entry_locked(SubscriptionKind kind, std::string_view name) const;
  int64_t more_locked(SubscriptionKind kind, std::string_view counted, std::string_view physical) const;

  mutable std::mutex mutex_;
  std::array<Entries, kSubscriptionKinds> held_;
  std::atomic<size_t> entries_{0};
};

}  // namespace keyshift::proxy
