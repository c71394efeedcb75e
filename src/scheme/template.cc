#include "keyshift/scheme/template.h"

#include <algorithm>
#include <array>
#include <optional>

#include "witness.h"

namespace keyshift::scheme {
namespace {

struct TypeName {
  CaptureType type;
  std::string_view name;
};
constexpr std::array<TypeName, 6> kTypeNames{{{CaptureType::kSeg, "seg"},
                                              {CaptureType::kInt, "int"},
                                              {CaptureType::kHex, "hex"},
                                              {CaptureType::kUuid, "uuid"},
                                              {CaptureType::kDate, "date"},
                                              {CaptureType::kAny, "any"}}};

bool is_name(std::string_view name) {
  const auto word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !name.empty() && !(name[0] >= '0' && name[0] <= '9') && std::all_of(name.begin(), name.end(), word);
}

}  // namespace

std::string_view capture_type_name(CaptureType type) {
  for (const TypeName& row : kTypeNames) {
    if (row.type == type) return row.name;
  }
  return "list";
}

// Reads a template's text once, left to right.
class TemplateParser {
 public:
  explicit TemplateParser(std::string_view text) : text_(text) {}

  tl::expected<Template, TemplateError> run() {
    if (text_.empty()) return tl::make_unexpected(TemplateError{1, "the template is empty"});
    if (text_.size() > Template::kMaxText)
      return error(Template::kMaxText, "a template has at most 1024 bytes");
    made_.text_ = std::string(text_);
    while (at_ < text_.size()) {
      const char byte = text_[at_];
      const bool doubled = at_ + 1 < text_.size() && text_[at_ + 1] == byte;
      if ((byte == '{' || byte == '}') && doubled) {
        literal(byte);
        at_ += 2;
      } else if (byte == '{') {
        if (auto problem = capture()) return tl::make_unexpected(std::move(*problem));
      } else if (byte == '}') {
        return error(at_, "`}` without `{`; a literal brace is written twice: `}}`");
      } else {
        literal(byte);
        ++at_;
      }
    }
    return std::move(made_);
  }

 private:
  using Problem = std::optional<TemplateError>;

  void literal(char byte) {
    if (made_.pieces_.empty() || !made_.pieces_.back().is_literal()) made_.pieces_.emplace_back();
    made_.pieces_.back().literal.push_back(byte);
  }

  // `{name}` or `{name:type}`, at_ on the brace.
  Problem capture() {
    const size_t open = at_;
    const size_t close = text_.find('}', open);
    if (close == std::string_view::npos) {
      return problem(open, "`{` is never closed; a literal brace is written twice: `{{`");
    }
    const std::string_view inside = text_.substr(open + 1, close - open - 1);
    const size_t colon = inside.find(':');
    Capture capture;
    capture.name = std::string(inside.substr(0, colon));
    capture.column = static_cast<int>(open + 1);
    if (!is_name(capture.name)) {
      return problem(open + 1, quoted(capture.name) +
                                   " is no name for a capture: letters, digits and `_`, no digit first");
    }
    if (made_.find_capture(capture.name) >= 0) {
      return problem(open, "`{" + capture.name +
                               "}` is repeated: a template does not compare two parts of a key; call " +
                               "this one `{" + unused_name(capture.name) +
                               "}` and use both on the other side");
    }
    if (made_.captures_.size() == Template::kMaxCaptures) {
      return problem(open, "a template has at most 16 captures");
    }
    if (colon != std::string_view::npos) {
      if (auto wrong = type(inside.substr(colon + 1), open + 2 + colon, capture)) return wrong;
    }
    made_.pieces_.push_back({"", static_cast<int>(made_.captures_.size())});
    made_.captures_.push_back(std::move(capture));
    at_ = close + 1;
    return std::nullopt;
  }

  // `name` with a number behind it, as no capture of the template is called.
  std::string unused_name(const std::string& name) const {
    for (int number = 2;; ++number) {
      std::string made = name + std::to_string(number);
      const size_t at = text_.find("{" + made);
      if (at == std::string_view::npos) return made;
    }
  }

  Problem type(std::string_view written, size_t column, Capture& capture) {
    capture.typed = true;
    for (const TypeName& row : kTypeNames) {
      if (row.name == written) {
        capture.type = row.type;
        return std::nullopt;
      }
    }
    if (written.find('|') == std::string_view::npos) {
      return problem(
          column, quoted(written) + " is no type: seg, int, hex, uuid, date, any, or a list of words (a|b)");
    }
    capture.type = CaptureType::kList;
    for (size_t from = 0; from <= written.size();) {
      const size_t bar = std::min(written.find('|', from), written.size());
      std::string word(written.substr(from, bar - from));
      if (word.empty()) return problem(column + from, "a word of a list is empty");
      if (word.find('{') != std::string::npos)
        return problem(column + from, "a word of a list cannot hold a brace");
      if (std::find(capture.words.begin(), capture.words.end(), word) != capture.words.end()) {
        return problem(column + from, "the word " + quoted(word) + " is listed twice");
      }
      if (capture.words.size() == Template::kMaxWords)
        return problem(column + from, "a list has at most 256 words");
      capture.words.push_back(std::move(word));
      from = bar + 1;
    }
    // The order of the words means nothing: lists of two sides are compared.
    std::sort(capture.words.begin(), capture.words.end());
    return std::nullopt;
  }

  static Problem problem(size_t offset, std::string text) {
    return TemplateError{static_cast<int>(offset + 1), std::move(text)};
  }
  static tl::expected<Template, TemplateError> error(size_t offset, std::string text) {
    return tl::make_unexpected(TemplateError{static_cast<int>(offset + 1), std::move(text)});
  }

  std::string_view text_;
  size_t at_ = 0;
  Template made_;
};

tl::expected<Template, TemplateError> Template::parse(std::string_view text) {
  return TemplateParser(text).run();
}

int Template::find_capture(std::string_view name) const {
  for (size_t i = 0; i < captures_.size(); ++i) {
    if (captures_[i].name == name) return static_cast<int>(i);
  }
  return -1;
}

size_t Template::literal_size() const {
  size_t size = 0;
  for (const Piece& piece : pieces_) size += piece.literal.size();
  return size;
}

void Template::adopt_type(int index, const Capture& other) {
  Capture& mine = captures_[static_cast<size_t>(index)];
  mine.type = other.type;
  mine.words = other.words;
}

void Template::renumber(const std::vector<int>& order) {
  std::vector<Capture> moved(captures_.size());
  for (size_t i = 0; i < captures_.size(); ++i)
    moved[static_cast<size_t>(order[i])] = std::move(captures_[i]);
  captures_ = std::move(moved);
  for (Piece& piece : pieces_) {
    if (!piece.is_literal()) piece.capture = order[static_cast<size_t>(piece.capture)];
  }
}

}  // namespace keyshift::scheme
