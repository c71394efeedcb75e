// Witnesses: the keys that prove an error. Which bytes the proofs try first, and how a key stands in an error's text.
//
//   pleasant_bytes()           a, b, ..., 0, ..., A, ..., `_-.:`, other visible bytes, the rest
//   quoted("a:b")              `a:b`, with the backquotes; what is not printable as base/printable.h has it
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace keyshift::scheme {

// Every byte once, in the order in which a person would rather see them in a witness.
const std::array<unsigned char, 256>& pleasant_bytes();

std::string quoted(std::string_view key);

}  // namespace keyshift::scheme
