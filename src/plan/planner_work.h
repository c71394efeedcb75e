// Planner::Work: one request on its way into the output buffer. The planner's own files share it: planner.cc writes
// names, expiries.cc writes expiries.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "keyshift/plan/planner.h"
#include "keyshift/resp/writer.h"

namespace keyshift::plan {

struct Planner::Work {
  const command::Row& row;
  const resp::Request& request;
  const Context& context;
  Buffer& out;
  Plan& plan;
  size_t base;        // out.size() before us
  size_t copied = 0;  // bytes of the request's block that went out, or were replaced
  command::Ttl ttl = {};
  command::Leaves leaves = command::Leaves::kNothing;
  // The first key, matched ahead because a default expiry changes the request's first line.
  scheme::Match first;
  scheme::TtlDecision inline_default = {};
  int target_database =
      context.upstream();              // the upstream database where the last key is written: COPY DB, MOVE
  std::optional<int64_t> expiry = {};  // what stands in the place of the client's, judged
};

// Where an argument begins in the request's block, its header included.
inline size_t header_begin(const resp::Request& request, uint32_t argument) {
  const resp::Arg& arg = request.args()[argument];
  return arg.offset - resp::bulk_header_size(arg.length);
}

}  // namespace keyshift::plan
