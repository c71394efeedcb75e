// What becomes of expiries, as the columns of a command's row say it: the chapters of docs/ttl.md.
#pragma once

#include <cstdint>
#include <string>

#include "keyshift/command/row.h"

namespace keyshift::docs {

enum class Group : uint8_t {
  kInline,    // may carry an expiry; without one it is given the default itself
  kAlways,    // always carries one
  kArgument,  // always has the argument, whose 0 means "for ever"
  kOptional,  // may carry one; without one it changes none
  kCounter,   // may carry one; without one the default goes behind it
  kBehind,    // carries none and can leave a key without one: the default goes behind it
  kLeaves,    // writes, and leaves the expiry as it is, or removes the key with it
  kReads,     // names keys and writes none
  kNoKeys,    // names none
};

inline Group group_of(const command::Row& row) {
  using command::Expiry;
  using command::Leaves;
  bool names_key = false;
  bool writes_key = false;
  for (const command::NameSpec& spec : row.names()) {
    names_key = names_key || spec.role == command::Role::kKey;
    writes_key = writes_key || command::writes(spec.access);
  }
  if (!names_key) return Group::kNoKeys;
  if (row.leaves == Leaves::kInline) return Group::kInline;
  if (row.leaves == Leaves::kArgument) return Group::kArgument;
  if (row.expiry == Expiry::kPositional) return Group::kAlways;
  if (row.leaves == Leaves::kPersists) return Group::kOptional;
  if (row.expiry == Expiry::kOptions) return Group::kCounter;
  if (row.leaves == Leaves::kBehind) return Group::kBehind;
  return writes_key ? Group::kLeaves : Group::kReads;
}

}  // namespace keyshift::docs
