#include "rows.h"

#include "rows/columns.h"
#include "rows/words.h"

namespace keyshift::command {
namespace columns {
namespace {

// Built by the compiler: a row with a misspelled column does not compile, and all rows are read-only memory.
// The usual families come first: in the hash table, who comes first stands exactly where its hash says.
constexpr Row kRows[] = {
// clang-format off
#include "rows/string.inc"
#include "rows/generic.inc"
#include "rows/hash.inc"
#include "rows/list.inc"
#include "rows/set.inc"
#include "rows/zset.inc"
#include "rows/bitmap.inc"
#include "rows/hyperloglog.inc"
#include "rows/geo.inc"
#include "rows/stream.inc"
#include "rows/pubsub.inc"
#include "rows/transactions.inc"
#include "rows/connection.inc"
#include "rows/scripting.inc"
#include "rows/server.inc"
#include "rows/vector.inc"
#include "rows/json.inc"
#include "rows/probabilistic.inc"
#include "rows/timeseries.inc"
#include "rows/cluster.inc"
#include "rows/keyshift.inc"
    // clang-format on
};

}  // namespace
}  // namespace columns

std::span<const Row> built_in_rows() {
  return columns::kRows;
}

}  // namespace keyshift::command
