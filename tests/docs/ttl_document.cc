// docs/ttl.md, from the command table; its examples come from the planner.
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "documents.h"
#include "keyshift/base/ascii.h"
#include "keyshift/command/table.h"
#include "ttl_examples.h"
#include "ttl_groups.h"
#include "ttl_words.h"

namespace keyshift::docs {
namespace {

using command::NameSpec;
using command::Row;

std::string shown(const Row& row) {
  std::string text = "`";
  for (const char c : row.name)
    text += c == '|' ? ' ' : static_cast<char>(c - (c >= 'a' && c <= 'z' ? 32 : 0));
  text += "`";
  using enum command::Scope;
  const bool refused = row.scope == kRefused || row.scope == kTunnels || row.scope == kNever;
  return text + (row.is(Row::kNewer) ? "*" : "") + (refused ? "†" : "");
}

std::vector<const Row*> rows_of(Group group) {
  std::vector<const Row*> rows;
  const command::Table& table = command::Table::built_in();
  for (size_t i = 0; i < table.size(); ++i)
    if (group_of(table[i]) == group) rows.push_back(&table[i]);
  return rows;
}

void add_name(std::string& list, const Row& row) {
  list += (list.empty() ? "" : ", ") + shown(row);
}

// One line a family, families in the order of the table.
std::string by_family(const std::vector<const Row*>& rows) {
  std::map<command::Family, std::string> lists;
  for (const Row* row : rows) add_name(lists[row->family], *row);
  std::string out = "| family | commands |\n|---|---|\n";
  for (const auto& [family, list] : lists)
    out += "| " + std::string(command::family_name(family)) + " | " + list + " |\n";
  return out;
}

// Which of a command's keys can be left without an expiry.
std::string which_key(const Row& row) {
  std::string word;
  size_t keys = 0;
  const NameSpec* lasting = nullptr;
  for (const NameSpec& spec : row.names()) {
    if (spec.role != command::Role::kKey) continue;
    ++keys;
    if (!spec.lasting) continue;
    lasting = &spec;
    if (spec.begin == NameSpec::Begin::kKeyword)
      word += (word.empty() ? "`" : " or `") + std::string(spec.word) + "`";
  }
  if (!word.empty()) return "the key behind " + word;
  if (lasting->find == NameSpec::Find::kKeynum || lasting->last != 0) return "each of its keys";
  if (keys == 1) return "its key";
  return lasting->index == 1 ? "the first key, its target" : "the second key, its target";
}

std::string behind() {
  std::map<std::string, std::vector<const Row*>> groups;
  for (const Row* row : rows_of(Group::kBehind)) groups[which_key(*row)].push_back(row);
  std::string out;
  for (const char* which :
       {"its key", "each of its keys", "the first key, its target", "the second key, its target"}) {
    out += "\nGiven to **" + std::string(which) + "**:\n\n" + by_family(groups[which]);
    groups.erase(which);
  }
  out += "\nGiven to the key behind a word, where it is there:\n\n| command | key |\n|---|---|\n";
  for (const auto& [which, rows] : groups)
    for (const Row* row : rows) out += "| " + shown(*row) + " | " + which + " |\n";
  return out;
}

std::string unit_of(const Row& row) {
  return row.expiry_unit == command::Unit::kSeconds ? "seconds" : "milliseconds";
}

std::string base_of(const Row& row) {
  return row.expiry_base == command::Base::kRelative ? "from now" : "Unix time";
}

std::string positional(const std::vector<const Row*>& rows) {
  std::string out = "| command | the expiry is | in | counted |\n|---|---|---|---|\n";
  for (const Row* row : rows) {
    out += "| " + shown(*row) + " | argument " + std::to_string(row->expiry_at) + " | " + unit_of(*row) +
           " | " + base_of(*row) + " |\n";
  }
  return out;
}

std::string optional(Group group) {
  std::string out = "| command | its words for an expiry |\n|---|---|\n";
  for (const Row* row : rows_of(group)) {
    std::string list;
    for (const command::Option& option : row->options.words) {
      for (const std::string_view word : {"EX", "PX", "EXAT", "PXAT", "KEEPTTL", "PERSIST"})
        if (option.word == word) list += (list.empty() ? "`" : ", `") + std::string(word) + "`";
    }
    out += "| " + shown(*row) + " | " + list + " |\n";
  }
  return out;
}

std::string examples(TtlExamples& planner, std::initializer_list<const char*> lines) {
  for (const char* line : lines) planner.add(line);
  return "\n" + planner.table();
}

}  // namespace

std::string ttl_document() {
  TtlExamples planner(kExampleScheme);
  std::string out(kIntroduction);
  out += std::string("\n```toml") + kExampleScheme + "```\n";
  out += kDefaultWords;
  out += examples(planner, {"SET mood:user:u1 calm", "SADD mood:user:u1:days 1", "GET mood:user:u1"});
  out += kGivenWords;
  out += examples(planner, {"SETEX mood:user:u1 3600 calm", "SETEX mood:user:u1 604800 calm",
                            "SET mood:user:u1 calm PX 500", "EXPIREAT mood:user:u1 1800000000",
                            "SET crisis:level:user:u1 high EX 86400", "SET lock:job:7 me EX 604800",
                            "SET archive:letter:9 text EX 604800", "EXPIRE mood:user:u1 0",
                            "SET mood:user:u1 calm EX -1"});
  out += kBoundsWords;
  out += kCommandsWords;

  out += kInlineWords;
  out += optional(Group::kInline);
  out += examples(planner, {"SET mood:user:u1 calm NX GET", "SET mood:user:u1 calm KEEPTTL",
                            "SET mood:user:u1 calm EX soon"});
  out += kAlwaysWords;
  out += positional(rows_of(Group::kAlways));
  out += kArgumentWords;
  out += positional(rows_of(Group::kArgument));
  out += examples(planner, {"RESTORE mood:user:u1 0 payload", "RESTORE mood:user:u1 0 payload ABSTTL",
                            "RESTORE mood:user:u1 172800000 payload"});
  out += kOptionalWords;
  out += optional(Group::kOptional);
  out +=
      examples(planner, {"GETEX mood:user:u1", "GETEX mood:user:u1 EX 604800", "GETEX mood:user:u1 PERSIST"});
  out += kCounterWords;
  out += optional(Group::kCounter);
  out += examples(planner, {"INCREX mood:visits", "INCREX mood:visits EX 604800 ENX"});
  out += kBehindWords;
  out += examples(planner, {"INCR mood:visits", "MSET mood:a 1 mood:b 2 other 3", "PERSIST mood:user:u1",
                            "RENAME draft mood:user:u1", "SORT list STORE mood:sorted"});
  out += behind();
  out += kLeavesWords;
  out += by_family(rows_of(Group::kLeaves));
  out += kEndWords;
  return out;
}

}  // namespace keyshift::docs
