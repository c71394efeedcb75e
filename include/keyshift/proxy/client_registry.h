// ClientRegistry: all clients of all workers, for CLIENT LIST and CLIENT KILL.
//
// A session registers itself when it is accepted and keeps its ClientEntry; what changes with every request is a relaxed
// atomic that only its own worker writes, so nothing here costs a request anything. Lists are made under a lock that is
// taken for connects, disconnects, names, lists and kills only.
//
//   id=7 addr=127.0.0.1:40212 laddr=127.0.0.1:6380 fd=19 name=web age=3 idle=0 flags=N db=0 ... cmd=get user=default ...
#pragma once

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

struct ClientEntry {
  uint64_t id = 0;
  std::string address;
  std::string local_address;
  int fd = -1;
  uint64_t created_ns = 0;
  std::function<void()> kill;         // any thread; closes the session in one of its worker's next turns
  std::function<void(bool)> unblock;  // the same, for CLIENT UNBLOCK; with an error if true

  // Written by the session's worker.
  std::atomic<uint64_t> last_request_ns{0};
  std::atomic<int> database{0};
  std::atomic<int> protocol{2};
  std::array<std::atomic<size_t>, 3> subscriptions{};  // channels, patterns, shard channels
  std::atomic<bool> blocked{false};                    // its command waits in the server
  std::atomic<const char*> command{"NULL"};  // name of the last one: of static lifetime, or its table's
  std::atomic<uint64_t> query_bytes{
      0};  // read and not done with; of a client that is being served, all that is read
  std::atomic<uint64_t> received_bytes{0};
  std::atomic<uint64_t> sent_bytes{0};

  // Under the registry's lock.
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
  // False if `attribute` is neither "lib-name" nor "lib-ver".
  bool set_library(ClientEntry& entry, std::string_view attribute, std::string_view value);
  void forget_names(ClientEntry& entry);

  // One line of CLIENT LIST, with its line end.
  std::string line(const ClientEntry& entry, uint64_t now_ns) const;
  // The lines of all entries for which `wanted` is true, by id.
  std::string list(uint64_t now_ns, const std::function<bool(const ClientEntry&)>& wanted) const;
  // Asks the sessions of all entries for which `wanted` is true to close; returns how many.
  size_t kill(const std::function<bool(const ClientEntry&)>& wanted);
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
