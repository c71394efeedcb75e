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
#include <string>
#include <string_view>
#include <vector>

#include "keyshift/base/result.h"
#include "keyshift/scheme/ruleset.h"

namespace keyshift::config {

// Where to listen or to connect: a Unix socket when `path` is not empty, else host and port.
struct Address {
  std::string host;   // name or number, without brackets: "::1"
  uint16_t port = 0;  // 0: any free one (listeners only)
  std::string path;   // a Unix socket's path

  bool is_unix() const { return !path.empty(); }
  // As the operator writes it: "127.0.0.1:6380", "[::1]:6380", "unix:/run/keyshift.sock".
  std::string text() const;
  bool operator==(const Address&) const = default;
};

// Reads "127.0.0.1:6380", "[::1]:6380", "localhost:6380", ":6380" (any address), "unix:/path" or "/path".
Result<Address> parse_address(std::string_view text);

// The Redis or Valkey behind us, and how patient we are with it.
struct Upstream {
  Address address{"127.0.0.1", 6379, ""};
  std::string username;  // empty: the default user
  std::string password;  // empty: no AUTH. Never logged.
  int database = 0;      // what a session begins in
  bool tls = false;      // refused for now

  int pool_size = 10;          // connections, over all workers and protocols
  int shared_connections = 1;  // of them, per worker and protocol, shared by all sessions

  int64_t connect_timeout_ms = 2'000;
  int64_t queue_timeout_ms = 1'000;   // longest wait for a connection
  int64_t reply_timeout_ms = 30'000;  // longest wait for a reply; 0: none
  int64_t reconnect_min_ms = 50;      // first pause after a failed connect; doubles, with jitter
  int64_t reconnect_max_ms = 2'000;

  bool operator==(const Upstream&) const = default;
};

// One address that clients connect to, and how names look through it.
struct Listener {
  Address address{"127.0.0.1", 6380, ""};
  scheme::View view = scheme::View::kLegacy;
  scheme::Unmatched unmatched = scheme::Unmatched::kPass;
  std::string unmatched_prefix;  // for Unmatched::kPrefix, else empty
  std::string password;          // empty: clients need no AUTH. Never logged.

  bool operator==(const Listener&) const = default;
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
  std::string program =
      "auto";  // "auto": valkey-server or redis-server, whichever is found; else a name or a path

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
  size_t upstream_buffer_mark_bytes =
      1ull << 20;                     // requests waiting for one connection: above it, its clients pause
  int64_t drain_timeout_ms = 10'000;  // how long SIGTERM waits for what is in flight
  int64_t idle_timeout_ms = 0;        // a client that says nothing for so long is closed; 0: never

  bool operator==(const Limits&) const = default;
};

struct Config {
  Upstream upstream;
  std::vector<Listener> listeners{Listener{}};  // at least one
  Admin admin;
  Embedded embedded;
  Limits limits;
  int workers = 1;                                     // event loops, a thread each
  scheme::Phase phase = scheme::Phase::kConsolidated;  // of every rule that does not say otherwise
  std::string log_level = "info";                      // debug, info, warning, error
  std::vector<std::string> allow;  // dangerous commands let through, upper case: "CONFIG SET"
  scheme::SchemeSpec scheme;       // domains and rules, not yet compiled

  std::string file;                  // where it was read from; empty: no file
  std::vector<std::string> notices;  // what deserves a warning in the log at start, one sentence each
};

}  // namespace keyshift::config
