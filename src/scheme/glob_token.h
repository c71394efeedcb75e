// One step of a glob: what stands at a place of the pattern, and which bytes it takes. The translation of patterns
// works on these; glob_match on the text, through the same functions, so that both read a pattern in the same way.
#pragma once

#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace keyshift::scheme {

struct GlobToken {
  bool star = false;
  std::bitset<256> bytes;  // that it takes; all of them for a star
  std::string text;        // stands for itself at any place of another pattern

  bool is_byte() const { return !star && bytes.count() == 1; }
  // Requires: is_byte().
  std::string_view literal() const { return std::string_view(text).substr(text.size() - 1); }
  bool operator==(const GlobToken& other) const { return star == other.star && bytes == other.bytes; }
};

using GlobTokens = std::vector<GlobToken>;

// The tokens of `pattern`, neighbouring stars made one; but `**` alone is `?*`, as it does not fit the empty string
// (see glob_match). Equal tokens have equal texts. A pattern longer than `limit` bytes is read so far; the rest counts
// as a star, and a class that is longer as any byte, so that what fits the pattern fits the tokens too. Costs the
// length of the pattern, and 100 bytes for each of `limit`. Requires: limit > 0.
GlobTokens glob_tokens(std::string_view pattern, size_t limit = SIZE_MAX);

// The tokens as a pattern.
std::string glob_text(const GlobTokens& tokens);

}  // namespace keyshift::scheme
