#include "keyshift/proxy/client_registry.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace keyshift::proxy {
namespace {

constexpr uint64_t kSmallestReplyBuffer = 1024;
constexpr uint64_t kLargestReplyBuffer = 16 * 1024;

// In Redis's order.
std::string flags_of(const ClientEntry& entry) {
  const bool is_local = entry.address.find("/") != std::string::npos;
  const std::array<std::pair<char, bool>, 12> all = {{
      {'O', entry.is(ClientFlag::kMonitors)},
      {'S', entry.is(ClientFlag::kReplicates)},
      {'P', entry.subscribes()},
      {'x', entry.queued.load(std::memory_order_relaxed) >= 0},
      {'b', entry.blocked.load(std::memory_order_relaxed)},
      {'t', entry.is(ClientFlag::kTracks)},
      {'R', entry.is(ClientFlag::kRedirectBroken)},
      {'B', entry.is(ClientFlag::kTracksPrefixes)},
      {'d', entry.is(ClientFlag::kWatchBroken)},
      {'c', entry.is(ClientFlag::kClosing)},
      {'U', is_local},
      {'e', entry.is(ClientFlag::kSparedByEviction)},
  }};
  std::string flags;
  for (const auto& [letter, holds] : all) {
    if (holds) flags += letter;
  }
  return flags.empty() ? "N" : flags;
}

}  // namespace

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

void ClientRegistry::set_user(ClientEntry& entry, std::string_view user) {
  const std::scoped_lock lock(mutex_);
  entry.user = user;
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

bool ClientRegistry::has_user(std::string_view user) const {
  const std::scoped_lock lock(mutex_);
  return std::ranges::any_of(entries_, [user](const auto& each) { return each.second->user == user; });
}

// The fields of Redis 7.0, those of later versions behind them; what a proxy cannot know of a client is zero.
std::string ClientRegistry::line_locked(const ClientEntry& entry, uint64_t now_ns) const {
  const auto seconds_since = [now_ns](uint64_t then_ns) {
    return then_ns < now_ns ? (now_ns - then_ns) / 1'000'000'000 : uint64_t{0};
  };
  const auto now = [](const auto& value) { return value.load(std::memory_order_relaxed); };
  // What Redis would give such a client: as much as its replies need, between 1 and 16 kB.
  const uint64_t reply_peak = now(entry.reply_bytes);
  const uint64_t reply_buffer = std::clamp<uint64_t>(reply_peak, kSmallestReplyBuffer, kLargestReplyBuffer);
  return fmt::format(
      "id={} addr={} laddr={} fd={} name={} age={} idle={} flags={} db={} sub={} psub={} ssub={} multi={} "
      "qbuf={} "
      "qbuf-free=0 argv-mem=0 multi-mem={} rbs={} rbp={} obl=0 oll=0 omem=0 tot-mem=0 events=r cmd={} "
      "user={} "
      "redir={} resp={} lib-name={} lib-ver={} tot-net-in={} tot-net-out={}\n",
      entry.id, entry.address, entry.local_address, entry.fd, entry.name, seconds_since(entry.created_ns),
      seconds_since(now(entry.last_request_ns)), flags_of(entry), now(entry.database),
      now(entry.subscriptions[0]), now(entry.subscriptions[1]), now(entry.subscriptions[2]),
      now(entry.queued), now(entry.query_bytes), now(entry.queued_bytes), reply_buffer, reply_peak,
      now(entry.command), entry.user, now(entry.redirect), now(entry.protocol), entry.library_name,
      entry.library_version, now(entry.received_bytes), now(entry.sent_bytes));
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

bool ClientRegistry::contains(uint64_t id) const {
  const std::scoped_lock lock(mutex_);
  return entries_.contains(id);
}

bool ClientRegistry::invalidate(uint64_t id, std::string_view names) {
  const std::scoped_lock lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end()) return false;
  found->second->invalidate(std::string(names));
  return true;
}

std::optional<EndedWait> ClientRegistry::wait_of(uint64_t id) const {
  const std::scoped_lock lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end() || !found->second->blocked.load(std::memory_order_relaxed)) return std::nullopt;
  return EndedWait(found->second);
}

std::vector<EndedWait> ClientRegistry::waits_of_killed(
    const std::function<bool(const ClientEntry&)>& wanted) const {
  std::vector<EndedWait> waits;
  const std::scoped_lock lock(mutex_);
  for (const auto& [id, entry] : entries_) {
    if (!entry->blocked.load(std::memory_order_relaxed) || !wanted(*entry)) continue;
    EndedWait wait(entry);
    if (wait.connection() == 0) continue;
    entry->killed = true;
    waits.push_back(std::move(wait));
  }
  return waits;
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
