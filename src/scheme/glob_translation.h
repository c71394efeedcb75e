// A glob over the names of one template, as a glob over the names of its rule's other side.
//
// The glob is laid along the template from the left until a star or a doubt, then from the right. What falls into a
// capture goes with it to the other side; what stays unknown is `*`. The result may hold more than the glob, never
// less.
//
//   template   writing_stats:{user}:{days:int}d
//   glob       writing_stats:u1*:30?                user: from the left `u1*`, days: from the right `30`
//   other      analytics:writing_stats:user:u1*:days:30d
#pragma once

#include <string>

#include "glob_token.h"
#include "keyshift/scheme/template.h"

namespace keyshift::scheme {

// Requires: some name of `from` fits the glob, and both templates are the sides of one rule.
std::string translate_glob(const GlobTokens& glob, const Template& from, const Template& to);

}  // namespace keyshift::scheme
