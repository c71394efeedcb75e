// printable(): a key for a person's eyes, as redis-cli quotes it, but only where it must; and the way back.
//
//   writing_stats:user123:30d     writing_stats:user123:30d
//   a\x00b\n                      "a\x00b\n"
//   naïve                         naïve                        (valid UTF-8 is printable)
//   "q"                           "\"q\""                      (a quote at the front always means escapes)
//
// Keys are bytes; terminals, JSON and lines of text are not. So whatever prints a key uses this, and whatever reads one
// from a person understands it: read_printable(printable(k)) == k for every k. Pure functions, any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace keyshift {

// Valid UTF-8 without control characters.
bool is_printable(std::string_view text);

std::string printable(std::string_view key);

// Puts the key behind a printed name into `key` and returns true. What does not begin with a quote is the key itself;
// else false, with `key` as it was, if it is not redis-cli's quoting: a closing quote at the end, no other in between
// that is not escaped, escapes as in \n \r \t \a \b \\ \" and \x00; any other escaped byte stands for itself.
bool read_printable(std::string_view text, std::string& key);

// Appends the byte that an escape says, as redis-cli and inline commands write it, and returns how many bytes of `text`
// it took: `x41` 3, any other 1. Requires: `text` begins behind the backslash and is not empty.
size_t read_escape(std::string_view text, std::string& out);

}  // namespace keyshift
