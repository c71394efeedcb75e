#include "keyshift/scheme/shape.h"

#include <algorithm>
#include <cstdint>

#include "keyshift/base/printable.h"

namespace keyshift::scheme {
namespace {

// More segments, or more captures in them, end the shape with {any}.
constexpr size_t kMaxSegments = 8;
constexpr size_t kMaxCaptures = 15;
// A segment whose shape is longer or has more captures is not worth its detail.
constexpr size_t kMaxSegmentShape = 48;
constexpr size_t kMaxSegmentCaptures = 3;
// Hexadecimal letters and digits mixed are a number from here on; letters alone, as in `facade`, only much later.
constexpr size_t kMinHex = 8;
constexpr size_t kMinHexLetters = 16;
// Words that people write are shorter, and have fewer consonants in a row.
constexpr size_t kMaxWord = 24;
constexpr size_t kMaxConsonants = 6;
constexpr size_t kUuidSize = 36;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
// Bytes of UTF-8 beyond ASCII count as letters.
bool is_letter(char c) {
  return is_lower(c) || is_upper(c) || static_cast<uint8_t>(c) >= 0x80;
}
bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
bool is_word_byte(char c) {
  return is_digit(c) || is_letter(c);
}

bool starts_with_uuid(std::string_view text) {
  if (text.size() < kUuidSize || (text.size() > kUuidSize && is_word_byte(text[kUuidSize]))) return false;
  for (size_t i = 0; i < kUuidSize; ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !is_hex(text[i])) return false;
  }
  return true;
}

// YYYYMMDD of a plausible year.
bool is_date(std::string_view digits) {
  if (digits.size() != 8 || (!digits.starts_with("19") && !digits.starts_with("20"))) return false;
  const int month = (digits[4] - '0') * 10 + digits[5] - '0';
  const int day = (digits[6] - '0') * 10 + digits[7] - '0';
  return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

// Letters that a person may have written.
bool is_word(std::string_view letters) {
  size_t consonants = 0;
  size_t humps = 0;  // as in camelCase
  for (size_t i = 0; i < letters.size(); ++i) {
    const bool vowel = std::string_view("aeiouyAEIOUY").find(letters[i]) != std::string_view::npos;
    const bool ascii = is_lower(letters[i]) || is_upper(letters[i]);
    const bool hump = i > 0 && is_lower(letters[i - 1]) && is_upper(letters[i]);
    humps += hump ? 1 : 0;
    consonants = vowel || hump || !ascii ? 0 : consonants + 1;
    if (consonants > kMaxConsonants) return false;
  }
  return letters.size() <= kMaxWord && humps <= letters.size() / 3;
}

// The shape of one segment, written behind what `out` holds.
class Segment {
 public:
  Segment(std::string_view text, std::string& out) : text_(text), out_(out), begin_(out.size()) {}

  // Returns how many captures it got.
  size_t write() {
    // Whose mail, which page: the value of a capture, not a part of the scheme.
    if (!is_printable(text_) || text_.find_first_of("@?=&% ") != std::string_view::npos) return whole();
    while (!text_.empty()) {
      if (starts_with_uuid(text_)) {
        capture("{uuid}", kUuidSize);
      } else if (is_word_byte(text_[0])) {
        word(text_.substr(0, run(text_, is_word_byte)));
      } else {
        literal(1);
      }
      const bool detailed = captures_ > kMaxSegmentCaptures || out_.size() - begin_ > kMaxSegmentShape;
      // A {seg} beside another capture could be read in two ways: no rule could be made of it.
      if (detailed || (has_seg_ && captures_ > 1)) return whole();
    }
    return captures_;
  }

 private:
  static size_t run(std::string_view text, bool (*belongs)(char)) {
    const auto end = std::find_if_not(text.begin(), text.end(), belongs);
    return static_cast<size_t>(end - text.begin());
  }

  size_t whole() {
    out_.resize(begin_);
    out_ += "{seg}";
    return 1;
  }
  void capture(std::string_view type, size_t size) {
    out_ += type;
    text_.remove_prefix(size);
    ++captures_;
    has_seg_ |= type == "{seg}";
  }
  void literal(size_t size) {
    for (const char c : text_.substr(0, size)) {
      if (c == '{' || c == '}') out_ += c;
      out_ += c;
    }
    text_.remove_prefix(size);
  }

  // Letters and digits up to the next punctuation.
  void word(std::string_view token) {
    const size_t digits = run(token, is_digit);
    if (digits == token.size()) return capture(is_date(token) ? "{date}" : "{int}", digits);
    const size_t letters = run(token, is_letter);
    if (is_hex_number(token, letters)) return capture("{hex}", token.size());
    const std::string_view rest = token.substr(letters > 0 ? letters : digits);
    if (letters == token.size() && is_word(token)) return literal(letters);
    if (letters > 0 && is_word(token.substr(0, letters)) && run(rest, is_digit) == rest.size()) {
      literal(letters);
      return capture("{int}", rest.size());
    }
    if (digits > 0 && run(rest, is_letter) == rest.size() && is_word(rest)) {
      capture("{int}", digits);
      return literal(rest.size());
    }
    capture("{seg}", token.size());
  }

  static bool is_hex_number(std::string_view token, size_t letters) {
    if (run(token, is_hex) != token.size()) return false;
    if (letters == token.size()) return token.size() >= kMinHexLetters;
    if (token.size() >= kMinHex) return true;
    // Shorter ones are numbers when they cannot be `abc1` or `30d`.
    const size_t digits = run(token, is_digit);
    const bool named = letters > 0 && run(token.substr(letters), is_digit) == token.size() - letters;
    return !named && digits + 1 != token.size();
  }

  std::string_view text_;  // what is still to be read
  std::string& out_;
  size_t begin_;
  size_t captures_ = 0;
  bool has_seg_ = false;
};

}  // namespace

void append_shape(std::string_view key, std::string& out) {
  const bool cut = key.size() > kMaxRead;
  std::string_view rest = key.substr(0, kMaxRead);
  out.reserve(out.size() + std::min(kMaxShape, rest.size() + 8));
  size_t captures = 0;
  for (size_t segment = 0;; ++segment) {
    const size_t colon = rest.find(':');
    const bool unfinished = cut && colon == std::string_view::npos;
    if (segment == kMaxSegments || captures + kMaxSegmentCaptures > kMaxCaptures || unfinished) {
      // A template's {any} takes at least one byte.
      if (!rest.empty() || unfinished) out += "{any}";
      return;
    }
    captures += Segment(rest.substr(0, colon), out).write();
    if (colon == std::string_view::npos) return;
    out += ':';
    rest.remove_prefix(colon + 1);
  }
}

}  // namespace keyshift::scheme
