// Settings: what a reload may change, checked and compiled, in this layer's own words.
//
// Immutable. A request is planned, and its reply mapped, by the settings that were in force when it began; the next
// request of the same client may find others. What needs a restart stands in Options.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "keyshift/plan/script_prelude.h"
#include "keyshift/scheme/ruleset.h"
#include "keyshift/upstream/users.h"

namespace keyshift::proxy {

// How the clients of one listener see the keyspace, and what they must know.
struct ListenerSettings {
  struct User {
    std::string password;
    std::optional<upstream::Credentials> upstream;  // whom the upstream sees; none: whom it sees of all
  };

  // Whether AUTH is needed. `has_credentials`: we log in with the upstream, so it would not take everybody.
  bool needs_login(bool has_credentials) const {
    return asks_upstream ? has_credentials : !password.empty() || !users.empty();
  }

  scheme::View view;
  bool asks_upstream = false;  // the upstream judges what clients say with AUTH; the rest is empty then
  std::string
      password;  // of the user "default"; empty: it has none. Who has logged in stays so when it changes
  std::map<std::string, User, std::less<>> users;  // a client whose user is taken away is closed
  std::shared_ptr<const plan::ScriptPrelude> prelude = nullptr;  // null: scripts go as they are
};

struct Settings {
  std::shared_ptr<const scheme::Ruleset> rules;
  scheme::Phase phase = scheme::Phase::kConsolidated;  // of keys that fit no rule
  std::vector<ListenerSettings> listeners;             // as Options::sockets
  std::unordered_set<std::string> allowed;  // dangerous commands let through: "config|set", "debug"

  size_t max_clients = 10'000;
  size_t client_output_limit_bytes = 256ull << 20;     // above it a client is dropped
  size_t subscriber_output_limit_bytes = 32ull << 20;  // the same for a client that is subscribed
  size_t client_output_soft_bytes = 1ull << 20;        // above it nothing more is read from it
  int64_t drain_timeout_ms = 10'000;
  int64_t idle_timeout_ms = 0;  // 0: never
};

// What came of reading the configuration again.
struct Reloaded {
  bool applied = false;
  std::string text;  // one line for whoever asked: "OK", with what needs a restart; or what is wrong
};
using ReloadDone = std::function<void(const Reloaded&)>;

}  // namespace keyshift::proxy
