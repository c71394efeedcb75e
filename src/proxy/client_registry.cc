#include "keyshift/proxy/client_registry.h"

#include <vector>

#include <fmt/format.h>

namespace keyshift::proxy {

void ClientRegistry::add(const Entry& entry) {
  const std::scoped_lock lock(mutex_);
  entry->id = ++last_id_;
  entries_.emplace(entry->id, entry);
  size_.store(entries_.size(), std::memory_order_relaxed);
}

void ClientRegistry::remove(uint64_t id) {
  const std::scoped_lock lock(mutex_);
  entries_.erase(id);
  size_.store(entries_.size(), std::memory_order_relaxed);
}

void ClientRegistry::set_name(ClientEntry& entry, std::string_view name) {
  const std::scoped_lock lock(mutex_);
  entry.name = name;
}

std::string ClientRegistry::name(const ClientEntry& entry) const {
  const std::scoped_lock lock(mutex_);
  return entry.name;
}

bool ClientRegistry::set_library(ClientEntry& entry, std::string_view attribute, std::string_view value) {
  const std::scoped_lock lock(mutex_);
  if (attribute == "lib-name") {
    entry.library_name = value;
  } else if (attribute == "lib-ver") {
    entry.library_version = value;
  } else {
    return false;
  }
  return true;
}

void ClientRegistry::forget_names(ClientEntry& entry) {
  const std::scoped_lock lock(mutex_);
  entry.name.clear();
  entry.library_name.clear();
  entry.library_version.clear();
}

std::string ClientRegistry::line(const ClientEntry& entry, uint64_t now_ns) const {
  const std::scoped_lock lock(mutex_);
  return line_locked(entry, now_ns);
}

// The fields of Redis 7.0, those of later versions behind them; what a proxy cannot know of a client is zero.
std::string ClientRegistry::line_locked(const ClientEntry& entry, uint64_t now_ns) const {
  const auto seconds_since = [now_ns](uint64_t then_ns) {
    return then_ns < now_ns ? (now_ns - then_ns) / 1'000'000'000 : uint64_t{0};
  };
  const auto subscriptions = [&entry](size_t kind) {
    return entry.subscriptions[kind].load(std::memory_order_relaxed);
  };
  const bool subscribed = subscriptions(0) + subscriptions(1) + subscriptions(2) > 0;
  return fmt::format(
      "id={} addr={} laddr={} fd={} name={} age={} idle={} flags={} db={} sub={} psub={} ssub={} multi=-1 "
      "qbuf={} "
      "qbuf-free=0 argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl=0 oll=0 omem=0 tot-mem=0 events=r cmd={} "
      "user=default "
      "redir=-1 resp={} lib-name={} lib-ver={} tot-net-in={} tot-net-out={}\n",
      entry.id, entry.address, entry.local_address, entry.fd, entry.name, seconds_since(entry.created_ns),
      seconds_since(entry.last_request_ns.load(std::memory_order_relaxed)), subscribed ? "P" : "N",
      entry.database.load(std::memory_order_relaxed), subscriptions(0), subscriptions(1), subscriptions(2),
      entry.query_bytes.load(std::memory_order_relaxed), entry.command.load(std::memory_order_relaxed),
      entry.protocol.load(std::memory_order_relaxed), entry.library_name, entry.library_version,
      entry.received_bytes.load(std::memory_order_relaxed), entry.sent_bytes.load(std::memory_order_relaxed));
}

std::string ClientRegistry::list(uint64_t now_ns,
                                 const std::function<bool(const ClientEntry&)>& wanted) const {
  const std::scoped_lock lock(mutex_);
  std::string lines;
  for (const auto& [id, entry] : entries_) {
    if (wanted(*entry)) lines += line_locked(*entry, now_ns);
  }
  return lines;
}

bool ClientRegistry::unblock(uint64_t id, bool error) {
  const std::scoped_lock lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end() || !found->second->blocked.load(std::memory_order_relaxed)) return false;
  found->second->unblock(error);
  return true;
}

size_t ClientRegistry::kill(const std::function<bool(const ClientEntry&)>& wanted) {
  std::vector<Entry> found;
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& [id, entry] : entries_) {
      if (wanted(*entry)) found.push_back(entry);
    }
  }
  for (const Entry& entry : found) entry->kill();
  return found.size();
}

}  // namespace keyshift::proxy
