// count_hits: what a reply says about the cache's worth, by the command's row.
//
//   GET   $-1            a miss            MGET   *3 with one null     2 hits, 1 miss
//   HGETALL *0 or %0     a miss            EXISTS a b c  :2            2 hits, 1 miss
#pragma once

#include <cstdint>

#include "keyshift/command/row.h"
#include "keyshift/resp/reply_scanner.h"

namespace keyshift::plan {

struct HitCount {
  uint64_t hits = 0;
  uint64_t misses = 0;
};

// `reply` has just completed. `keys` is how many keys the request named. Errors count as neither.
inline HitCount count_hits(command::Hit hit, const resp::ReplyScanner& reply, uint64_t keys) {
  if (hit == command::Hit::kNone || reply.type() == '-' || reply.type() == '!') return {};
  switch (hit) {
    case command::Hit::kNone:
      return {};
    case command::Hit::kNull:
      return reply.is_null() ? HitCount{0, 1} : HitCount{1, 0};
    case command::Hit::kEmpty:
    case command::Hit::kZero:
      return reply.number() <= 0 ? HitCount{0, 1} : HitCount{1, 0};
    case command::Hit::kCount: {
      const uint64_t found = reply.number() < 0 ? 0 : static_cast<uint64_t>(reply.number());
      return {found, found > keys ? 0 : keys - found};
    }
    case command::Hit::kElements:
      if (reply.is_null()) return {0, 1};
      return {reply.elements() - reply.nulls(), reply.nulls()};
  }
  return {};
}

}  // namespace keyshift::plan
