#include "keyshift/scheme/glob.h"

#include <algorithm>
#include <optional>

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

// One member of a class: a range, or one byte.
struct ClassMember {
  unsigned char first;
  unsigned char last;
  enum class Kind : uint8_t { kByte, kEscaped, kRange } kind;
};

// Reads the member at `at` and moves behind it; nothing at the class's end, which is a `]` or the pattern's.
std::optional<ClassMember> next_member(std::string_view pattern, size_t& at) {
  if (at >= pattern.size()) return std::nullopt;
  const auto here = static_cast<unsigned char>(pattern[at]);
  const size_t left = pattern.size() - at;
  if (here == '\\' && left >= 2) {
    const auto byte = static_cast<unsigned char>(pattern[at + 1]);
    at += 2;
    return ClassMember{byte, byte, ClassMember::Kind::kEscaped};
  }
  if (here == ']') {
    ++at;
    return std::nullopt;
  }
  if (left >= 3 && pattern[at + 1] == '-') {
    const auto last = static_cast<unsigned char>(pattern[at + 2]);
    at += 3;
    return ClassMember{here, last, ClassMember::Kind::kRange};
  }
  ++at;
  return ClassMember{here, here, ClassMember::Kind::kByte};
}

bool takes(const ClassMember& member, unsigned char byte, bool nocase) {
  switch (member.kind) {
    case ClassMember::Kind::kEscaped:
      return member.first == byte;  // never folded, as there
    case ClassMember::Kind::kByte:
      return nocase ? lower(member.first) == lower(byte) : member.first == byte;
    case ClassMember::Kind::kRange:
      return in_range(member.first, member.last, byte, nocase);
  }
  return false;
}

bool take_negation(std::string_view pattern, size_t& at) {
  const bool negated = at < pattern.size() && pattern[at] == '^';
  if (negated) ++at;
  return negated;
}

// `at` stands behind the `[`. An unclosed class ends with the pattern.
bool take_class(std::string_view pattern, size_t& at, unsigned char byte, bool nocase) {
  const bool negated = take_negation(pattern, at);
  bool found = false;
  while (const auto member = next_member(pattern, at)) found = found || takes(*member, byte, nocase);
  return found != negated;
}

std::bitset<256> class_bytes(std::string_view pattern, size_t& at) {
  const bool negated = take_negation(pattern, at);
  std::bitset<256> bytes;
  while (const auto member = next_member(pattern, at)) {
    if (member->kind != ClassMember::Kind::kRange) {
      bytes.set(member->first);
      continue;
    }
    for (size_t byte = 0; byte < 256; ++byte) {
      if (takes(*member, static_cast<unsigned char>(byte), false)) bytes.set(byte);
    }
  }
  return negated ? ~bytes : bytes;
}

// Moves `at` behind the one-byte token (anything but `*`) that stands there: does it take `byte`?
bool take_byte(std::string_view pattern, size_t& at, unsigned char byte, bool nocase) {
  auto here = static_cast<unsigned char>(pattern[at++]);
  if (here == '?') return true;
  if (here == '[') return take_class(pattern, at, byte, nocase);
  if (here == '\\' && at < pattern.size()) here = static_cast<unsigned char>(pattern[at++]);
  return nocase ? lower(here) == lower(byte) : here == byte;
}

}  // namespace

// Redis nests a call for each star and gives up below the thousandth (since the mending of CVE-2024-31228).
constexpr size_t kMostStars = 1000;

bool glob_match(std::string_view pattern, std::string_view string, bool nocase, uint64_t* steps) {
  // stringmatchlen() never enters its loop for an empty string; KEYS and SCAN do not call it for a lone star.
  if (string.empty()) return pattern.empty() || pattern == "*";
  uint64_t read = 0;
  size_t p = 0;
  size_t s = 0;
  // Where to resume when what follows the last star does not fit: one byte further on. Earlier stars need not move:
  // whatever they could take, the last one can.
  size_t star = std::string_view::npos;
  size_t star_at = 0;
  size_t stars = 0;
  bool fits = true;
  while (fits && s < string.size()) {
    const size_t from = p;
    if (p < pattern.size() && pattern[p] == '*') {
      while (p < pattern.size() && pattern[p] == '*') ++p;
      read += p - from;
      if (p == pattern.size()) break;
      star = p;
      star_at = s;
      fits = ++stars <= kMostStars;
      continue;
    }
    const bool taken =
        p < pattern.size() && take_byte(pattern, p, static_cast<unsigned char>(string[s]), nocase);
    read += p - from;
    if (taken) {
      ++s;
      continue;
    }
    fits = star != std::string_view::npos;
    p = star;
    s = ++star_at;
  }
  while (fits && p < pattern.size() && pattern[p] == '*') ++p;
  if (steps != nullptr) *steps = read;
  return fits && p == pattern.size();
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
  std::string text;
  if (bytes.count() == 1) {
    for (size_t byte = 0; byte < 256; ++byte) {
      const char literal = static_cast<char>(byte);
      if (bytes[byte]) append_glob_escaped(text, {&literal, 1});
    }
    return text;
  }
  const bool negated = bytes.count() > 128;
  text = negated ? "[^" : "[";
  for (size_t byte = 0; byte < 256; ++byte) {
    if (bytes[byte] != negated) append_class_byte(text, byte);
  }
  return text + "]";
}

GlobToken any_byte_token() {
  GlobToken token;
  token.bytes.set();
  token.text = "?";
  return token;
}

GlobToken star_token() {
  GlobToken token = any_byte_token();
  token.star = true;
  token.text = "*";
  return token;
}

}  // namespace

GlobTokens glob_tokens(std::string_view pattern, size_t limit) {
  GlobTokens tokens;
  for (size_t at = 0; at < pattern.size();) {
    if (pattern[at] == '*' || at >= limit) {
      if (tokens.empty() || !tokens.back().star) tokens.push_back(star_token());
      if (at >= limit) break;
      ++at;
      continue;
    }
    GlobToken token;
    const size_t begin = at;
    const char kind = pattern[at++];
    if (kind == '[') {
      token.bytes = class_bytes(pattern, at);
      if (at - begin > limit) token.bytes.set();
    } else if (kind == '?') {
      token.bytes.set();
    } else {
      if (kind == '\\' && at < pattern.size()) ++at;
      token.bytes.set(static_cast<unsigned char>(pattern[at - 1]));
    }
    token.text = class_text(token.bytes);
    tokens.push_back(std::move(token));
  }
  const bool only_star = tokens.size() == 1 && tokens.front().star;
  if (only_star && !glob_match(pattern, "")) tokens.insert(tokens.begin(), any_byte_token());
  return tokens;
}

std::string glob_text(const GlobTokens& tokens) {
  std::string text;
  for (const GlobToken& token : tokens) text += token.text;
  return text;
}

}  // namespace keyshift::scheme
