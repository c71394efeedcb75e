// One step of a glob: what stands at a place of the pattern, and which bytes it takes. Shared by glob_match and the
// translation of patterns, so that both read a pattern in the same way.
#pragma once

#include <bitset>
#include <string>
#include <string_view>
#include <vector>

namespace keyshift::scheme {

// Does the one-byte token (anything but `*`) at pattern[at] take `byte`? Moves `at` behind the token.
// Requires: at < pattern.size().
bool take_byte(std::string_view pattern, size_t& at, unsigned char byte, bool nocase);

struct GlobToken {
  bool star = false;
  std::bitset<256> bytes;  // that it takes; all of them for a star
  std::string text;        // stands for itself at any place of another pattern

  bool is_byte() const { return !star && bytes.count() == 1; }
};

// The tokens of `pattern`, neighbouring stars made one.
std::vector<GlobToken> glob_tokens(std::string_view pattern);

}  // namespace keyshift::scheme
