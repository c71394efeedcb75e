// Template: the shape of a family of keys, literals with captures between them.
//
//   writing_stats:{user}:{days:int}d        analytics:writing_stats:user:{user}:days:{days}d
//   ^------------^^----^^^--------^^
//   literal       seg   :  int     literal
//
// `{{` and `}}` are literal braces. The types of captures:
//
//   seg    one or more bytes, no `:` (the default)      uuid   8-4-4-4-12 hexadecimal digits, either case
//   int    decimal digits, perhaps behind a minus       date   YYYYMMDD, month 01..12, day 01..31
//   hex    one or more hexadecimal digits               any    one or more bytes, may span `:`
//   a|b    one of the words listed
//
// Keys are binary: seg and any take every byte (seg: but `:`). Captured bytes are copied, never interpreted: `007`
// stays `007`. A Template is a value, immutable after parse; ruleset.h makes many of them into one matcher.
// Limits: 16 captures, 1,024 bytes of text, 256 words in a list.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace keyshift::scheme {

enum class CaptureType : uint8_t { kSeg, kInt, kHex, kUuid, kDate, kAny, kList };

// The word that templates use for a type: "seg", "int", ..., "list".
std::string_view capture_type_name(CaptureType type);

struct Capture {
  std::string name;
  CaptureType type = CaptureType::kSeg;
  bool typed = false;  // a type was written; an untyped capture takes the type of the rule's other side
  std::vector<std::string> words;  // of a list
  int column = 0;                  // where its `{` stands in the text, from 1

  bool same_type(const Capture& other) const { return type == other.type && words == other.words; }
};

// Either literal bytes (capture < 0), or the capture of that index.
struct Piece {
  std::string literal;
  int capture = -1;

  bool is_literal() const { return capture < 0; }
};

struct TemplateError {
  int column = 0;  // in the text, from 1
  std::string text;
  std::vector<std::string> witness = {};  // keys that show it: see SchemeError
};

class Template {
 public:
  static constexpr size_t kMaxCaptures = 16;
  static constexpr size_t kMaxText = 1024;
  static constexpr size_t kMaxWords = 256;

  // The empty template; only a target for assignment.
  Template() = default;

  // Parses `text`; an error names the column of what is wrong.
  static tl::expected<Template, TemplateError> parse(std::string_view text);

  const std::string& text() const { return text_; }
  // In order; two literals never stand side by side.
  const std::vector<Piece>& pieces() const { return pieces_; }
  const std::vector<Capture>& captures() const { return captures_; }
  // Index of the capture called `name`, or -1.
  int find_capture(std::string_view name) const;
  // Bytes of all literals together.
  size_t literal_size() const;

  // Gives capture `index` the type of `other`. For compile(), which makes both sides of a rule agree.
  void adopt_type(int index, const Capture& other);
  // Renumbers the captures: capture i becomes order[i]. For compile(): the same number means the same capture on both
  // sides of a rule. Requires: a permutation.
  void renumber(const std::vector<int>& order);

 private:
  friend class TemplateParser;

  std::string text_;
  std::vector<Piece> pieces_;
  std::vector<Capture> captures_;
};

}  // namespace keyshift::scheme
