#include "keyshift/config/reload.h"

#include <gtest/gtest.h>

#include "keyshift/config/option.h"
#include "load_fixture.h"

namespace keyshift::config {
namespace {

using Names = std::vector<std::string>;

class ReloadTest : public LoadTest {
 protected:
  Config of(const std::string& toml) {
    file(toml);
    return loaded();
  }
};

TEST_F(ReloadTest, TheSameAgainNeedsNothing) {
  const Config config = of("[[listener]]\naddress = [\":7000\", \"unix:/run/k\"]\n");
  EXPECT_EQ(restart_options(config, config), Names{});
}

TEST_F(ReloadTest, WhatOnlyANewProcessCanDoIsNamed) {
  const Config wanted =
      of("workers = 2\n"
         "[upstream]\n"
         "url = \"redis://user:secret@10.0.0.6/2\"\n"
         "pool_size = 20\n"
         "reply_timeout = \"5s\"\n"
         "[admin]\n"
         "address = \"off\"\n"
         "[embedded]\n"
         "program = \"valkey-server\"\n"
         "[limits]\n"
         "max_bulk = \"1mb\"\n");
  EXPECT_EQ(restart_options(Config{}, wanted),
            (Names{"workers", "upstream.username", "upstream.password", "upstream.database", "upstream.url",
                   "upstream.pool_size", "upstream.reply_timeout", "admin.address", "embedded.program",
                   "limits.max_bulk"}));
}

TEST_F(ReloadTest, WhatAReloadChangesIsNotNamed) {
  const Config running = of("[[listener]]\naddress = [\":7000\", \":7001\"]\n");
  const Config wanted =
      of("phase = \"legacy\"\n"
         "allow = [\"DEBUG\"]\n"
         "[[listener]]\n"
         "address = \":7001\"\n"
         "view = \"consolidated\"\n"
         "unmatched = \"prefix\"\n"
         "unmatched_prefix = \"old:\"\n"
         "[[listener]]\n"
         "address = \":7000\"\n"
         "password = \"pw\"\n"
         "[limits]\n"
         "max_clients = 7\n"
         "client_output = \"2mb\"\n"
         "client_output_soft = \"2kb\"\n"
         "drain_timeout = \"1s\"\n"
         "idle_timeout = \"1s\"\n"
         "[log]\n"
         "level = \"debug\"\n"
         "[domain.d]\n"
         "default_ttl = \"1h\"\n"
         "[[rule]]\n"
         "legacy = \"a:{x}\"\n"
         "key = \"d:a:{x}\"\n");
  EXPECT_EQ(restart_options(running, wanted), Names{});
}

TEST_F(ReloadTest, AListenerMoreOrLessOrElsewhereIsItsAddress) {
  const Config one = of("[[listener]]\naddress = \":7000\"\n");
  const Config two = of("[[listener]]\naddress = [\":7000\", \":7001\"]\n");
  const Config moved = of("[[listener]]\naddress = \":7002\"\n");
  EXPECT_EQ(restart_options(one, two), Names{"listener.address"});
  EXPECT_EQ(restart_options(two, one), Names{"listener.address"});
  EXPECT_EQ(restart_options(one, moved), Names{"listener.address"});
}

// The list of the manual; a new option must be decided here.
TEST(OptionTable, EveryOptionSaysWhetherAReloadChangesIt) {
  const auto reloads = [](std::string_view name) {
    for (const char* prefix : {"domain.", "rule.", "log.", "user."})
      if (name.starts_with(prefix)) return true;
    for (const char* option :
         {"phase", "allow", "listener.view", "listener.unmatched", "listener.unmatched_prefix",
          "listener.password", "listener.auth", "listener.users", "listener.scripts", "limits.max_clients",
          "limits.client_output", "limits.client_output_soft", "limits.subscriber_output",
          "limits.drain_timeout", "limits.idle_timeout"})
      if (name == option) return true;
    return false;
  };
  for (const Option& option : options())
    EXPECT_EQ(option.applies == Applies::kReload, reloads(option.name)) << option.name;
}

// What is compared is what was stored: each row reads what it has written.
TEST(OptionTable, ARowReadsWhatItHasStored) {
  for (const Option& option : options()) {
    const auto* field = std::get_if<Field<Config>>(&option.field);
    if (field == nullptr || field->read == nullptr || option.default_text.empty()) continue;
    const auto value = parse_value(option, option.default_text);
    ASSERT_TRUE(value) << option.name;
    Config config;
    ASSERT_TRUE(field->store(config, *value)) << option.name;
    EXPECT_EQ(field->read(config), *value) << option.name;
    EXPECT_EQ(field->read(Config{}), *value) << option.name << ": the initial value is not the default";
  }
}

}  // namespace
}  // namespace keyshift::config
