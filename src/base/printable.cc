#include "keyshift/base/printable.h"

#include <cstdint>

#include "keyshift/base/ascii.h"

namespace keyshift {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

// Bytes of the UTF-8 character at the front of `text`, 0 where there is none (RFC 3629: shortest form, no surrogates).
size_t utf8_size(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = byte(0);
  const size_t size = first < 0x80   ? 1
                      : first < 0xc2 ? 0
                      : first < 0xe0 ? 2
                      : first < 0xf0 ? 3
                      : first < 0xf5 ? 4
                                     : 0;
  if (size == 0 || size > text.size()) return 0;
  for (size_t i = 1; i < size; ++i)
    if ((byte(i) & 0xc0) != 0x80) return 0;
  if (first == 0xe0 && byte(1) < 0xa0) return 0;
  if (first == 0xed && byte(1) > 0x9f) return 0;
  if (first == 0xf0 && byte(1) < 0x90) return 0;
  if (first == 0xf4 && byte(1) > 0x8f) return 0;
  return size;
}

// The byte that an escape says (`\n` is 'n'); its own where it says nothing.
char escaped(char c) {
  switch (c) {
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'a':
      return '\a';
    case 'b':
      return '\b';
    default:
      return c;
  }
}

}  // namespace

bool is_printable(std::string_view text) {
  while (!text.empty()) {
    const size_t size = utf8_size(text);
    const auto first = static_cast<uint8_t>(text[0]);
    // Control characters: C0, delete, and C1 in its two bytes.
    if (size == 0 || first < 0x20 || first == 0x7f) return false;
    if (size == 2 && first == 0xc2 && static_cast<uint8_t>(text[1]) < 0xa0) return false;
    text.remove_prefix(size);
  }
  return true;
}

std::string printable(std::string_view key) {
  // What would look quoted is quoted, so that a quote at the front always means escapes.
  if (!key.empty() && key[0] != '"' && is_printable(key)) return std::string(key);
  std::string out = "\"";
  for (const char c : key) {
    switch (c) {
      case '\\':
      case '"':
        out += '\\';
        out += c;
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\a':
        out += "\\a";
        break;
      case '\b':
        out += "\\b";
        break;
      default:
        if (c >= 0x20 && c < 0x7f) {
          out += c;
        } else {
          out += "\\x";
          out += kDigits[static_cast<uint8_t>(c) >> 4];
          out += kDigits[static_cast<uint8_t>(c) & 15];
        }
    }
  }
  out += '"';
  return out;
}

size_t read_escape(std::string_view text, std::string& out) {
  const bool is_hex = text[0] == 'x' && text.size() > 2 && hex_value(text[1]) >= 0 && hex_value(text[2]) >= 0;
  out += is_hex ? static_cast<char>(hex_value(text[1]) * 16 + hex_value(text[2])) : escaped(text[0]);
  return is_hex ? 3 : 1;
}

bool read_printable(std::string_view text, std::string& key) {
  if (text.empty() || text[0] != '"') {
    key = text;
    return true;
  }
  if (text.size() < 2 || text.back() != '"') return false;
  const std::string_view inside = text.substr(1, text.size() - 2);
  std::string made;
  for (size_t i = 0; i < inside.size();) {
    const char c = inside[i++];
    if (c == '"') return false;
    if (c != '\\') {
      made += c;
    } else if (i == inside.size()) {
      return false;  // the closing quote was an escaped one
    } else {
      i += read_escape(inside.substr(i), made);
    }
  }
  key = std::move(made);
  return true;
}

}  // namespace keyshift
