// Commands as the server quotes them for people, in SLOWLOG and in MONITOR, with the names that clients use.
//
// The row of a quoted command says which of its words are keys. A key gets the name that the view shows for it, as KEYS
// would; one that no name leads to stands as it is. Nothing else changes.
//
//   +1700000000.123456 [0 127.0.0.1:40212] "SET" "work:jobs:id:1" "x"
//   +1700000000.123456 [0 127.0.0.1:40212] "SET" "job:1" "x"
//
// Pure. Views end with the call.
#pragma once

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

// Fills `positions` with the numbers of the arguments that are keys, in their order. `announced` is how many arguments the
// command had: what is quoted may be cut. None of a command that is unknown or malformed.
void find_quoted_keys(const command::Table& table, const resp::Request& quoted, size_t announced,
                      std::vector<uint32_t>& positions);

// Appends what KEYS would call the key `physical`, and returns true; false: no name of the view leads to it.
bool shown_name(const scheme::Ruleset& rules, const scheme::View& view, std::string_view physical,
                int database, Buffer& out);

// Makes the lines of MONITOR those that a client is shown.
class MonitorMapper {
 public:
  // Appends `line`, as it came and with its end, as the client of `context` is to see it; nothing if it is of Keyshift's
  // own doing (resp/own_words.h), but for a DISCARD in EXEC's place, which is the client's EXEC. What cannot be read as such a line passes as it is. The database is the line's own.
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
  std::vector<uint32_t> keys_;
  Buffer name_;
};

}  // namespace keyshift::plan
