#include "keyshift/migrate/server_facts.h"

#include <charconv>

#include "keyshift/net/info.h"

namespace keyshift::migrate {
namespace {

using net::info_field;

// The number at the front of `text`; 0 where there is none.
uint64_t number(std::string_view text) {
  uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// "keys=3,expires=1,avg_ttl=0"
uint64_t item(std::string_view list, std::string_view name) {
  const size_t at = list.find(name);
  return at == std::string_view::npos ? 0 : number(list.substr(at + name.size()));
}

std::vector<ServerFacts::Database> databases(std::string_view info) {
  std::vector<ServerFacts::Database> list;
  for (size_t at = info.find("# Keyspace"); at < info.size();) {
    const size_t end = std::min(info.find("\r\n", at), info.size());
    const std::string_view line = info.substr(at, end - at);
    at = end + 2;
    const size_t colon = line.find(':');
    if (!line.starts_with("db") || colon == std::string_view::npos) continue;
    list.push_back(
        {static_cast<int>(number(line.substr(2, colon - 2))), item(line, "keys="), item(line, "expires=")});
  }
  return list;
}

}  // namespace

ServerFacts read_info(std::string_view info) {
  ServerFacts facts;
  facts.version = info_field(info, "redis_version");
  facts.supported = number(facts.version) >= 7;
  if (const std::string_view valkey = info_field(info, "valkey_version"); !valkey.empty()) {
    facts.server = "valkey";
    facts.version = valkey;
    facts.supported = true;
  }
  facts.loading = info_field(info, "loading") == "1";
  facts.cluster = info_field(info, "cluster_enabled") == "1";
  facts.role = info_field(info, "role");
  facts.read_only = facts.role == "slave" && info_field(info, "slave_read_only") == "1";
  facts.master_link_down = facts.role == "slave" && info_field(info, "master_link_status") == "down";
  facts.used_memory = number(info_field(info, "used_memory"));
  facts.maxmemory = number(info_field(info, "maxmemory"));
  facts.maxmemory_policy = info_field(info, "maxmemory_policy");
  facts.aof = info_field(info, "aof_enabled") == "1";
  facts.rdb_failed = info_field(info, "rdb_last_bgsave_status") == "err";
  facts.databases = databases(info);
  return facts;
}

}  // namespace keyshift::migrate
