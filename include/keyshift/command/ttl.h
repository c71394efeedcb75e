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

#include <cstddef>
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
    kUnclear,  // no number, two expiries, a word that is no option of the command, or not here yet
  };

  Kind kind = Kind::kNone;
  Unit unit = Unit::kSeconds;
  Base base = Base::kRelative;
  uint32_t at = 0;    // kGiven: the argument
  int64_t value = 0;  // kGiven. Zero or less has a meaning: EXPIRE key -1 deletes, RESTORE key 0 is for ever
};

// The expiry in `request`. `announced` is as for find_names: when a streamed request may carry an expiry
// behind what is here, the answer is kUnclear. Requires: row.takes(announced).
Ttl find_ttl(const Row& row, const resp::Request& request, size_t announced);

// The same for a request that is here whole.
inline Ttl find_ttl(const Row& row, const resp::Request& request) {
  return find_ttl(row, request, request.size());
}

// The argument where the optional words of a request begin; 0 where that cannot be told.
size_t options_begin(const Row& row, const resp::Request& request, size_t announced);

// The optional words of a request that passes by argument by argument, and what they say of the expiry.
//
//   SET key:1 <nine megabytes> NX EX 60      TtlWords words(row.options, 3)
//   words.next("NX", 3)  -> kNone
//   words.next("EX", 4)  -> kNone
//   words.next("60", 5)  -> kGiven at 5, 60 kSeconds kRelative: this very argument is the expiry
//
// kUnclear is answered once, then only kNone: what follows cannot be told from options.
class TtlWords {
 public:
  TtlWords() = default;  // there are none
  TtlWords(const Options& options, size_t from) : words_(options.words), next_(from) {}

  // Requires: `at` ascends. What is left out between was too long to be a word or a number.
  Ttl next(std::string_view argument, size_t at);

 private:
  std::span<const Option> words_;
  size_t next_ = SIZE_MAX;  // arguments before it are no options
  size_t owed_ = 0;         // arguments of the last word that are still to come
  Ttl pending_;             // what the next of them means
};

// Where a default expiry goes for this request: row.leaves, lowered to kNothing where the request itself says
// what becomes of the expiry (SET EX, SET KEEPTTL, GETEX without PERSIST, RESTORE with a ttl), and turned
// from kInline into kBehind where `ttl` is kUnclear.
Leaves leaves_of(const Row& row, const Ttl& ttl);

}  // namespace keyshift::command
