// Limits: how much a peer may announce before the codec refuses it. Set from the configuration, copied into
// each parser; the defaults are Redis's own where Redis has one.
//
// None of these sizes an allocation. They bound what a peer may go on to send.
#pragma once

#include <cstddef>
#include <cstdint>

namespace keyshift::resp {

struct Limits {
  // One argument of a request; Redis's proto-max-bulk-len.
  uint64_t max_bulk_bytes = uint64_t{512} << 20;
  // Arguments of one request, the command's name included.
  uint32_t max_arguments = 1 << 20;
  // An inline request's line, and any header line ("*3", "$100") of a request.
  uint32_t max_inline_bytes = 64 << 10;
  // One whole request that is collected. Below 4 GiB, since arguments are 32-bit offsets. A streamed request
  // is not bounded by it.
  uint64_t max_request_bytes = uint64_t{1} << 30;
  // An argument longer than this is reported before it has arrived whole, so that it can be relayed, not
  // collected.
  uint64_t stream_threshold_bytes = uint64_t{1} << 20;
  // Values that a reply may still owe at any moment: n for "*n", 2n for "%n", summed over all open
  // aggregates. It bounds nesting too, since "*1" in "*1" owes no more than one value, and the scanner keeps
  // nothing per level.
  uint64_t max_reply_elements = uint64_t{1} << 32;
};

}  // namespace keyshift::resp
