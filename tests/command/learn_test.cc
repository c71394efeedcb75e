#include <string>

#include <gtest/gtest.h>

#include "call.h"
#include "keyshift/command/keys.h"
#include "keyshift/command/table.h"

namespace keyshift::command {
namespace {

std::string line(char type, int64_t value) {
  std::string made(1, type);
  made += std::to_string(value);
  made += "\r\n";
  return made;
}
std::string number(int value) {
  return line(':', value);
}
std::string bulk(const std::string& text) {
  std::string made = line('$', static_cast<int64_t>(text.size()));
  made += text;
  made += "\r\n";
  return made;
}
std::string list(const std::vector<std::string>& values) {
  std::string made = line('*', static_cast<int64_t>(values.size()));
  for (const std::string& value : values) made += value;
  return made;
}
std::string words(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> parts;
  for (std::string part; in >> part;) parts.push_back(bulk(part));
  return list(parts);
}

// One entry of COMMAND as Redis 7 gives it.
struct Entry {
  std::string name;
  int arity = -2;
  std::string flags = "write";
  std::string categories = "";
  std::vector<std::string> specs = {};
  std::vector<std::string> subcommands = {};

  std::string text() const {
    return list({bulk(name), number(arity), words(flags), number(0), number(0), number(0), words(categories),
                 words(""), list(specs), list(subcommands)});
  }
};

std::string index_spec(int at, const std::string& flags = "RW") {
  return list(
      {bulk("flags"), words(flags), bulk("begin_search"),
       list({bulk("type"), bulk("index"), bulk("spec"), list({bulk("index"), number(at)})}),
       bulk("find_keys"),
       list({bulk("type"), bulk("range"), bulk("spec"),
             list({bulk("lastkey"), number(0), bulk("keystep"), number(1), bulk("limit"), number(0)})})});
}
std::string unknown_spec() {
  const std::string unknown = list({bulk("type"), bulk("unknown"), bulk("spec"), list({})});
  return list({bulk("flags"), words("RO"), bulk("begin_search"), unknown, bulk("find_keys"), unknown});
}

std::shared_ptr<const Table> learn(const std::vector<Entry>& entries) {
  std::vector<std::string> texts;
  for (const Entry& entry : entries) texts.push_back(entry.text());
  auto learned = Table::built_in().learn(list(texts));
  EXPECT_TRUE(learned.has_value()) << (learned ? "" : learned.error().text);
  return learned.value_or(nullptr);
}

TEST(Learn, ACommandOfAModule) {
  const auto table = learn({{"Mod.Do", -3, "write denyoom", "", {index_spec(1)}}});
  const Row* row = table->find("MOD.DO", "k").row;
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(row->name, "mod.do");
  EXPECT_EQ(row->arity, -3);
  EXPECT_EQ(row->family, Family::kModule);
  EXPECT_EQ(row->scope, Scope::kShared);
  EXPECT_EQ(row->reply, Reply::kOpaque);
  EXPECT_TRUE(row->is(Row::kLearned));
  EXPECT_TRUE(row->writes());
  ASSERT_EQ(row->name_count, 1);
  EXPECT_EQ(row->name_specs[0].access, Access::kUpdate);
  EXPECT_EQ(row->leaves, Leaves::kNothing);
}

TEST(Learn, WhatTheTableKnowsStays) {
  const auto table = learn({{"get", 7, "write admin"}, {"new", 2, "readonly"}});
  EXPECT_EQ(table->find("get", "k").row, Table::built_in().find("get", "k").row);
  EXPECT_EQ(table->size(), Table::built_in().size() + 1);
  EXPECT_EQ(Table::built_in().find("new", "k").row, nullptr);
}

TEST(Learn, ALearnedTableLearnsOnAndOutlivesItsParent) {
  auto first = learn({{"one", 2}});
  auto second = first->learn(list({Entry{"two", 2}.text()})).value();
  first.reset();
  EXPECT_EQ(second->find("ONE", "x").row->name, "one");
  EXPECT_EQ(second->find("TWO", "x").row->name, "two");
}

TEST(Learn, FlagsBecomeAScope) {
  const auto table = learn({{"m.admin", 2, "admin"},
                            {"m.conn", 2, "noscript", "@connection"},
                            {"m.block", 2, "write blocking"},
                            {"m.sub", 2, "pubsub noscript"},
                            {"m.pub", 2, "pubsub"},
                            {"m.read", 2, "readonly", "", {index_spec(1, "RO")}},
                            {"m.odd", 2, "readonly movablekeys", "", {unknown_spec()}}});
  EXPECT_EQ(table->find_full("m.admin")->scope, Scope::kRefused);
  EXPECT_EQ(table->find_full("m.conn")->scope, Scope::kRefused);
  EXPECT_EQ(table->find_full("m.block")->scope, Scope::kBlocks);
  EXPECT_EQ(table->find_full("m.sub")->scope, Scope::kNever);
  EXPECT_EQ(table->find_full("m.pub")->scope, Scope::kShared);
  EXPECT_EQ(table->find_full("m.read")->scope, Scope::kShared);
  EXPECT_EQ(table->find_full("m.read")->name_specs[0].access, Access::kRead);
  EXPECT_EQ(table->find_full("m.odd")->scope, Scope::kRefused);
}

TEST(Learn, SubcommandsOfNewAndOfKnownContainers) {
  const auto table =
      learn({{"m.box", -2, "", "", {}, {Entry{"m.box|put", 4, "write", "", {index_spec(2)}}.text()}},
             {"client", -2, "", "", {}, {Entry{"client|brandnew", 3, ""}.text()}},
             {"xinfo", -2, "", "", {}, {Entry{"xinfo|more", 3, "readonly", "", {index_spec(2)}}.text()}}});
  EXPECT_EQ(table->find("m.box", "PUT").row->name, "m.box|put");
  EXPECT_EQ(table->find("m.box", "get").outcome, Match::Outcome::kUnknownSubcommand);
  EXPECT_EQ(table->find("client", "brandnew").row->scope, Scope::kRefused);
  EXPECT_EQ(table->find("client", "setname").row->scope, Scope::kLocal);
  EXPECT_EQ(table->find("xinfo", "more").row->scope, Scope::kShared);
}

TEST(Learn, KeywordSpecsAreSearchedAsRedisDoes) {
  const auto keyword = [](int from, int last) {
    return list({bulk("flags"), words("OW"), bulk("begin_search"),
                 list({bulk("type"), bulk("keyword"), bulk("spec"),
                       list({bulk("keyword"), bulk("into"), bulk("startfrom"), number(from)})}),
                 bulk("find_keys"),
                 list({bulk("type"), bulk("range"), bulk("spec"),
                       list({bulk("lastkey"), number(last), bulk("keystep"), number(1), bulk("limit"),
                             number(0)})})});
  };
  const auto table =
      learn({{"m.fwd", -2, "write", "", {keyword(1, 0)}}, {"m.back", -2, "write", "", {keyword(-2, -1)}}});
  const auto keys = [&](const char* text) {
    Call call{std::string(text)};
    Names names;
    EXPECT_EQ(find_names(*table->find(call.request()[0], call.request()[1]).row, call.request(), names),
              Found::kComplete);
    std::string found;
    for (const Name& name : names.list) found += std::to_string(name.at) + " ";
    return found;
  };
  EXPECT_EQ(keys("m.fwd x Into k INTO z"), "3 ");
  EXPECT_EQ(keys("m.fwd x y into"), "");
  EXPECT_EQ(keys("m.back a INTO b INTO c d"), "5 6 ");
  EXPECT_EQ(keys("m.back a b"), "");
}

TEST(Learn, Redis6HasSevenFieldsAndNoSpecs) {
  const auto entry = [](const char* name, const char* flags, int first, int last, int step) {
    return list({bulk(name), number(-2), words(flags), number(first), number(last), number(step), words("")});
  };
  auto table = Table::built_in().learn(
      list({entry("m.a", "write", 1, -1, 2), entry("m.b", "readonly movablekeys", 0, 0, 0)}));
  ASSERT_TRUE(table.has_value());
  const Row* row = (*table)->find_full("m.a");
  EXPECT_EQ(row->name_specs[0].last, -1);
  EXPECT_EQ(row->name_specs[0].step, 2);
  EXPECT_EQ((*table)->find_full("m.b")->scope, Scope::kRefused);
}

TEST(Learn, NumbersOutOfAllProportionAreRefusedNotUsed) {
  const auto table = learn(
      {{"m.far", -2, "write", "", {index_spec(2000000000)}}, {"m.zero", -2, "write", "", {index_spec(0)}}});
  EXPECT_EQ(table->find_full("m.far")->scope, Scope::kRefused);
  EXPECT_EQ(table->find_full("m.zero")->scope, Scope::kRefused);
}

TEST(Learn, WhatIsNoCommandReplyIsAnError) {
  EXPECT_FALSE(Table::built_in().learn("-NOPERM no\r\n").has_value());
  EXPECT_FALSE(Table::built_in().learn("+OK\r\n").has_value());
  EXPECT_FALSE(Table::built_in().learn("*1\r\n:1\r\n").has_value());
  EXPECT_FALSE(Table::built_in().learn("*1\r\n*2\r\n+a\r\n:1\r\n").has_value());
  EXPECT_FALSE(Table::built_in().learn("*1\r\n*6\r\n+a\r\n+b\r\n*0\r\n:1\r\n:1\r\n:1\r\n").has_value());
  EXPECT_FALSE(Table::built_in().learn("").has_value());
  EXPECT_TRUE(Table::built_in().learn("*1\r\n*-1\r\n").has_value());
}

}  // namespace
}  // namespace keyshift::command
