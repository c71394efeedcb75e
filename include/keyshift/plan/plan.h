// Plan: what one client command becomes: upstream commands on one connection, and what is done with each reply.
//
//   SADD writing_stats:u1:30d x         with a rule, and a domain that has a default expiry of 1h
//     *3..SADD..analytics:writing_stats:user:u1:days:30d..x            kRelay
//     *4..EXPIRE..analytics:writing_stats:user:u1:days:30d..3600..NX   kDiscard
//
// The commands themselves are already in the connection's output buffer; a Plan holds the steps in the same order, and
// what was found on the way, for the counters. TTL injection, patterns that become several, and whatever later needs
// more upstream commands are all steps: nothing else in Keyshift knows about them.
//
// A Plan is a scratch value: one per event loop, filled again for every request. It keeps its memory as long as that is
// small. Its mapper leaves it with take_mapper().
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "keyshift/command/row.h"
#include "keyshift/scheme/ttl_policy.h"

namespace keyshift::plan {

class ReplyMapper;

enum class Disposition : uint8_t {
  kRelay,    // to the client as it comes, through the mapper if there is one
  kMap,      // collected, through the mapper, to the client; several such steps make one reply
  kDiscard,  // dropped
};

// What was found out about one key of the request.
struct PlannedKey {
  uint32_t at;            // argument number
  uint32_t rule;          // scheme::Match::kNone if it fits none
  uint32_t domain;        // scheme::Match::kNone if it belongs to none
  bool rewritten;         // its physical name is another one, or would be but for phase legacy
  bool by_other_name;     // it fits a rule, by the name that the view does not show
  bool observed;          // phase legacy: names and expiries are counted, not changed
  scheme::TtlAction ttl;  // what the policy did with its expiry, or would do if observed
};

// Why a request does not go upstream.
enum class Refusal : uint8_t {
  kNone,
  kMalformed,        // Plan::error is Redis's own text
  kUnmatched,        // the key at refused_at fits no rule, and the listener refuses such keys
  kSortPattern,      // the pattern at refused_at could mean keys of different rules
  kTwoNamesOneMove,  // MOVE between databases in which the key has different physical names
  kWalk,  // about a whole database that folds: its keys have to be looked for (proxy/keyspace_walk.h)
  kFoldedExchange,  // SWAPDB of a database that folds
  kBlocks,          // XREAD BLOCK on a shared connection: needs one of its own
};

struct Plan {
  std::vector<Disposition> steps;
  std::vector<PlannedKey> keys;
  std::unique_ptr<ReplyMapper> mapper;  // null: nothing in the reply needs one
  Refusal refusal = Refusal::kNone;
  uint32_t refused_at = 0;  // argument number
  std::string_view error;   // kMalformed

  Plan();
  ~Plan();
  void clear();
};

}  // namespace keyshift::plan
