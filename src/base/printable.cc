#include "keyshift/base/printable.h"

#include <cstdint>
#include <optional>

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

std::optional<int> hex_value(char c) {
  if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
  const size_t at = kDigits.find(c);
  return at == std::string_view::npos ? std::nullopt : std::optional(static_cast<int>(at));
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

bool read_printable(std::string_view text, std::string& key) {
  if (text.empty() || text[0] != '"') {
    key = text;
    return true;
  }
  if (text.size() < 2 || text.back() != '"') return false;
  const std::string_view inside = text.substr(1, text.size() - 2);
  std::string made;
  for (size_t i = 0; i < inside.size(); ++i) {
    if (inside[i] == '"') return false;
    if (inside[i] != '\\') {
      made += inside[i];
      continue;
    }
    if (++i == inside.size()) return false;  // the closing quote was an escaped one
    if (inside[i] == 'x' && i + 2 < inside.size()) {
      const auto high = hex_value(inside[i + 1]);
      const auto low = hex_value(inside[i + 2]);
      if (high && low) {
        made += static_cast<char>(*high * 16 + *low);
        i += 2;
        continue;
      }
    }
    made += escaped(inside[i]);
  }
  key = std::move(made);
  return true;
}

}  // namespace keyshift
