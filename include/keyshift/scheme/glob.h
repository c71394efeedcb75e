// glob_match: Redis's glob, byte for byte, without its exponential cases.
//
// Replies of KEYS, SCAN and SORT's patterns are filtered with the pattern that the client sent, so a key is shown
// exactly when Redis would have shown it.
//
//   h*llo      hllo, heeeello            h?llo     hello
//   h[ae]llo   hallo, hello              h[^e]llo  hallo, not hello
//   h[b-a]llo  as h[a-b]llo              h\*llo    only h*llo
//   h[ab       as h[ab]                  h\        h followed by a backslash
//
// Source: stringmatchlen() of Redis 7.0 (src/util.c). Ranges compare as signed bytes, as Redis does on x86. The one
// thing that is not stringmatchlen's: the pattern `*` alone fits the empty string, as KEYS and SCAN treat it
// (`**` does not, there as here). Where a match would have to pass a thousand stars that are not the last byte, there
// is none.
//
// Cost: one pass with a single point of return (the last star): at most (pattern + 1) x (string + 1) bytes of the
// pattern are read, no memory.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace keyshift::scheme {

// With `steps`: also how many bytes of the pattern were read, those read again included.
bool glob_match(std::string_view pattern, std::string_view string, bool nocase = false,
                uint64_t* steps = nullptr);

// Appends `literal` so that it stands for itself in a pattern: `a*b` becomes `a\*b`.
void append_glob_escaped(std::string& pattern, std::string_view literal);

// True when the pattern has no wildcard, class or escape: it fits only itself.
bool glob_is_literal(std::string_view pattern);

}  // namespace keyshift::scheme
