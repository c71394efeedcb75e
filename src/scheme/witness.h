// Witnesses: the keys that prove an error. Which bytes the proofs try first, and how a key stands in an error's text.
//
//   pleasant_bytes()           a, b, ..., 0, ..., A, ..., `_-.:`, other visible bytes, the rest
//   printable("a\n\\b")        `a\x0a\\b`, with the backquotes
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace keyshift::scheme {

// Every byte once, in the order in which a person would rather see them in a witness.
const std::array<unsigned char, 256>& pleasant_bytes();

// The key in backquotes; what is not visible ASCII as \xHH, a backslash doubled.
std::string printable(std::string_view key);

}  // namespace keyshift::scheme
