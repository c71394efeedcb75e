#include "keyshift/scheme/glob.h"

#include <algorithm>

#include "glob_token.h"

namespace keyshift::scheme {
namespace {

unsigned char lower(unsigned char byte) {
  return byte >= 'A' && byte <= 'Z' ? static_cast<unsigned char>(byte + ('a' - 'A')) : byte;
}

// Redis compares the ends of a range as chars, which are signed on x86.
bool in_range(unsigned char first, unsigned char last, unsigned char byte, bool nocase) {
  auto start = static_cast<signed char>(first);
  auto end = static_cast<signed char>(last);
  if (start > end) std::swap(start, end);
  if (nocase) {  // after the exchange, as there, so [k-M] without case takes nothing
    start = static_cast<signed char>(lower(static_cast<unsigned char>(start)));
    end = static_cast<signed char>(lower(static_cast<unsigned char>(end)));
    byte = lower(byte);
  }
  const auto probe = static_cast<signed char>(byte);
  return probe >= start && probe <= end;
}

// `at` stands behind the `[`. An unclosed class ends with the pattern.
bool take_class(std::string_view pattern, size_t& at, unsigned char byte, bool nocase) {
  const bool negated = at < pattern.size() && pattern[at] == '^';
  if (negated) ++at;
  bool found = false;
  while (at < pattern.size()) {
    const auto here = static_cast<unsigned char>(pattern[at]);
    const size_t left = pattern.size() - at;
    if (here == '\\' && left >= 2) {
      found = found || static_cast<unsigned char>(pattern[at + 1]) == byte;  // never folded, as there
      at += 2;
    } else if (here == ']') {
      ++at;
      break;
    } else if (left >= 3 && pattern[at + 1] == '-') {
      found = found || in_range(here, static_cast<unsigned char>(pattern[at + 2]), byte, nocase);
      at += 3;
    } else {
      found = found || (nocase ? lower(here) == lower(byte) : here == byte);
      ++at;
    }
  }
  return found != negated;
}

}  // namespace

bool take_byte(std::string_view pattern, size_t& at, unsigned char byte, bool nocase) {
  auto here = static_cast<unsigned char>(pattern[at++]);
  if (here == '?') return true;
  if (here == '[') return take_class(pattern, at, byte, nocase);
  if (here == '\\' && at < pattern.size()) here = static_cast<unsigned char>(pattern[at++]);
  return nocase ? lower(here) == lower(byte) : here == byte;
}

bool glob_match(std::string_view pattern, std::string_view string, bool nocase) {
  // stringmatchlen() never enters its loop for an empty string; KEYS and SCAN do not call it for a lone star.
  if (string.empty()) return pattern.empty() || pattern == "*";
  size_t p = 0;
  size_t s = 0;
  // Where to resume when what follows the last star does not fit: one byte further on. Earlier stars need not move:
  // whatever they could take, the last one can.
  size_t star = std::string_view::npos;
  size_t star_at = 0;
  while (s < string.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      while (p < pattern.size() && pattern[p] == '*') ++p;
      if (p == pattern.size()) return true;
      star = p;
      star_at = s;
      continue;
    }
    if (p < pattern.size() && take_byte(pattern, p, static_cast<unsigned char>(string[s]), nocase)) {
      ++s;
      continue;
    }
    if (star == std::string_view::npos) return false;
    p = star;
    s = ++star_at;
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

void append_glob_escaped(std::string& pattern, std::string_view literal) {
  for (const char byte : literal) {
    if (byte == '*' || byte == '?' || byte == '[' || byte == '\\') pattern.push_back('\\');
    pattern.push_back(byte);
  }
}

bool glob_is_literal(std::string_view pattern) {
  return pattern.find_first_of("*?[\\") == std::string_view::npos;
}

namespace {

void append_class_byte(std::string& text, size_t byte) {
  text.push_back('\\');
  text.push_back(static_cast<char>(byte));
}

// A class in one spelling, closed and with every byte escaped: what was written might lean on the pattern's end.
std::string class_text(const std::bitset<256>& bytes) {
  if (bytes.all()) return "?";
  const bool negated = bytes.count() > 128;
  std::string text = negated ? "[^" : "[";
  for (size_t byte = 0; byte < 256; ++byte) {
    if (bytes[byte] != negated) append_class_byte(text, byte);
  }
  return text + "]";
}

}  // namespace

std::vector<GlobToken> glob_tokens(std::string_view pattern) {
  std::vector<GlobToken> tokens;
  for (size_t at = 0; at < pattern.size();) {
    GlobToken token;
    if (pattern[at] == '*') {
      while (at < pattern.size() && pattern[at] == '*') ++at;
      token.star = true;
      token.bytes.set();
      token.text = "*";
    } else {
      const char kind = pattern[at];
      size_t end = at;
      if (kind == '?') {
        token.bytes.set();
        token.text = "?";
        end = at + 1;
      } else if (kind == '[') {
        for (size_t byte = 0; byte < 256; ++byte) {
          end = at;
          token.bytes[byte] = take_byte(pattern, end, static_cast<unsigned char>(byte), false);
        }
        token.text = class_text(token.bytes);
      } else {
        end = kind == '\\' && at + 1 < pattern.size() ? at + 2 : at + 1;
        token.bytes.set(static_cast<unsigned char>(pattern[end - 1]));
        append_glob_escaped(token.text, pattern.substr(end - 1, 1));
      }
      at = end;
    }
    tokens.push_back(std::move(token));
  }
  return tokens;
}

}  // namespace keyshift::scheme
