#include "keyshift/proxy/subscription_counts.h"

#include "keyshift/scheme/glob.h"

namespace keyshift::proxy {

void SubscriptionCounts::add(SubscriptionKind kind, std::string_view name, int clients, int connections) {
  const std::scoped_lock lock(mutex_);
  Entries& held = held_[static_cast<size_t>(kind)];
  auto found = held.find(name);
  if (found == held.end()) {
    found = held.emplace(name, Entry()).first;
    entries_.fetch_add(1, std::memory_order_relaxed);
  }
  found->second.clients += clients;
  found->second.connections += connections;
  if (found->second.clients != 0 || found->second.connections != 0) return;
  held.erase(found);
  entries_.fetch_sub(1, std::memory_order_relaxed);
}

const SubscriptionCounts::Entry& SubscriptionCounts::entry_locked(SubscriptionKind kind,
                                                                  std::string_view name) const {
  static constexpr Entry kNobody;
  const Entries& held = held_[static_cast<size_t>(kind)];
  const auto found = held.find(name);
  return found == held.end() ? kNobody : found->second;
}

int64_t SubscriptionCounts::more_locked(SubscriptionKind kind, std::string_view counted,
                                        std::string_view physical) const {
  return entry_locked(kind, counted).clients - entry_locked(kind, physical).connections;
}

int64_t SubscriptionCounts::more_subscribers(bool shard, std::string_view counted,
                                             std::string_view physical) const {
  const std::scoped_lock lock(mutex_);
  return more_locked(shard ? SubscriptionKind::kShard : SubscriptionKind::kChannel, counted, physical);
}

bool SubscriptionCounts::has_subscribers(std::string_view counted) const {
  const std::scoped_lock lock(mutex_);
  return entry_locked(SubscriptionKind::kChannel, counted).clients > 0;
}

bool SubscriptionCounts::has_connections(std::string_view physical) const {
  const std::scoped_lock lock(mutex_);
  return entry_locked(SubscriptionKind::kChannel, physical).connections > 0;
}

int64_t SubscriptionCounts::more_receivers(bool shard, std::string_view name, std::string_view counted,
                                           std::string_view physical) const {
  const std::scoped_lock lock(mutex_);
  if (shard) return more_locked(SubscriptionKind::kShard, counted, physical);
  int64_t more = more_locked(SubscriptionKind::kChannel, counted, physical);
  for (const auto& [glob, entry] : held_[static_cast<size_t>(SubscriptionKind::kPattern)]) {
    if (entry.clients != 0 && scheme::glob_match(glob, name)) more += entry.clients;
    if (entry.connections != 0 && scheme::glob_match(glob, physical)) more -= entry.connections;
  }
  return more;
}

int64_t SubscriptionCounts::more_patterns() const {
  const std::scoped_lock lock(mutex_);
  int64_t more = 0;
  for (const auto& [glob, entry] : held_[static_cast<size_t>(SubscriptionKind::kPattern)])
    more += (entry.clients != 0 ? 1 : 0) - (entry.connections != 0 ? 1 : 0);
  return more;
}

}  // namespace keyshift::proxy
