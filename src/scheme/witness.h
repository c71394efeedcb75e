// Witnesses: the keys that prove an error. Which bytes the proofs try first, and how a key stands in an error's text.
//
//   pleasant_bytes()           a, b, ..., 0, ..., A, ..., `_-.:`, other visible bytes, the rest
//   quoted("a:b")              `a:b`, with the backquotes; what is not printable as base/printable.h has it
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "keyshift/scheme/ruleset.h"

namespace keyshift::scheme {

// Every byte once, in the order in which a person would rather see them in a witness.
const std::array<unsigned char, 256>& pleasant_bytes();

// A rule in an error's text: its template of that side, and where it stands.
std::string rule_title(const Rule& rule, Naming side);

// A name that fits this side: the other side's sample is the name of the same key.
std::string sample_name(const Rule& rule, Naming side);

std::string quoted(std::string_view key);

}  // namespace keyshift::scheme
