// Commands as the slow log quotes them: their rows say which words are keys, and those get the names that clients use.
//
//   *6 :7 :1700000000 :12 *3 $4 SADD $14 work:jobs:id:1 $1 x $9 127.0.0.1 $0     the entry of a SADD
//                                    $14 -> $5 job:1
//
// Redis cuts what it quotes: of many arguments the last says how many more there were, a long one how many bytes.
#include "keyshift/plan/quoted_commands.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "keyshift/command/keys.h"
#include "keyshift/command/table.h"
#include "keyshift/plan/reply_mapper.h"
#include "keyshift/plan/script_prelude.h"
#include "keyshift/resp/number.h"
#include "keyshift/resp/reply_cursor.h"
#include "keyshift/resp/writer.h"

namespace keyshift::plan {
namespace {

using resp::ReplyCursor;
using resp::Token;

// id, time, duration, arguments; since Redis 4 also the client's address and name.
constexpr uint64_t kFieldsBefore = 3;

constexpr std::string_view kCut = "... (";
constexpr std::string_view kMoreArguments = " more arguments)";
constexpr std::string_view kMoreBytes = " more bytes)";

// N of a text that ends with "... (N more arguments)" or "... (N more bytes)", and where that begins.
struct Remark {
  size_t begin;
  int64_t count;
};

std::optional<Remark> remark(std::string_view text, std::string_view ending) {
  if (!text.ends_with(ending)) return std::nullopt;
  const size_t begin = text.rfind(kCut);
  if (begin == std::string_view::npos) return std::nullopt;
  text.remove_suffix(ending.size());
  int64_t count = 0;
  if (begin + kCut.size() > text.size() || !resp::parse_integer(text.substr(begin + kCut.size()), count)) {
    return std::nullopt;
  }
  return Remark{begin, count};
}

}  // namespace

void read_quoted(const command::Table& table, const resp::Request& command, size_t announced,
                 Quoted& quoted) {
  quoted.keys.clear();
  quoted.theirs = command.size();
  if (command.empty()) return;
  const command::Match found = table.find(command[0], command.size() > 1 ? command[1] : std::string_view());
  if (found.outcome != command::Match::Outcome::kFound || !found.row->takes(announced)) return;
  command::Names names;
  command::find_names(*found.row, command, announced, names);
  for (const command::Name& name : names.list) {
    if (name.role == command::Role::kKey && name.at < command.size()) quoted.keys.push_back(name.at);
  }
  std::ranges::sort(quoted.keys);
  // What the script is told: the client's names of its keys, and which prelude it has. Behind all that a client must say.
  constexpr size_t kWords = 3;  // EVAL, script, number of keys
  const size_t keys = names.list.size();
  const bool is_told = found.row->runs_script() && announced == command.size() &&
                       command.size() > kWords + 2 * keys &&
                       command[command.size() - 1].starts_with(kScriptMark);
  if (is_told) quoted.theirs -= keys + 1;
}

bool shown_name(const scheme::Ruleset& rules, const scheme::View& view, std::string_view physical,
                int database, Buffer& out) {
  const scheme::KeyPattern all{.glob = "*", .physical = {}, .naming = view.naming};
  return scheme::client_name(rules, all, physical, database, view, out);
}

void ReplyMapper::map_slowlog(std::string_view reply, Buffer& out) {
  ReplyCursor cursor(reply);
  out.append(cursor.next().raw);
  while (!cursor.done()) {
    const Token entry = cursor.next();
    out.append(entry.raw);
    for (uint64_t field = 0; field < entry.count; ++field) {
      if (field == kFieldsBefore && cursor.peek().type == '*') {
        map_quoted(reply, cursor, out);
      } else {
        out.append(cursor.skip());
      }
    }
  }
}

// {running_script: {name, command: [...], duration_ms}, engines: ...}
void ReplyMapper::map_running(std::string_view reply, Buffer& out) {
  ReplyCursor cursor(reply);
  while (!cursor.done()) {
    const Token token = cursor.next();
    out.append(token.raw);
    if (token.is_string() && token.text == "command" && !cursor.done() && cursor.peek().type == '*')
      map_quoted(reply, cursor, out);
  }
}

// Moves over the array of one command's arguments.
void ReplyMapper::map_quoted(std::string_view reply, ReplyCursor& cursor, Buffer& out) {
  const Token head = cursor.next();
  std::vector<Token> arguments;
  std::vector<resp::Arg> places;
  for (uint64_t i = 0; i < head.count; ++i) {
    Token token = cursor.peek();
    token.raw = cursor.skip();
    if (!token.is_string()) token.text = reply.substr(0, 0);
    arguments.push_back(token);
    places.push_back(
        {static_cast<uint32_t>(token.text.data() - reply.data()), static_cast<uint32_t>(token.text.size())});
  }
  size_t announced = places.size();
  if (!places.empty()) {
    if (const auto more = remark(arguments.back().text, kMoreArguments); more && more->count > 0) {
      places.pop_back();
      announced += static_cast<size_t>(more->count) - 1;
    }
  }
  Quoted quoted;
  read_quoted(command::Table::built_in(), resp::Request(reply, places), announced, quoted);
  const size_t ours = places.size() - quoted.theirs;
  resp::append_array(out, arguments.size() - ours);
  for (uint32_t i = 0; i < arguments.size() - ours; ++i) {
    if (quoted.has_key(i)) {
      append_shown(arguments[i], out);
    } else {
      out.append(arguments[i].raw);
    }
  }
}

// A key by the name that the client would use, or as it stands where there is none.
void ReplyMapper::append_shown(const Token& key, Buffer& out) {
  const auto cut = remark(key.text, kMoreBytes);
  const std::string_view physical = key.text.substr(0, cut ? cut->begin : key.text.size());
  scratch_.clear();
  if (!shown_name(*rules_, view_, physical, database_, scratch_)) {
    out.append(key.raw);
    return;
  }
  scratch_.append(key.text.substr(physical.size()));
  resp::append_bulk(out, scratch_.view());
}

}  // namespace keyshift::plan
