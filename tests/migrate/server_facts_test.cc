#include "keyshift/migrate/server_facts.h"

#include <gtest/gtest.h>

namespace keyshift::migrate {
namespace {

TEST(ServerFacts, OfARedisWithData) {
  const ServerFacts facts = read_info(
      "# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\n"
      "# Memory\r\nused_memory:1048576\r\nused_memory_human:1.00M\r\nmaxmemory:2097152\r\n"
      "maxmemory_policy:allkeys-lru\r\n"
      "# Persistence\r\nloading:0\r\nrdb_last_bgsave_status:ok\r\naof_enabled:1\r\n"
      "# Replication\r\nrole:master\r\n# Cluster\r\ncluster_enabled:0\r\n"
      "# Keyspace\r\ndb0:keys=12,expires=3,avg_ttl=500\r\ndb15:keys=1,expires=0,avg_ttl=0\r\n");
  EXPECT_EQ(facts.server + " " + facts.version, "redis 7.0.15");
  EXPECT_TRUE(facts.supported);
  EXPECT_EQ(facts.role, "master");
  EXPECT_FALSE(facts.read_only || facts.loading || facts.cluster || facts.rdb_failed);
  EXPECT_TRUE(facts.aof);
  EXPECT_EQ(facts.used_memory, 1'048'576u);
  EXPECT_EQ(facts.maxmemory, 2'097'152u);
  EXPECT_EQ(facts.maxmemory_policy, "allkeys-lru");
  ASSERT_EQ(facts.databases.size(), 2u);
  EXPECT_EQ(facts.databases[0].keys, 12u);
  EXPECT_EQ(facts.databases[0].expires, 3u);
  EXPECT_EQ(facts.databases[1].number, 15);
  EXPECT_EQ(facts.keys(), 13u);
}

TEST(ServerFacts, VersionsThatAreSupported) {
  EXPECT_FALSE(read_info("redis_version:6.2.14\r\n").supported);
  EXPECT_TRUE(read_info("redis_version:8.0.1\r\n").supported);
  EXPECT_TRUE(read_info("redis_version:10.0.0\r\n").supported);
  const ServerFacts valkey =
      read_info("redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.1.0\r\n");
  EXPECT_TRUE(valkey.supported);
  EXPECT_EQ(valkey.server + " " + valkey.version, "valkey 8.1.0");
}

TEST(ServerFacts, OfAReplicaThatHasLostItsMaster) {
  const ServerFacts facts = read_info(
      "loading:1\r\nrole:slave\r\nmaster_link_status:down\r\nslave_read_only:1\r\ncluster_enabled:1\r\n"
      "rdb_last_bgsave_status:err\r\n");
  EXPECT_TRUE(facts.read_only && facts.master_link_down && facts.loading && facts.cluster &&
              facts.rdb_failed);
}

TEST(ServerFacts, OfNonsenseAreTheInitialOnes) {
  for (const char* text : {"", "\r\n", "# Keyspace", "# Keyspace\r\ndb", "redis_version", "db0:keys"}) {
    const ServerFacts facts = read_info(text);
    EXPECT_FALSE(facts.supported);
    EXPECT_TRUE(facts.databases.empty());
  }
}

}  // namespace
}  // namespace keyshift::migrate
