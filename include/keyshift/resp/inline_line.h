// decode_inline_line: an inline request's line to the multibulk form of the same request.
//
// RequestParser uses it for what a person types into a plain TCP connection, and the CLI for commands in files:
//
//   SET "a\x41\n" 'it\'s' b        *4..$3..SET..$3..aA\n..$4..it's..$1..b..       \n being one byte
//
// The rules are those of sdssplitargs in Redis: blanks separate; quotes may begin inside a word and must end at a blank
// or the line's end; "..." knows \n \r \t \b \a \xHH and takes any other escaped byte as itself; '...' knows only \'.
// The block is as large as what the line says, plus headers; it is built in place.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "keyshift/resp/request.h"

namespace keyshift::resp {

// Replaces `block` and `args`. Returns false if quotes are unbalanced. A line of blanks gives no args and an empty
// block. Requires: `line` has no line end and no '\0' (both would only be bytes of words).
bool decode_inline_line(std::string_view line, std::string& block, std::vector<Arg>& args);

}  // namespace keyshift::resp
