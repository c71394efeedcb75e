// Commands as the server quotes them for people, in SLOWLOG, MONITOR and FUNCTION STATS, as clients have said them.
//
// The row of a quoted command says which of its words are keys. A key gets the name that the view shows for it, as KEYS
// would; one that no name leads to stands as it is. What a mapped script has been given beside (plan/scripts.cc) is left
// out. Nothing else changes.
//
//   +1700000000.123456 [0 127.0.0.1:40212] "SET" "work:jobs:id:1" "x"
//   +1700000000.123456 [0 127.0.0.1:40212] "SET" "job:1" "x"
//
//   "FCALL" "f" "1" "work:jobs:id:1" "x" "job:1" "keyshift:9c7242e087de9811:0"
//   "FCALL" "f" "1" "job:1" "x"
//
// Pure. Views end with the call.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "keyshift/base/buffer.h"
#include "keyshift/command/table.h"
#include "keyshift/plan/planner.h"
#include "keyshift/resp/request.h"
#include "keyshift/scheme/ruleset.h"

namespace keyshift::plan {

struct Quoted {
  std::vector<uint32_t> keys;  // the numbers of the arguments that are keys, in their order
  size_t theirs = 0;           // as many arguments at the beginning are the client's; what follows is ours

  bool has_key(uint32_t at) const { return std::binary_search(keys.begin(), keys.end(), at); }
};

// `announced` is how many arguments the command had: what is quoted may be cut. Of a command that is unknown or malformed
// all arguments are the client's, and none is a key.
void read_quoted(const command::Table& table, const resp::Request& command, size_t announced, Quoted& quoted);

// Appends what KEYS would call the key `physical`, and returns true; false: no name of the view leads to it.
bool shown_name(const scheme::Ruleset& rules, const scheme::View& view, std::string_view physical,
                int database, Buffer& out);

// Makes the lines of MONITOR those that a client is shown.
class MonitorMapper {
 public:
  // Appends `line`, as it came and with its end, as the client of `context` is to see it; nothing if it is of
  // Keyshift's own doing (resp/own_words.h), but for a DISCARD in EXEC's place, which is the client's EXEC. What cannot
  // be read as such a line passes as it is. The database is the line's own.
  void map(std::string_view line, const Context& context, const command::Table& table, Buffer& out);

 private:
  struct Word {
    size_t begin;  // of the opening quote, in the line
    size_t end;    // behind the closing one
  };

  bool read_words(std::string_view line, size_t at);

  std::vector<Word> words_;
  Buffer text_;  // of all words, without quotes and escapes
  std::vector<resp::Arg> args_;
  Quoted quoted_;
  Buffer name_;
};

}  // namespace keyshift::plan
