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
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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

// What CLIENT LIST and CLIENT KILL mean by a client's type, as getClientType() in Redis.
enum class ClientType : uint8_t {
  kNormal,
  kReplica,
  kPubsub,
  kMaster,  // no client of ours is
};

// How CLIENT UNBLOCK ends a wait: as if its time were over, or with an error.
enum class WaitEnd : uint8_t { kTimeout, kError };

struct ClientEntry {
  void set(ClientFlag flag, bool on) {
    const auto bit = static_cast<uint16_t>(flag);
    const uint16_t now = flags.load(std::memory_order_relaxed);
    flags.store(static_cast<uint16_t>(on ? now | bit : now & ~bit), std::memory_order_relaxed);
  }
  bool is(ClientFlag flag) const {
    return (flags.load(std::memory_order_relaxed) & static_cast<uint16_t>(flag)) != 0;
  }
  ClientType type() const {
    if (is(ClientFlag::kReplicates)) return ClientType::kReplica;
    return subscribes() ? ClientType::kPubsub : ClientType::kNormal;
  }
  // It is subscribed to something.
  bool subscribes() const {
    return std::ranges::any_of(subscriptions,
                               [](const auto& kind) { return kind.load(std::memory_order_relaxed) > 0; });
  }

  uint64_t id = 0;
  std::string address;
  std::string local_address;
  int fd = -1;
  uint64_t created_ns = 0;
  std::function<void()> kill;            // any thread; closes the session in one of its worker's next turns
  std::function<void(WaitEnd)> unblock;  // the same; ends a wait that the server knows nothing of yet
  std::function<void(std::string)> invalidate;  // the same, for Session::on_invalidated()

  // Written by the session's worker.
  std::atomic<uint64_t> last_request_ns{0};
  std::atomic<int> database{0};
  std::atomic<int> protocol{2};
  std::array<std::atomic<size_t>, 3> subscriptions{};  // channels, patterns, shard channels
  std::atomic<bool> blocked{false};                    // its command waits in the server
  // There, the connection's number; 0: it does not wait, or has not been sent yet.
  std::atomic<int64_t> waits_on{0};
  std::atomic<uint16_t> flags{0};  // of ClientFlag
  std::atomic<int> queued{-1};     // commands since MULTI; -1: there was none
  std::atomic<uint64_t> queued_bytes{0};
  std::atomic<int64_t> redirect{-1};  // who gets its invalidations: an id, 0 itself; -1: it does not track
  std::atomic<const char*> command{"NULL"};  // name of the last one: of static lifetime, or its table's
  std::atomic<uint64_t> query_bytes{
      0};  // read and not done with; of a client that is being served, all that is read
  std::atomic<uint64_t> reply_bytes{0};  // a decaying peak of its replies
  std::atomic<uint64_t> received_bytes{0};
  std::atomic<uint64_t> sent_bytes{0};

  // Written by anybody.
  // Who have told the server to end what it waits for, and are not answered yet.
  std::atomic<int> ending_waits{0};
  std::atomic<bool> killed{false};

  // Under the registry's lock.
  std::string user = "default";
  std::string name;
  std::string library_name;
  std::string library_version;
};

// A client's wait in the server that somebody is about to end. While it is there, the connection that the client waits on is
// lent to nobody else: what the server is told is about that client, however late it comes.
class EndedWait {
 public:
  explicit EndedWait(std::shared_ptr<ClientEntry> entry) : entry_(std::move(entry)) {
    ++entry_->ending_waits;
  }
  ~EndedWait() {
    if (entry_) --entry_->ending_waits;
  }
  EndedWait(EndedWait&&) = default;
  EndedWait& operator=(EndedWait&&) = delete;

  // What the server calls the connection; 0: it knows nothing of a wait.
  int64_t connection() const { return entry_->waits_on; }
  ClientEntry& entry() const { return *entry_; }

 private:
  std::shared_ptr<ClientEntry> entry_;
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
  // The wait of the client with this id; nothing if it does not wait.
  std::optional<EndedWait> wait_of(uint64_t id) const;
  // Those of all entries for which `wanted` is true. They are killed: of what ends their waits they shall not hear.
  std::vector<EndedWait> waits_of_killed(const std::function<bool(const ClientEntry&)>& wanted) const;

 private:
  std::string line_locked(const ClientEntry& entry, uint64_t now_ns) const;

  mutable std::mutex mutex_;
  std::map<uint64_t, Entry> entries_;
  uint64_t last_id_ = 0;
  std::atomic<size_t> size_{0};
};

}  // namespace keyshift::proxy
