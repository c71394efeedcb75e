// ServerFacts: what INFO tells about an upstream that matters before one relies on it.
//
//   read_info("redis_version:7.0.15\r\nrole:master\r\n...# Keyspace\r\ndb0:keys=3,expires=1,avg_ttl=0\r\n")
//     version "7.0.15", supported, databases {0: 3 keys, 1 with an expiry}
//
// Pure. A field that the server does not tell keeps its initial value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace keyshift::migrate {

struct ServerFacts {
  struct Database {
    int number = 0;
    uint64_t keys = 0;
    uint64_t expires = 0;  // of them, with an expiry
  };

  std::string server = "redis";  // or "valkey"
  std::string version;           // the server's own; of Valkey not the Redis version that it claims
  bool supported = false;        // Redis from 7.0, every Valkey: EXPIRE takes NX
  bool loading = false;
  bool cluster = false;
  std::string role;  // "master", "slave"
  bool read_only = false;
  bool master_link_down = false;
  uint64_t used_memory = 0;
  uint64_t maxmemory = 0;        // 0: no limit
  std::string maxmemory_policy;  // "noeviction", "allkeys-lru", ...
  bool aof = false;
  bool rdb_failed = false;          // the last snapshot did
  std::vector<Database> databases;  // those that hold keys

  uint64_t keys() const {
    uint64_t sum = 0;
    for (const Database& database : databases) sum += database.keys;
    return sum;
  }
};

ServerFacts read_info(std::string_view info);

}  // namespace keyshift::migrate
