// The command table as Lua code: where the names in a call of redis.call() stand, and what its reply names.
//
//   local function kind(c) local n,t=#c if n==3 then t=' get1 set1 delA' elseif ... end ... end
//   local function places(what,a,n) if what=='A' then range(a,n,1,-1,1) return end ... end
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "keyshift/base/check.h"
#include "keyshift/command/table.h"
#include "script_lua.h"

namespace keyshift::plan {

using command::Family;
using command::NameSpec;
using command::Option;
using command::Reply;
using command::Role;
using command::Row;

namespace {

// What the prelude's go() does about a command.
constexpr char kNothing = 0;
constexpr char kOneKey = '1';
constexpr char kPlaces = 'A';  // and the letters behind it: one for each way in which names stand
constexpr char kKeys = 'k';
constexpr char kScan = 's';
constexpr char kRandomKey = 'r';
constexpr char kSelect = 'd';
constexpr char kContainer = '+';

// Scripts cannot call these.
bool is_denied(const Row& row) {
  return row.family == Family::kScripting || row.family == Family::kTransactions ||
         row.family == Family::kCluster || row.name.starts_with("debug") || row.name == "migrate" ||
         row.name == "restore-asking";
}

char kind_of(const Row& row) {
  if (row.name == "select") return kSelect;
  if (is_denied(row)) return kNothing;
  switch (row.reply) {
    case Reply::kKeys:
      return kKeys;
    case Reply::kScan:
      return kScan;
    case Reply::kKey:
      return kRandomKey;
    default:
      break;
  }
  bool keys = false;
  for (const NameSpec& spec : row.names())
    keys = keys || spec.role == Role::kKey || spec.role == Role::kSortBy || spec.role == Role::kSortGet;
  if (!keys) return kNothing;
  const NameSpec& spec = row.names().front();
  const bool one = row.name_count == 1 && spec.begin == NameSpec::Begin::kIndex &&
                   spec.find == NameSpec::Find::kRange && spec.index == 1 && spec.last == 0;
  return one ? kOneKey : kPlaces;
}

// The optional words that carry names.
std::string walk_text(const Row& row, bool databases) {
  std::string visits;
  const auto visit = [&visits](std::string_view word, std::string_view what) {
    visits += fmt::format("{} w=='{}' then {}", visits.empty() ? "if" : " elseif", word, what);
  };
  for (const NameSpec& spec : row.names()) {
    if (spec.begin != NameSpec::Begin::kKeyword) continue;
    if (spec.role != Role::kKey) {
      visit(spec.word, "pattern(a,j)");
    } else if (spec.limit > 1) {
      visit(spec.word, "half(a,n,j)");
    } else {
      visit(spec.word, "put(a,j)");
    }
  }
  if (databases && row.name == "copy") visit("DB", "a[3]=elsewhere(a[j+1],second)");
  if (visits.empty()) return visits;
  std::string words;
  for (const Option& option : row.options.words)
    words += fmt::format("{}{}={}", words.empty() ? "" : ",", option.word, int{option.arguments});
  return fmt::format("walk(a,n,{},{{{}}},function(w,j) {} end end) ", int{row.options.from}, words, visits);
}

std::string places_text(const Row& row, bool databases) {
  std::string text;
  if (databases && row.name == "copy") text += "local second=a[3] ";
  for (const NameSpec& spec : row.names()) {
    if (spec.role != Role::kKey || spec.begin != NameSpec::Begin::kIndex) continue;
    if (spec.find == NameSpec::Find::kKeynum) {
      text += fmt::format("keynum(a,n,{},{},{}) ", spec.index + spec.count_at, spec.index + spec.first,
                          int{spec.step});
    } else {
      const int last = spec.last < 0 ? spec.last : spec.index + spec.last;
      text += fmt::format("range(a,n,{},{},{}) ", int{spec.index}, last, int{spec.step});
    }
  }
  // The key moves under its name: there must be one in both databases.
  if (databases && row.name == "move")
    text +=
        "if used[a[2]] and elsewhere(a[3],used[a[2]])~=a[2] then bad={err=\"ERR key '\"..used[a[2]]..\"' has "
        "different "
        "names in the two databases; COPY it and DEL it instead\"} end ";
  text += walk_text(row, databases);
  if (row.reply == Reply::kKeyedPop) text += "return 1 ";
  if (row.reply == Reply::kStreams) text += "return 2 ";
  return text;
}

class CommandsText {
 public:
  explicit CommandsText(bool databases) {
    const command::Table& table = command::Table::built_in();
    for (size_t i = 0; i < table.size(); ++i) {
      const Row& row = table[i];
      char kind = kind_of(row);
      if (kind == kNothing) continue;
      if (kind == kPlaces || (databases && row.name == "move")) kind = letter_of(places_text(row, databases));
      if (const size_t bar = row.name.find('|'); bar != std::string_view::npos)
        add(row.name.substr(0, bar), kContainer);
      add(row.name, kind);
    }
  }

  std::string kinds() const {
    std::string text;
    for (const auto& [size, names] : names_)
      text += fmt::format("{} n=={} then t='{}'", text.empty() ? "if" : " elseif", size, names);
    return "local function kind(c) local n,t=#c " + text +
           " end local at=t and not c:find(' ',1,true) and t:find(' '..c,1,true) "
           "if at then return t:sub(at+n+1,at+n+1) end end ";
  }
  std::string places() const {
    std::string text = "local function places(what,a,n) ";
    for (const auto& [code, letter] : letters_)
      text += fmt::format("if what=='{}' then {}end ", letter, code);
    return text + "end ";
  }

 private:
  char letter_of(const std::string& code) {
    const auto [found, is_new] = letters_.try_emplace(code, static_cast<char>(kPlaces + letters_.size()));
    KEYSHIFT_CHECK(found->second <= 'Z', "more ways for names to stand than letters");
    return found->second;
  }
  // Names of one length in one text, each between a blank and its kind.
  void add(std::string_view name, char kind) {
    std::string& names = names_[name.size()];
    const std::string entry = fmt::format(" {}{}", name, kind);
    if (names.find(entry) == std::string::npos) names += entry;
  }

  std::map<size_t, std::string> names_;
  std::map<std::string, char> letters_;
};

}  // namespace

std::string lua_kinds(bool databases) {
  return CommandsText(databases).kinds();
}

std::string lua_places(bool databases) {
  return CommandsText(databases).places();
}

}  // namespace keyshift::plan
