// Row: everything that Keyshift knows about one command or subcommand. Data, not code.
//
// The first thing asked about a request, right behind the parser. All later layers decide from the row, so a
// fact about a command stands here and nowhere else: where its keys are, what it does to them, where its
// expiry stands, what its reply carries, which connection it needs. The rows themselves are in
// src/command/rows/.
//
//   *5..$3..SET..$5..key:1..$2..42..$2..EX..$2..60..
//           0        1        2       3       4            argument numbers, the command's name is 0
//
//   row      name "set"   arity -3   family kString
//   names    [ kKey kOverwrite lasting, index 1, range last 0 step 1 ]        -> argument 1
//   options  from 3: EX 1, PX 1, EXAT 1, PXAT 1, KEEPTTL 0, NX 0, XX 0, ...    -> EX takes argument 4
//   expiry   kOptions      leaves kInline     reply kOpaque     hit kNone      scope kShared
//
// The key specs are Redis 7's own model (COMMAND's tenth field), kept wherever Redis has one, so that a test
// can compare them with the live server; Redis calls them incomplete for SORT and MIGRATE, ours are not.
//
// Rows are immutable. Built-in rows live for the whole program; a learned row lives as long as its Table.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace keyshift::command {

// Redis's group of a command, the label of the metrics.
enum class Family : uint8_t {
  kGeneric,
  kString,
  kHash,
  kList,
  kSet,
  kZset,
  kStream,
  kGeo,
  kBitmap,
  kHyperloglog,
  kPubsub,
  kScripting,
  kTransactions,
  kConnection,
  kServer,
  kCluster,
  kJson,
  kSearch,
  kTimeseries,
  kProbabilistic,
  kVector,
  kKeyshift,  // our own
  kModule,    // learned from the upstream
};
inline constexpr size_t kFamilyCount = static_cast<size_t>(Family::kModule) + 1;

// The family's label: "string", "zset", ...
constexpr std::string_view family_name(Family family) {
  constexpr std::array<std::string_view, kFamilyCount> kNames = {
      "generic",      "string",        "hash",   "list",        "set",    "zset",
      "stream",       "geo",           "bitmap", "hyperloglog", "pubsub", "scripting",
      "transactions", "connection",    "server", "cluster",     "json",   "search",
      "timeseries",   "probabilistic", "vector", "keyshift",    "module"};
  return kNames[static_cast<size_t>(family)];
}

// What a command does to one of its keys.
enum class Access : uint8_t {
  kNone,       // not a key: a pattern or a channel
  kRead,       // looks at the key; what it changes, if anything, no client can see
  kOverwrite,  // replaces the whole value, whatever it was (SET, *STORE, RENAME's target)
  kUpdate,     // changes the value or the expiry, depending on what it was (INCR, ZADD, EXPIRE)
  kInsert,     // adds to the value or creates it, takes nothing away (LPUSH, SADD, SETNX)
  kDelete,     // takes away: elements, or the key itself (DEL, LPOP, SREM)
};

constexpr bool writes(Access access) {
  return access >= Access::kOverwrite;
}

// What an argument that carries a name is.
enum class Role : uint8_t {
  kKey,             // the name of a key
  kPattern,         // a glob over key names: KEYS, SCAN MATCH
  kSortBy,          // a key name with one * for the element and perhaps ->field: SORT BY
  kSortGet,         // the same of SORT GET; every occurrence counts. GET # is not reported
  kChannel,         // SUBSCRIBE, PUBLISH
  kShardChannel,    // SSUBSCRIBE, SPUBLISH: hashed to a slot as a key is
  kChannelPattern,  // PSUBSCRIBE, PUBSUB CHANNELS: a glob over channel names
};

// Where arguments of one role stand, in the two steps of Redis's key specifications: where to begin, and how
// to go on from there. A range's `last` below zero counts from the request's end (-1 is the last argument),
// otherwise from the range's own begin; `limit` 2 means the first half of what is left. A key number stands
// `count_at` behind the begin, the first key `first` behind it.
struct NameSpec {
  enum class Begin : uint8_t { kIndex, kKeyword };
  enum class Find : uint8_t { kRange, kKeynum };

  Role role = Role::kKey;
  Access access = Access::kNone;
  bool lasting = false;  // the command can leave the key behind without an expiry
  Begin begin = Begin::kIndex;
  Find find = Find::kRange;
  int16_t index = 0;     // kIndex: the argument. kKeyword: where its search begins, below zero from the end
  int16_t last = 0;      // kRange
  int16_t step = 1;      // both
  int16_t limit = 0;     // kRange
  int16_t count_at = 0;  // kKeynum
  int16_t first = 0;     // kKeynum
  std::string_view word = {};  // kKeyword, upper case
};

// One optional word of a command and how many arguments follow it.
struct Option {
  std::string_view word;  // upper case
  uint8_t arguments;      // kRest: everything to the end
  static constexpr uint8_t kRest = 255;
};

// The grammar of the optional words. A NameSpec that begins at a keyword finds it by walking this, so a key
// named "store" is never taken for the word STORE. A row without options searches the word as Redis's
// specification says.
struct Options {
  static constexpr int16_t kBehindNames = 0;  // the first option stands behind the last key of the first spec

  int16_t from = 0;  // the argument where the first option stands
  std::span<const Option> words = {};
};

// Where an expiry stands in a request.
enum class Expiry : uint8_t {
  kNone,        // nowhere: the command carries no expiry of a key
  kPositional,  // argument expiry_at, always
  kOptions,     // an option EX, PX, EXAT or PXAT, or KEEPTTL or PERSIST in its place
};
enum class Unit : uint8_t { kSeconds, kMilliseconds };
enum class Base : uint8_t {
  kRelative,  // from now
  kAbsolute,  // Unix time
};

// What the keys whose spec says `lasting` are left with, and so where a default expiry goes.
enum class Leaves : uint8_t {
  kNothing,   // the command cannot leave a key without expiry
  kInline,    // it can, and takes an expiry: append PX and the default to the command itself (SET)
  kArgument,  // it can, when its expiry argument says 0: write the default there (RESTORE)
  kBehind,    // it can: send EXPIRE key default NX behind it, for each such key
  kPersists,  // it can, but only when it says PERSIST (GETEX): then as kBehind
};

// What the reply carries that was named in the request's words.
enum class Reply : uint8_t {
  kOpaque,         // no names: relayed as it comes
  kKey,            // the name of a key, or null (RANDOMKEY)
  kKeys,           // an array of key names (KEYS)
  kScan,           // [cursor, [key, ...]] (SCAN)
  kStreams,        // [[key, entries], ...] in RESP2, {key: entries, ...} in RESP3, or null (XREAD)
  kKeyedPop,       // [key, ...], or null (LMPOP, BLPOP)
  kInfo,           // the text of INFO
  kHistograms,     // LATENCY HISTOGRAM: {command: {calls, histogram}, ...}
  kSlowlog,        // entries that quote commands with their arguments (SLOWLOG GET)
  kRunning,        // the command of the script that runs, quoted, somewhere (FUNCTION STATS)
  kMonitor,        // +OK, then lines that quote commands with their arguments
  kExec,           // an array of the replies to the queued commands, or null
  kChannels,       // an array of channel names (PUBSUB CHANNELS)
  kChannelCounts,  // [channel, count, ...] (PUBSUB NUMSUB)
  kReceivers,      // how many were told (PUBLISH)
  kPatternCount,   // how many different patterns there are (PUBSUB NUMPAT)
  kSubscription,   // one [kind, channel, count] for each channel, then pushed messages
  kScriptSha,      // the SHA of the script in the request (SCRIPT LOAD)
  kScriptText,     // texts of scripts, somewhere (FUNCTION LIST WITHCODE, SCRIPT SHOW)
};

// How a request says which script it is about.
enum class Script : uint8_t {
  kNone,
  kText,      // the argument script_at is its text (EVAL)
  kSha,       // the argument script_at is its SHA (EVALSHA)
  kShas,      // all arguments from script_at on are SHAs (SCRIPT EXISTS)
  kLibrary,   // the last argument is the text of a library of functions (FUNCTION LOAD)
  kFunction,  // the argument script_at is the name of a function (FCALL)
};

// Whether a reply says that the cache held what was asked for. Writes, queue pops and questions whose "no" is
// an answer and not an absence (SISMEMBER, GETBIT, SINTER, ZCOUNT) are neither a hit nor a miss.
enum class Hit : uint8_t {
  kNone,      // does not count
  kNull,      // null is a miss, all else a hit (GET)
  kEmpty,     // null, or an aggregate or bulk without content, is a miss (SMEMBERS, GETRANGE)
  kZero,      // :0 is a miss (STRLEN, LLEN, HEXISTS)
  kCount,     // the integer is the number of hits among the keys (EXISTS)
  kElements,  // each element: null is a miss (MGET, HMGET)
};

// What a command does to a database as a whole, naming no key.
enum class Whole : uint8_t {
  kNone,
  kCounts,    // says how many keys there are (DBSIZE)
  kDraws,     // says the name of one (RANDOMKEY)
  kEmpties,   // deletes all (FLUSHDB)
  kFlushes,   // deletes all of all databases (FLUSHALL)
  kExchanges  // gives it another number (SWAPDB)
};

// Which connection a command needs.
enum class Scope : uint8_t {
  kShared,       // any: it leaves no state on a connection
  kBlocks,       // a lease while it waits: it may wait in the server for what others do
  kTransaction,  // MULTI and what belongs to it: a lease from WATCH on, and from a MULTI on that comes in pieces
  kSubscribes,  // the worker's subscriber connection, which all its subscribers share
  kTracks,      // a lease from now on: the server remembers what is read on it (CLIENT TRACKING)
  kFeeds,       // a lease of its own that then talks by itself (MONITOR)
  kTunnels,     // a lease that speaks another protocol from now on (SYNC); dangerous as kRefused
  kLocal,       // none: the proxy answers, because the state in question is the session's
  kRefused,     // dangerous to others who share the upstream: refused unless the operator allows it
  kNever,       // cannot work through a proxy (PSYNC), whatever the operator allows
};

struct Row {
  static constexpr uint8_t kMaxNames = 4;

  // Flags.
  static constexpr uint16_t kWrites = 1;     // changes data, of its keys or without naming any (FLUSHALL)
  static constexpr uint16_t kContainer = 2;  // has subcommands; is itself called only when arity allows
  static constexpr uint16_t kOpen = 4;       // a container that also takes words which have no row (DEBUG)
  static constexpr uint16_t kErrorNamesKey = 8;      // the text of its errors can contain a key's name
  static constexpr uint16_t kNondeterministic = 16;  // sent twice, it writes two different things (SPOP)
  static constexpr uint16_t kLearned = 32;           // known from the upstream's COMMAND only
  static constexpr uint16_t kPlain = 64;  // has no names, or one index range of them: the finder's short way
  static constexpr uint16_t kEmptyIsNoKey = 128;  // an empty key argument means that there is none (MIGRATE)
  static constexpr uint16_t kNewer = 256;         // not in Redis 7.0: an older upstream does not know it
  static constexpr uint16_t kWalks = 512;         // the finder must read the optional words
  static constexpr uint16_t kOwnWrites = 1024;    // asks about what its connection wrote last (WAIT)
  static constexpr uint16_t kReplicates =
      2048;  // CLIENT PAUSE WRITE postpones it, though it writes no key (PUBLISH)
  static constexpr uint16_t kUrgent = 4096;  // must not queue behind what others wait for (SCRIPT KILL)

  std::string_view name = {};  // lower case; "client|setname" for a subcommand
  int16_t arity = 0;           // Redis's: counts the name; below zero "at least"
  Family family = Family::kGeneric;
  Reply reply = Reply::kOpaque;
  Hit hit = Hit::kNone;
  Scope scope = Scope::kShared;
  Whole whole = Whole::kNone;
  Leaves leaves = Leaves::kNothing;
  Expiry expiry = Expiry::kNone;
  Unit expiry_unit = Unit::kSeconds;
  Base expiry_base = Base::kRelative;
  Script script = Script::kNone;
  int16_t expiry_at = 0;  // kPositional
  int16_t database_at =
      0;  // the argument that names another database (MOVE, SELECT); 0: none, or an option DB
  int16_t script_at = 0;
  uint16_t flags = 0;
  uint8_t name_count = 0;
  std::array<NameSpec, kMaxNames> name_specs = {};
  Options options = {};

  constexpr bool is(uint16_t flag) const { return (flags & flag) != 0; }
  constexpr bool writes() const { return is(kWrites); }
  // It executes a script, with keys and arguments.
  constexpr bool runs_script() const { return script != Script::kNone && name_count > 0; }
  constexpr std::span<const NameSpec> names() const { return {name_specs.data(), name_count}; }

  // Whether a request of `arguments` arguments, name included, has a number that the command takes.
  constexpr bool takes(size_t arguments) const {
    const size_t wanted = static_cast<size_t>(arity < 0 ? -arity : arity);
    return arity < 0 ? arguments >= wanted : arguments == wanted;
  }

  // Fills what follows from the other columns: kWrites, kPlain, kWalks and kBehind. Called once, by whoever
  // makes a row.
  constexpr void derive() {
    bool plain = name_count <= 1 && database_at == 0 && !is(kEmptyIsNoKey);
    bool walks = false;
    for (const NameSpec& spec : names()) {
      if (command::writes(spec.access)) flags |= kWrites;
      if (spec.lasting && leaves == Leaves::kNothing) leaves = Leaves::kBehind;
      if (spec.begin == NameSpec::Begin::kKeyword && !options.words.empty()) walks = true;
      if (spec.begin == NameSpec::Begin::kKeyword || spec.find == NameSpec::Find::kKeynum) plain = false;
      if (spec.limit > 1) plain = false;
    }
    for (const Option& option : options.words) {
      if (option.word == "BLOCK" || option.word == "DB") walks = true;
    }
    if (walks) flags |= kWalks;
    if (plain && !walks) flags |= kPlain;
  }
};

}  // namespace keyshift::command
