#include "keyshift/command/table.h"

#include <set>
#include <string>
#include <thread>

#include <gtest/gtest.h>

namespace keyshift::command {
namespace {

const Table& table() {
  return Table::built_in();
}

std::string upper(std::string_view text) {
  std::string made(text);
  for (char& c : made) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
  return made;
}

TEST(Table, FindsEveryRowByItsNameInAnyCase) {
  for (size_t i = 0; i < table().size(); ++i) {
    const Row& row = table()[i];
    const size_t bar = row.name.find('|');
    for (const std::string& name : {std::string(row.name), upper(row.name)}) {
      const std::string_view view = name;
      const Match match = bar == std::string_view::npos
                              ? table().find(view, {})
                              : table().find(view.substr(0, bar), view.substr(bar + 1));
      EXPECT_EQ(match.outcome, Match::Outcome::kFound) << row.name;
      EXPECT_EQ(match.row, &row) << row.name;
    }
    EXPECT_EQ(table().find_full(row.name), &row);
  }
}

TEST(Table, MixedCaseIsFolded) {
  EXPECT_EQ(table().find("gEt", "key").row->name, "get");
}

TEST(Table, OnlyLettersAreFolded) {
  EXPECT_EQ(table().find("georadius_ro", "k").outcome, Match::Outcome::kFound);
  EXPECT_EQ(table().find("georadius\x7fro", "k").outcome, Match::Outcome::kUnknownCommand);
  EXPECT_EQ(table().find("restore\rasking", "k").outcome, Match::Outcome::kUnknownCommand);
  EXPECT_EQ(table().find("json\x0eget", "k").outcome, Match::Outcome::kUnknownCommand);
  EXPECT_EQ(table().find(std::string("\xc7\xc5\xd4"), "k").outcome, Match::Outcome::kUnknownCommand);
}

TEST(Table, UnknownCommandsAreUnknown) {
  for (const char* name : {"nosuch", "ge", "gett", "g", "", "client|setname", "config|get", "post",
                           "host:", "zrangebyscorf", "zrangebycsore"}) {
    const Match match = table().find(name, "x");
    EXPECT_EQ(match.outcome, Match::Outcome::kUnknownCommand) << name;
    EXPECT_EQ(match.row, nullptr) << name;
  }
  EXPECT_EQ(table().find(std::string(100'000, 'g'), "x").outcome, Match::Outcome::kUnknownCommand);
}

// Every name with one byte changed, dropped or added is unknown or another row: never the row itself.
TEST(Table, NamesAreComparedToTheLastByte) {
  for (size_t i = 0; i < table().size(); ++i) {
    const std::string name(table()[i].name);
    if (name.find('|') != std::string::npos) continue;
    for (size_t at = 0; at < name.size(); ++at) {
      std::string changed = name;
      changed[at] = '!';
      EXPECT_EQ(table().find(changed, "x").row, nullptr) << changed;
      std::string dropped = name;
      dropped.erase(at, 1);
      EXPECT_NE(table().find(dropped, "x").row, &table()[i]) << dropped;
    }
    EXPECT_NE(table().find(name + "\0", "x").row, nullptr);
    EXPECT_EQ(table().find(name + std::string(1, '\0'), "x").row, nullptr) << name;
  }
}

TEST(Table, ContainerTakesItsSubcommandFromTheFirstArgument) {
  EXPECT_EQ(table().find("CLIENT", "SetName").row->name, "client|setname");
  EXPECT_EQ(table().find("config", "get").row->name, "config|get");
  EXPECT_EQ(table().find("xgroup", "CREATECONSUMER").row->name, "xgroup|createconsumer");
}

TEST(Table, ContainerAloneIsItselfAndItsArityDecides) {
  const Match client = table().find("client", {});
  EXPECT_EQ(client.outcome, Match::Outcome::kFound);
  EXPECT_EQ(client.row->name, "client");
  EXPECT_FALSE(client.row->takes(1));
  EXPECT_TRUE(table().find("command", {}).row->takes(1));
}

TEST(Table, UnknownSubcommandNamesItsContainer) {
  const Match match = table().find("CLIENT", "MAINT_NOTIFICATIONS");
  EXPECT_EQ(match.outcome, Match::Outcome::kUnknownSubcommand);
  EXPECT_EQ(match.row->name, "client");
  EXPECT_EQ(table().find("client", "").outcome, Match::Outcome::kUnknownSubcommand);
  EXPECT_EQ(table().find("client", "").row->name, "client");
  // A subcommand of another container is none of this one.
  EXPECT_EQ(table().find("config", "setname").outcome, Match::Outcome::kUnknownSubcommand);
}

TEST(Table, OpenContainerTakesWordsThatHaveNoRow) {
  EXPECT_EQ(table().find("debug", "object").row->name, "debug|object");
  const Match sleep = table().find("DEBUG", "SLEEP");
  EXPECT_EQ(sleep.outcome, Match::Outcome::kFound);
  EXPECT_EQ(sleep.row->name, "debug");
  EXPECT_EQ(sleep.row->scope, Scope::kRefused);
}

TEST(Table, FirstArgumentOfAPlainCommandIsNotRead) {
  EXPECT_EQ(table().find("get", "setname").row->name, "get");
}

TEST(Row, TakesCountsTheName) {
  EXPECT_TRUE(table().find_full("get")->takes(2));
  EXPECT_FALSE(table().find_full("get")->takes(3));
  EXPECT_TRUE(table().find_full("set")->takes(3));
  EXPECT_TRUE(table().find_full("set")->takes(9));
  EXPECT_FALSE(table().find_full("set")->takes(2));
  EXPECT_FALSE(table().find_full("client|setname")->takes(2));
}

// What must hold for each row by itself.
TEST(Row, EveryRowIsConsistent) {
  std::set<std::string_view> names;
  for (size_t i = 0; i < table().size(); ++i) {
    const Row& row = table()[i];
    SCOPED_TRACE(row.name);
    EXPECT_TRUE(names.insert(row.name).second) << "twice";
    EXPECT_EQ(std::string(row.name).find_first_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ "), std::string::npos);
    EXPECT_NE(row.arity, 0);
    EXPECT_FALSE(row.is(Row::kLearned));
    if (const size_t bar = row.name.find('|'); bar != std::string_view::npos) {
      const Row* container = table().find_full(row.name.substr(0, bar));
      ASSERT_NE(container, nullptr);
      EXPECT_TRUE(container->is(Row::kContainer));
      EXPECT_FALSE(row.is(Row::kContainer));
    }

    const int least = row.arity < 0 ? -row.arity : row.arity;
    bool lasting = false;
    for (const NameSpec& spec : row.names()) {
      lasting |= spec.lasting;
      EXPECT_EQ(spec.role == Role::kKey, spec.access != Access::kNone);
      EXPECT_TRUE(!spec.lasting || writes(spec.access));
      EXPECT_FALSE(spec.lasting && spec.access == Access::kDelete);
      EXPECT_GE(spec.step, 1);
      if (spec.begin == NameSpec::Begin::kIndex) {
        EXPECT_GE(spec.index, 1);
        // The place is there in the shortest call, but for lists that may be empty.
        if (spec.last == 0) {
          EXPECT_LT(spec.index, least);
        }
        EXPECT_TRUE(spec.word.empty());
      } else {
        EXPECT_FALSE(spec.word.empty());
        EXPECT_FALSE(row.options.words.empty()) << "a built-in row names its words";
        bool listed = false;
        for (const Option& option : row.options.words) listed |= option.word == spec.word;
        EXPECT_TRUE(listed) << spec.word;
      }
      EXPECT_EQ(spec.find == NameSpec::Find::kKeynum, spec.first != 0);
    }
    EXPECT_EQ(lasting, row.leaves != Leaves::kNothing);
    EXPECT_EQ(row.expiry == Expiry::kPositional, row.expiry_at != 0);
    if (row.expiry == Expiry::kPositional) {
      EXPECT_LT(row.expiry_at, least);
    }
    if (row.expiry == Expiry::kOptions) {
      EXPECT_FALSE(row.options.words.empty());
    }
    if (row.leaves == Leaves::kInline) {
      EXPECT_EQ(row.expiry, Expiry::kOptions);
    }
    if (row.leaves == Leaves::kArgument) {
      EXPECT_EQ(row.expiry, Expiry::kPositional);
    }
    if (row.options.words.empty()) {
      EXPECT_EQ(row.options.from, 0);
    }
    for (const Option& option : row.options.words) EXPECT_EQ(upper(option.word), option.word);
    if (row.hit != Hit::kNone) {
      EXPECT_GT(row.name_count, 0);
    }
    if (row.is(Row::kNondeterministic)) {
      EXPECT_TRUE(row.writes());
    }
  }
}

TEST(Row, ScopesThatALegacyApplicationMeets) {
  const auto scope = [](const char* name) { return table().find_full(name)->scope; };
  for (const char* name : {"get", "flushall", "config|get", "command|docs", "info", "slowlog|get", "eval",
                           "publish", "xread", "ping"}) {
    EXPECT_EQ(scope(name), Scope::kShared) << name;
  }
  for (const char* name : {"blpop", "bzmpop", "brpoplpush", "wait"}) {
    EXPECT_EQ(scope(name), Scope::kBlocks) << name;
  }
  for (const char* name : {"multi", "exec", "discard", "watch", "unwatch"}) {
    EXPECT_EQ(scope(name), Scope::kTransaction) << name;
  }
  for (const char* name : {"subscribe", "ssubscribe", "punsubscribe"}) {
    EXPECT_EQ(scope(name), Scope::kSubscribes) << name;
  }
  for (const char* name : {"client|tracking", "client|caching"}) {
    EXPECT_EQ(scope(name), Scope::kTracks) << name;
  }
  EXPECT_EQ(scope("monitor"), Scope::kFeeds);
  for (const char* name : {"echo", "quit", "reset", "select", "auth", "hello", "client|setname",
                           "client|setinfo", "client|no-evict", "acl|whoami"}) {
    EXPECT_EQ(scope(name), Scope::kLocal) << name;
  }
  for (const char* name :
       {"shutdown", "replicaof", "slaveof", "debug", "config|set", "config|rewrite", "module|load",
        "failover", "acl|setuser", "cluster|reset", "migrate", "save", "bgsave"}) {
    EXPECT_EQ(scope(name), Scope::kRefused) << name;
  }
  for (const char* name : {"sync", "psync", "replconf"}) EXPECT_EQ(scope(name), Scope::kTunnels) << name;
}

TEST(Row, RepliesThatCarryNames) {
  const auto reply = [](const char* name) { return table().find_full(name)->reply; };
  EXPECT_EQ(reply("get"), Reply::kOpaque);
  EXPECT_EQ(reply("keys"), Reply::kKeys);
  EXPECT_EQ(reply("scan"), Reply::kScan);
  EXPECT_EQ(reply("sscan"), Reply::kOpaque);
  EXPECT_EQ(reply("randomkey"), Reply::kKey);
  EXPECT_EQ(reply("xreadgroup"), Reply::kStreams);
  EXPECT_EQ(reply("bzpopmin"), Reply::kKeyedPop);
  EXPECT_EQ(reply("zpopmin"), Reply::kOpaque);
  // The words in its reply are the client's own.
  EXPECT_EQ(reply("command|getkeys"), Reply::kOpaque);
  EXPECT_EQ(table().find_full("command|getkeys")->name_count, 0);
}

TEST(Table, IsSharedBetweenThreads) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([] {
      for (int n = 0; n < 10'000; ++n) ASSERT_EQ(table().find("CLIENT", "ID").row->name, "client|id");
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace keyshift::command
