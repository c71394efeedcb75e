// A text as the value of an option, where names from [ttl] count; and what a text that is none may have meant.
//
// For what the file says in quotes, and for all that environment and flags say. Pure functions.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "keyshift/config/option.h"

namespace keyshift::config {

// Names for durations, from [ttl]; in milliseconds.
using Ttls = std::map<std::string, int64_t, std::less<>>;

// parse_value(), for a kTtl also a name.
Result<Value> parse_named(const Option& option, std::string_view text, const Ttls& ttls);
// What was probably meant by a text that is none, in quotes: "\"clamp\"" for clmap. Empty: nothing is near.
std::string suggest_text(const Option& option, std::string_view text, const Ttls& ttls);

}  // namespace keyshift::config
