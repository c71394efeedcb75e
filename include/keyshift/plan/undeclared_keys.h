// find_undeclared_keys: does a call of a script name keys where nobody can map them?
//
// Only the keys that a script declares are renamed. A script that builds names from its arguments then looks under the
// old ones. It gives itself away where an argument is such a name:
//
//   rule  bull:{queue}:{id:any} -> ...
//   EVALSHA 6b1b... 1 bull:mail:wait  bull:mail:7 1690000000
//                     ^-- declared    ^-- not: legacy name of that rule
//
// A rule whose legacy template has no letter or digit of its own ({k:any}, {id:int}) fits too much to tell anything, and
// does not count. Of a call at most kMost arguments of at most kLongest bytes are looked at. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "keyshift/command/row.h"
#include "keyshift/resp/request.h"
#include "keyshift/scheme/ruleset.h"

namespace keyshift::plan {

struct UndeclaredKeys {
  static constexpr size_t kMost = 64;
  static constexpr size_t kLongest = 1024;

  uint64_t count = 0;
  uint32_t first = 0;  // argument number; valid if count > 0, as is
  uint32_t rule = 0;   // its rule
};

// Of a streamed request what is here is looked at. Requires: row.runs_script().
UndeclaredKeys find_undeclared_keys(const command::Row& row, const resp::Request& request,
                                    const scheme::Ruleset& rules, int database, const scheme::View& view);

// What the script of such a call is called: its SHA in lower case, or "function NAME".
std::string script_name(const command::Row& row, const resp::Request& request);

}  // namespace keyshift::plan
