// Config: everything an operator can decide, checked, in one immutable value.
//
// It is made once by load() (load.h) from file, environment and flags, before anything else runs, and handed
// down by const reference; what a reload changes arrives as another Config. Every number in it is in range,
// every address parsed, every duration in milliseconds, every size in bytes: nobody behind it parses or
// checks an option again.
//
//   [upstream]
//   url = "unix:///run/redis.sock"       config.upstream.address == Address{.path = "/run/redis.sock"}
//   reply_timeout = "30s"                config.upstream.reply_timeout_ms == 30000
//
// The initial values below are the defaults of the table in option.h; a test compares the two, so a test that
// needs a Config may write `Config config;` and change what it is about. Owns all it holds; immutable, so any
// thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "keyshift/base/address.h"
#include "keyshift/scheme/ruleset.h"
#include "keyshift/scheme/scheme_spec.h"

namespace keyshift::config {

// The Redis or Valkey behind us, and how patient we are with it.
struct Upstream {
  Address address{"127.0.0.1", 6379, ""};
  std::string username;  // empty: the default user
  std::string password;  // empty: no AUTH. Never logged.
  int database = 0;      // what a session begins in
  bool tls = false;      // refused for now

  int pool_size = 10;          // connections, over all workers and protocols
  int shared_connections = 1;  // of them, per worker and protocol, shared by all sessions
  int leases = 1'000;          // connections beyond those, each for one client that waits or watches
  int max_users = 100;         // users with connections of their own, at the same time, over all workers
  bool scripts_on_leases = false;
  bool client_names = false;

  int64_t connect_timeout_ms = 2'000;
  int64_t queue_timeout_ms = 1'000;   // longest wait for a connection
  int64_t reply_timeout_ms = 30'000;  // longest wait for a reply; 0: none
  int64_t reconnect_min_ms = 50;      // first pause after a failed connect; doubles, with jitter
  int64_t reconnect_max_ms = 2'000;

  bool operator==(const Upstream&) const = default;
};

// Who checks what a client says with AUTH.
enum class Auth {
  kOwn,       // we, by `password` and `users`
  kUpstream,  // the upstream, whose ACLs then decide what the client may do
};

// How the scripts of a listener's clients are sent.
enum class Scripts {
  kPass,  // as they are: only the keys that they declare are renamed
  kMap,   // so that they map the keys that they use themselves
};

// One address that clients connect to, and how they see the keyspace.
struct Listener {
  Address address{"127.0.0.1", 6380, ""};  // port 0: any free one
  scheme::View view;                       // view.prefix is empty unless view.unmatched is kPrefix
  Auth auth = Auth::kOwn;
  std::string password;            // of the user "default"; empty: there is none. Never logged.
  std::vector<std::string> users;  // names of Config::users who may log in here. Any named: everybody must
  Scripts scripts = Scripts::kPass;
};

// Somebody who may log in.
struct User {
  std::string name;
  std::string password;  // never empty. Never logged.
  // Whom the upstream sees; both empty: whom it sees of everybody else.
  std::string upstream_username;
  std::string upstream_password;
};

// Which databases of clients are views of one upstream database: scheme/fold.h.
struct Fold {
  int into = -1;       // the upstream database; -1: they are the upstream's own
  int databases = 16;  // that clients can select, when they fold

  bool operator==(const Fold&) const = default;
};

struct Admin {
  bool enabled = true;
  Address address{"127.0.0.1", 9380, ""};

  bool operator==(const Admin&) const = default;
};

// A private redis-server or valkey-server that Keyshift starts, owns and ends. Takes the place of
// `upstream.address`.
struct Embedded {
  bool enabled = false;
  // "auto": valkey-server or redis-server, whichever is found; else a name or a path.
  std::string program = "auto";

  bool operator==(const Embedded&) const = default;
};

// What bounds memory and patience with clients.
struct Limits {
  size_t max_clients = 10'000;
  size_t max_bulk_bytes = 512ull << 20;
  size_t max_arguments = 1'048'576;
  size_t max_inline_bytes = 64ull << 10;
  size_t max_request_bytes = 1ull << 30;
  size_t stream_threshold_bytes = 1ull << 20;       // requests above it are relayed while they arrive
  size_t client_output_limit_bytes = 256ull << 20;  // replies waiting for one client: above it, it is dropped
  size_t client_output_soft_bytes = 1ull << 20;     // above it, nothing more is read from that client
  size_t subscriber_output_limit_bytes = 32ull << 20;  // the same for a client that is subscribed to anything
  size_t upstream_buffer_mark_bytes = 1ull
                                      << 20;  // requests waiting for one connection: above it clients pause
  int64_t drain_timeout_ms = 10'000;          // how long SIGTERM waits for what is in flight
  int64_t idle_timeout_ms = 0;                // a client that says nothing for so long is closed; 0: never

  bool operator==(const Limits&) const = default;
};

struct Config {
  Upstream upstream;
  std::vector<Listener> listeners{Listener{}};  // at least one
  std::vector<User> users;
  Fold fold;
  Admin admin;
  Embedded embedded;
  Limits limits;
  int workers = 1;                                     // event loops, a thread each
  scheme::Phase phase = scheme::Phase::kConsolidated;  // of every rule that does not say otherwise
  std::string log_level = "info";                      // debug, info, warning, error
  std::vector<std::string> allow;  // dangerous commands let through, upper case: "CONFIG SET"
  scheme::SchemeSpec scheme;       // domains, rules and folding as written, phases resolved

  // The scheme compiled and proved. load() always sets it; in a Config made by hand it is null.
  std::shared_ptr<const scheme::Ruleset> rules;

  std::string file;                  // where it was read from; empty: no file
  std::vector<std::string> notices;  // what deserves a warning in the log at start, one sentence each
};

}  // namespace keyshift::config
