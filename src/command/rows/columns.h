// The columns of a row, as the .inc files beside this one write them. Read this once, then read the rows.
//
//   row("zunionstore", -4, kZset, overwrite(1, kLasting), read(keynum(2))),
//       name        arity  family  then one word for each column that is not at its default, in any order
//
// Keys, one word a key spec, named by what the command does to the key (row.h, Access):
//   read(w) overwrite(w) update(w) insert(w) remove(w)     w: where, see below
//   update(w, kLasting)       and may leave the key without an expiry: the default goes behind it
// Other names:
//   name(kPattern, w)         kPattern kSortBy kSortGet kChannel kShardChannel kChannelPattern
// Where:
//   1                         argument 1
//   range(1, -1)              all from argument 1; range(1, -1, 2) every second; range(1, -2) all but the last
//   keynum(2)                 argument 2 says how many follow; keynum(1, 2) with a value behind each
//   after("STORE", 6)         the argument behind the word STORE, searched from argument 6
//   halves("STREAMS", 1)      behind the word STREAMS: the first half of what is left
//   rest("KEYS", -2)          behind the word KEYS: all that is left
// Optional words (words.h), needed where one of them carries a name or an expiry:
//   words(3, kSetWords)       the grammar, from argument 3 on
// Expiry:
//   expires(2, kSeconds, kRelative)    argument 2
//   kExpiryWords                       EX PX EXAT PXAT KEEPTTL PERSIST among the optional words
//   kInline kArgument kPersists        where the default goes instead of behind, and when (row.h, Leaves)
// Scripts:
//   script(kText, 1)          argument 1 is a script's text; kSha its SHA, kShas all from it on, kFunction a name
//   script(kLibrary)          the last argument is the text of a library
// Reply, hit, scope: the enumerators of row.h, a reply spelled reply(Reply::kKeys) and a hit rule kNullMisses. What is
// done to a whole database: whole(Whole::kCounts).
// Flags:
//   kWrites                   writes although it names no key. A row that writes a key has the flag by itself
//   kContainer, kOpen         has subcommands; takes others as well
//   kErrorNamesKey            its error texts contain key names
//   kNondeterministic         sent twice, it writes two different things
//   kEmptyIsNoKey             an empty key argument means that there is none (MIGRATE)
//   kOwnWrites                asks about what its connection wrote last (WAIT)
//   kReplicates               CLIENT PAUSE WRITE postpones it, though it writes no key (PUBLISH)
//   kUrgent                   must not queue behind what others wait for (SCRIPT KILL)
//   kNewer                    not in Redis 7.0
//   database(2)               argument 2 is another logical database
#pragma once

#include "keyshift/command/row.h"

namespace keyshift::command::columns {

using enum Family;
using enum Role;
using enum Unit;
using enum Base;

struct Where {
  // Implicit: read(1) is how a row reads.
  constexpr Where(int index) { spec.index = static_cast<int16_t>(index); }
  NameSpec spec = {};
};

constexpr Where range(int first, int last, int step = 1) {
  Where where(first);
  // COMMAND counts a last key that is not counted from the end from the first one.
  where.spec.last = static_cast<int16_t>(last < 0 ? last : last - first);
  where.spec.step = static_cast<int16_t>(step);
  return where;
}

constexpr Where keynum(int index, int step = 1) {
  Where where(index);
  where.spec.find = NameSpec::Find::kKeynum;
  where.spec.first = 1;
  where.spec.step = static_cast<int16_t>(step);
  return where;
}

constexpr Where after(std::string_view word, int from) {
  Where where(from);
  where.spec.begin = NameSpec::Begin::kKeyword;
  where.spec.word = word;
  return where;
}

constexpr Where rest(std::string_view word, int from) {
  Where where = after(word, from);
  where.spec.last = -1;
  return where;
}

constexpr Where halves(std::string_view word, int from) {
  Where where = rest(word, from);
  where.spec.limit = 2;
  return where;
}

enum class Lasting : bool { kNo, kLasting };
using enum Lasting;

constexpr NameSpec key(Access access, Where where, Lasting lasting) {
  NameSpec spec = where.spec;
  spec.role = Role::kKey;
  spec.access = access;
  spec.lasting = lasting == kLasting;
  return spec;
}
constexpr NameSpec read(Where w) {
  return key(Access::kRead, w, Lasting::kNo);
}
constexpr NameSpec overwrite(Where w, Lasting l = Lasting::kNo) {
  return key(Access::kOverwrite, w, l);
}
constexpr NameSpec update(Where w, Lasting l = Lasting::kNo) {
  return key(Access::kUpdate, w, l);
}
constexpr NameSpec insert(Where w, Lasting l = Lasting::kNo) {
  return key(Access::kInsert, w, l);
}
constexpr NameSpec remove(Where w) {
  return key(Access::kDelete, w, Lasting::kNo);
}
constexpr NameSpec name(Role role, Where where) {
  NameSpec spec = where.spec;
  spec.role = role;
  return spec;
}

struct ExpiryAt {
  int16_t at;
  Unit unit;
  Base base;
};
constexpr ExpiryAt expires(int at, Unit unit, Base base) {
  return {static_cast<int16_t>(at), unit, base};
}
struct ExpiryWords {};
constexpr ExpiryWords kExpiryWords;

struct Database {
  int16_t at;
};
constexpr Database database(int at) {
  return {static_cast<int16_t>(at)};
}

struct ScriptAt {
  Script kind;
  int16_t at;
};
using enum Script;
constexpr ScriptAt script(Script kind, int at = 0) {
  return {kind, static_cast<int16_t>(at)};
}

constexpr Options words(int from, std::span<const Option> list) {
  return {static_cast<int16_t>(from), list};
}
constexpr int kBehindNames = Options::kBehindNames;

constexpr Reply reply(Reply shape) {
  return shape;
}
constexpr Whole whole(Whole what) {
  return what;
}
constexpr Leaves kInline = Leaves::kInline;
constexpr Leaves kArgument = Leaves::kArgument;
constexpr Leaves kPersists = Leaves::kPersists;
constexpr Hit kNullMisses = Hit::kNull;
constexpr Hit kEmptyMisses = Hit::kEmpty;
constexpr Hit kZeroMisses = Hit::kZero;
constexpr Hit kCountsHits = Hit::kCount;
constexpr Hit kNullElementsMiss = Hit::kElements;
constexpr Scope kBlocks = Scope::kBlocks;
constexpr Scope kTransaction = Scope::kTransaction;
constexpr Scope kSubscribes = Scope::kSubscribes;
constexpr Scope kTracks = Scope::kTracks;
constexpr Scope kFeeds = Scope::kFeeds;
constexpr Scope kTunnels = Scope::kTunnels;
constexpr Scope kLocal = Scope::kLocal;
constexpr Scope kRefused = Scope::kRefused;
constexpr Scope kNever = Scope::kNever;

struct Flag {
  uint16_t bits;
};
constexpr Flag kWrites{Row::kWrites};
constexpr Flag kContainer{Row::kContainer};
constexpr Flag kOpen{Row::kContainer | Row::kOpen};
constexpr Flag kErrorNamesKey{Row::kErrorNamesKey};
constexpr Flag kNondeterministic{Row::kNondeterministic};
constexpr Flag kEmptyIsNoKey{Row::kEmptyIsNoKey};
constexpr Flag kOwnWrites{Row::kOwnWrites};
constexpr Flag kReplicates{Row::kReplicates};
constexpr Flag kUrgent{Row::kUrgent};
// An upstream that does not know the command quotes its arguments in the error.
constexpr Flag kNewer{Row::kNewer | Row::kErrorNamesKey};

constexpr void apply(Row& row, Family column) {
  row.family = column;
}
constexpr void apply(Row& row, NameSpec column) {
  row.name_specs[row.name_count++] = column;
}
constexpr void apply(Row& row, Options column) {
  row.options = column;
}
constexpr void apply(Row& row, Leaves column) {
  row.leaves = column;
}
constexpr void apply(Row& row, Reply column) {
  row.reply = column;
}
constexpr void apply(Row& row, Hit column) {
  row.hit = column;
}
constexpr void apply(Row& row, Scope column) {
  row.scope = column;
}
constexpr void apply(Row& row, Whole column) {
  row.whole = column;
}
constexpr void apply(Row& row, Database column) {
  row.database_at = column.at;
}
constexpr void apply(Row& row, ScriptAt column) {
  row.script = column.kind;
  row.script_at = column.at;
}
constexpr void apply(Row& row, ExpiryWords) {
  row.expiry = Expiry::kOptions;
}
constexpr void apply(Row& row, ExpiryAt column) {
  row.expiry = Expiry::kPositional;
  row.expiry_at = column.at;
  row.expiry_unit = column.unit;
  row.expiry_base = column.base;
}
constexpr void apply(Row& row, Flag column) {
  row.flags = static_cast<uint16_t>(row.flags | column.bits);
}

template <class... Columns>
constexpr Row row(std::string_view full_name, int arity, Columns... given) {
  Row made;
  made.name = full_name;
  made.arity = static_cast<int16_t>(arity);
  (apply(made, given), ...);
  made.derive();
  return made;
}

}  // namespace keyshift::command::columns
