// ScriptPrelude: what is put in front of the scripts of a listener that maps them (scripts = "map").
//
// It stands between the table of rules and the planner: made once for each listener and each set of rules, from the
// ruleset and the command table, and shared by all workers. In the script, `redis` is then a table of the prelude's, whose
// call() and pcall() map the names of keys that are passed to them, and map back the names in replies that carry any. The
// script names keys as the client does, literally, built from KEYS, or built from ARGV.
//
//   EVAL 'return redis.call("get", "job:" .. ARGV[1])' 0 7             rule job:{id} -> work:jobs:id:{id}
//   EVAL 'local redis=(function() ... end)();return redis.call("get", "job:" .. ARGV[1])' 0 7 keyshift:<fingerprint>:0
//     GET work:jobs:id:7
//
// The prelude is one line and stands in front of the script's first one (behind a `#!` line), so that the lines in error
// texts are the script's own. Behind the client's arguments stand the names by which it called its keys, which the
// prelude puts back into KEYS, and one more with the fingerprint of the rules and the number of the database.
//
// What it does not do: expiries are set for declared keys only; SORT's patterns, KEYS and SCAN are translated by what
// names begin with; code made by loadstring() and `_G.redis` see Redis's own table.
//
// Immutable, any thread. The Lua itself is in src/plan/script_prelude.lua.inc.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "keyshift/base/buffer.h"
#include "keyshift/scheme/ruleset.h"

namespace keyshift::plan {

// What the last argument of a mapped script begins with: "keyshift:<fingerprint>:<database>".
inline constexpr std::string_view kScriptMark = "keyshift:";

class ScriptPrelude {
 public:
  ScriptPrelude(const scheme::Ruleset& rules, const scheme::View& view);

  // Sixteen hexadecimal digits that no other rules, and no other view of them, have.
  const std::string& fingerprint() const { return fingerprint_; }

  enum class Kind : unsigned char { kScript, kLibrary };
  // Appends the script or library `text` with its prelude as a bulk. Text that the server will refuse for its first line
  // stays as it is.
  void append_mapped(Kind kind, std::string_view text, Buffer& out) const;
  // The SHA of the mapped script.
  std::string mapped_sha(std::string_view text) const;

  // Appends a script's or library's text without any prelude, whose ever it is. Returns false, with nothing appended, if
  // it has none.
  static bool strip(std::string_view text, Buffer& out);

 private:
  // What stands around core_, and where in the text it is put. No head: nowhere.
  struct Frame {
    size_t at;
    std::string head;
    std::string tail;
  };
  static Frame frame(Kind kind, std::string_view text);

  std::string fingerprint_;
  std::string core_;
};

}  // namespace keyshift::plan
