// find_ttl: the expiry that a request carries.
//
//   SET key:1 42 EX 60 NX      -> kGiven    at 4, 60 kSeconds kRelative
//   PEXPIREAT key:1 1700000000000  kGiven   at 2, ... kMilliseconds kAbsolute
//   SET key:1 42 KEEPTTL       -> kKeep
//   GETEX key:1 PERSIST        -> kPersist
//   RESTORE key:1 0 ...        -> kGiven    at 2, value 0: without expiry
//   HSETEX h EX 60 FIELDS ...  -> kNone     the expiry of a field is none of the key's
//   SET key:1 42 EX soon       -> kUnclear
//
// Runs beside find_names, for rows whose `expiry` is not kNone. kUnclear needs no refusal, for the keys are
// known: the request goes upstream as it is, Redis answers its error, and if it knows a word that we do not,
// the default behind it (see leaves_of) still holds. Nothing is allocated.
#pragma once

#include <cstdint>

#include "keyshift/command/row.h"
#include "keyshift/resp/request.h"

namespace keyshift::command {

struct Ttl {
  enum class Kind : uint8_t {
    kNone,     // no expiry in the request
    kGiven,    // argument `at` says `value`
    kKeep,     // KEEPTTL
    kPersist,  // GETEX PERSIST
    kUnclear,  // no number, two expiries, or a word that is no option of the command
  };

  Kind kind = Kind::kNone;
  Unit unit = Unit::kSeconds;
  Base base = Base::kRelative;
  uint32_t at = 0;  // kGiven: the argument. Zero or less is meaningful: EXPIRE key -1 deletes, RESTORE key 0
                    // keeps for ever
  int64_t value = 0;  // kGiven
};

// The expiry in `request`. Of a streamed request, whose later arguments are not here, only what precedes its
// large argument is seen: an option EX behind it is then missed, a positional expiry behind it is kUnclear.
Ttl find_ttl(const Row& row, const resp::Request& request);

// Where a default expiry goes for this request: row.leaves, lowered to kNothing where the request itself says
// what becomes of the expiry (SET EX, SET KEEPTTL, GETEX without PERSIST, RESTORE with a ttl), and turned
// from kInline into kBehind where `ttl` is kUnclear.
Leaves leaves_of(const Row& row, const Ttl& ttl);

}  // namespace keyshift::command
