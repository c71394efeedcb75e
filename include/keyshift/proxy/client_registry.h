// ClientRegistry: all clients of all workers, for CLIENT LIST and CLIENT KILL.
//
// A session registers itself when it is accepted and keeps its ClientEntry; what changes with every request is a relaxed
// atomic that only its own worker writes, so nothing here costs a request anything. Lists are made under a lock that is
// taken for connects, disconnects, names, lists and kills only.
//
//   id=7 addr=127.0.0.1:40212 laddr=127.0.0.1:6380 fd=19 name=web age=3 idle=0 flags=N db=0 ... cmd=get user=default ...
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace keyshift::proxy {

// What CLIENT LIST's flags say of a client beside what its numbers tell.
enum class ClientFlag : uint16_t {
  kMonitors = 1,           // O
  kTracks = 2,             // t
  kRedirectBroken = 4,     // R: who gets its invalidations is gone
  kTracksPrefixes = 8,     // B
  kWatchBroken = 16,       // d: EXEC will fail
  kClosing = 32,           // c: as soon as its replies have left
  kSparedByEviction = 64,  // e: it has said CLIENT NO-EVICT ON
  kReplicates = 128        // S: what it says and hears passes unread
};

struct ClientEntry {
  void set(ClientFlag flag, bool on) {
    const auto bit = static_cast<uint16_t>(flag);
    const uint16_t now = flags.load(std::memory_order_relaxed);
    flags.store(static_cast<uint16_t>(on ? now | bit : now & ~bit), std::memory_order_relaxed);
  }
  bool is(ClientFlag flag) const {
    return (flags.load(std::memory_order_relaxed) & static_cast<uint16_t>(flag)) != 0;
  }
  // It is subscribed to something: Redis counts it as of type pubsub then.
  bool subscribes() const {
    return std::ranges::any_of(subscriptions,
                               [](const auto& kind) { return kind.load(std::memory_order_relaxed) > 0; });
  }

  uint64_t id = 0;
  std::string address;
  std::string local_address;
  int fd = -1;
  uint64_t created_ns = 0;
  std::function<void()> kill;         // any thread; closes the session in one of its worker's next turns
  std::function<void(bool)> unblock;  // the same, for CLIENT UNBLOCK; with an error if true
  std::function<void(std::string)> invalidate;  // the same, for Session::on_invalidated()

  // Written by the session's worker.
  std::atomic<uint64_t> last_request_ns{0};
  std::atomic<int> database{0};
  std::atomic<int> protocol{2};
  std::array<std::atomic<size_t>, 3> subscriptions{};  // channels, patterns, shard channels
  std::atomic<bool> blocked{false};                    // its command waits in the server
  std::atomic<uint16_t> flags{0};                      // of ClientFlag
  std::atomic<int> queued{-1};                         // commands since MULTI; -1: there was none
  std::atomic<uint64_t> queued_bytes{0};
  std::atomic<int64_t> redirect{-1};  // who gets its invalidations: an id, 0 itself; -1: it does not track
  std::atomic<const char*> command{"NULL"};  // name of the last one: of static lifetime, or its table's
  std::atomic<uint64_t> query_bytes{
      0};  // read and not done with; of a client that is being served, all that is read
  std::atomic<uint64_t> reply_bytes{0};  // a decaying peak of its replies
  std::atomic<uint64_t> received_bytes{0};
  std::atomic<uint64_t> sent_bytes{0};

  // Under the registry's lock.
  std::string user = "default";
  std::string name;
  std::string library_name;
  std::string library_version;
};

class ClientRegistry {
 public:
  using Entry = std::shared_ptr<ClientEntry>;

  // Gives the entry its id.
  void add(const Entry& entry);
  void remove(uint64_t id);
  size_t size() const { return size_.load(std::memory_order_relaxed); }

  void set_name(ClientEntry& entry, std::string_view name);
  std::string name(const ClientEntry& entry) const;
  void set_user(ClientEntry& entry, std::string_view user);
  // False if `attribute` is neither "lib-name" nor "lib-ver".
  bool set_library(ClientEntry& entry, std::string_view attribute, std::string_view value);
  void forget_names(ClientEntry& entry);

  // Whether some client is this user now.
  bool has_user(std::string_view user) const;
  // One line of CLIENT LIST, with its line end.
  std::string line(const ClientEntry& entry, uint64_t now_ns) const;
  // The lines of all entries for which `wanted` is true, by id.
  std::string list(uint64_t now_ns, const std::function<bool(const ClientEntry&)>& wanted) const;
  // Asks the sessions of all entries for which `wanted` is true to close; returns how many.
  size_t kill(const std::function<bool(const ClientEntry&)>& wanted);
  bool contains(uint64_t id) const;
  // Tells the client with this id that keys have changed: see Session::on_invalidated(). False if it is gone.
  bool invalidate(uint64_t id, std::string_view names);
  // Ends the waiting of the client with this id, with an error or as if its time were over. False if it does not wait.
  bool unblock(uint64_t id, bool error);

 private:
  std::string line_locked(const ClientEntry& entry, uint64_t now_ns) const;

  mutable std::mutex mutex_;
  std::map<uint64_t, Entry> entries_;
  uint64_t last_id_ = 0;
  std::atomic<size_t> size_{0};
};

}  // namespace keyshift::proxy
