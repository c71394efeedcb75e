// find_names: which arguments of a request are keys, patterns and channels, and what the command does to
// them.
//
//   XREAD COUNT 10 BLOCK 0 STREAMS orders jobs 0-0 $
//   0     1     2  3     4 5       6      7    8   9
//
//   Names names;                                    kept by the caller and used again for every request
//   find_names(row, request, names)  -> kComplete
//   names.list    {6, kKey, kRead} {7, kKey, kRead}
//   names.blocks  true                              so this one needs a lease
//
// Runs behind the table's lookup and before the scheme. Requires that row.takes(request.size()).
//
// A request whose names cannot be told (no number of keys, an odd half, a missing STREAMS) is kMalformed:
// names.error is the reply that Redis would give, and the request MUST NOT go upstream, where an unmapped
// name could be executed by a server that reads the request in another way than we do. What is refused here,
// Redis 7 refuses too: a test sends all of it to the server.
//
// Order: fixed places first, as the row's specs stand (ZUNIONSTORE's target, then its sources), then what
// optional words carry, a key behind STORE last. Of several STORE the last one counts, as in Redis. No
// argument is reported twice. Nothing is allocated once `list` has grown to the usual size, and a huge
// request's list is given back; its growth follows arguments that are there, never a number that the request
// announces.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "keyshift/command/row.h"
#include "keyshift/resp/request.h"

namespace keyshift::command {

// One argument that carries a name.
struct Name {
  uint32_t at;  // number of the argument
  Role role;
  Access access;  // kNone unless role is kKey
  bool lasting;   // see NameSpec
};

struct Names {
  std::vector<Name> list;
  uint32_t database_at = 0;     // argument that names the database of the last key (COPY DB, MOVE); 0: none
  bool blocks = false;          // XREAD BLOCK: the row's kShared becomes kBlocks
  std::string_view error = {};  // kMalformed: the error, without '-' and CRLF, of static lifetime

  static constexpr size_t kKeepNames = 1024;  // entries kept between requests

  void clear() {
    list.clear();
    if (list.capacity() > kKeepNames) list = {};
    database_at = 0;
    blocks = false;
    error = {};
  }
};

enum class Found : uint8_t {
  kComplete,
  kUnfinished,  // a streamed request: the arguments that decide are not here yet; `list` has what is known
  kMalformed,   // see above; `list` is then empty
};

// Fills `names` from scratch. `announced` is the number of arguments the request will have when all of it is
// here; a streamed request (RequestParser's kLarge) holds fewer. Then a position may be reported whose bytes
// are still to come
// (`at` >= request.size(): MSET's later keys), and where bytes must be read to know more (options, a number
// of keys) the answer is kUnfinished. Requires: row.takes(announced), request.size() <= announced.
Found find_names(const Row& row, const resp::Request& request, size_t announced, Names& names);

// The same for a request that is here whole: never kUnfinished.
inline Found find_names(const Row& row, const resp::Request& request, Names& names) {
  return find_names(row, request, request.size(), names);
}

}  // namespace keyshift::command
