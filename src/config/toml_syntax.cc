#include "toml_syntax.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <set>
#include <vector>

#include <fmt/format.h>

#include "value.h"

namespace keyshift::config {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
// A name that nobody writes: control characters need an escape.
constexpr char kLeftOut = '\x01';
// What more there is comes to light when these are mended.
constexpr int kMostProblems = 20;

bool continues_letter(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

bool is_bare(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || c == '.' || c == '"' ||
         c == '\'' || c == ' ' || c == '\t';
}

// "name = ..." -> "name"; empty where the line does not begin so.
std::string_view key_of(std::string_view line) {
  const size_t equals = line.find('=');
  if (equals == std::string_view::npos) return {};
  const std::string_view key = trim(line.substr(0, equals));
  return std::ranges::all_of(key, is_bare) ? key : std::string_view();
}

// "[name]" and "[[name]]", also unclosed -> "name"; empty where the line does not begin so.
std::string_view header_of(std::string_view line) {
  line = trim(line);
  if (!line.starts_with('[')) return {};
  line.remove_prefix(line.starts_with("[[") ? 2 : 1);
  const std::string_view name = trim(line.substr(0, line.find_first_of("]#")));
  const bool is_name = !name.empty() && std::isalpha(static_cast<unsigned char>(name[0])) &&
                       std::ranges::all_of(name, is_bare);
  return is_name ? name : std::string_view();
}

// A statement: a table's header or a name with its value, which may go over many lines.
struct Statement {
  size_t first = 0;  // lines, from 0
  size_t last = 0;
  std::string_view header, key;
  char open = 0;         // '[' '{' '"' '\'': what of the value is not closed when the next statement begins
  size_t open_line = 0;  // where that was opened; from 0, in bytes
  size_t open_column = 0;
};

// Reads a value's brackets and quotes, line by line.
class ValueScanner {
 public:
  struct Open {
    char kind;  // '[' '{' or, of a text over many lines, its quote
    size_t line, column;
  };

  // Reads `line`, the number `number`, from `i` on. Returns whether the value goes on in the next line.
  bool scan(std::string_view line, size_t number, size_t i) {
    for (; i < line.size(); ++i) {
      const char c = line[i];
      if (text_) {
        const char quote = text_->kind;
        if (c == '\\' && quote == '"') {
          ++i;
        } else if (is_long_quote(line, i) && c == quote) {
          i += 2;
          text_.reset();
        }
      } else if (c == '#') {
        break;
      } else if (is_long_quote(line, i)) {
        text_ = Open{c, number, i};
        i += 2;
      } else if (c == '"' || c == '\'') {
        i = end_of_text(line, i);
      } else if (c == '[' || c == '{') {
        brackets_.push_back({c, number, i});
      } else if ((c == ']' || c == '}') && !brackets_.empty()) {
        brackets_.pop_back();
      }
    }
    return open() != nullptr;
  }
  bool is_text() const { return text_.has_value(); }
  // The text, else the outermost bracket, that is not closed; nullptr: there is none.
  const Open* open() const { return text_ ? &*text_ : brackets_.empty() ? nullptr : &brackets_.front(); }

 private:
  static bool is_long_quote(std::string_view line, size_t i) {
    const std::string_view three = line.substr(i, 3);
    return three == "\"\"\"" || three == "\'\'\'";
  }
  static size_t end_of_text(std::string_view line, size_t begin) {
    size_t i = begin + 1;
    for (; i < line.size() && line[i] != line[begin]; ++i)
      if (line[i] == '\\' && line[begin] == '"') ++i;
    return i;
  }

  std::vector<Open> brackets_;
  std::optional<Open> text_;
};

// Whether the value that `scanner` reads ends before `line` because that begins a statement.
bool begins_statement(std::string_view line, const ValueScanner& scanner) {
  if (scanner.is_text()) return false;
  return !header_of(line).empty() || (scanner.open()->kind == '[' && !key_of(line).empty());
}

// The statement that begins in line `first`.
Statement statement_from(const std::vector<std::string>& lines, size_t first) {
  Statement statement;
  statement.first = statement.last = first;
  statement.header = header_of(lines[first]);
  statement.key = key_of(lines[first]);
  if (!statement.header.empty() || statement.key.empty()) return statement;
  ValueScanner scanner;
  size_t& last = statement.last;
  bool goes_on = scanner.scan(lines[first], first, lines[first].find('=') + 1);
  while (goes_on) {
    if (last + 1 < lines.size() && !begins_statement(lines[last + 1], scanner)) {
      ++last;
      goes_on = scanner.scan(lines[last], last, 0);
      continue;
    }
    const ValueScanner::Open& open = *scanner.open();
    statement.open = open.kind;
    statement.open_line = open.line;
    statement.open_column = open.column;
    if (scanner.is_text()) last = open.line;  // a text that never ends would take all with it
    break;
  }
  return statement;
}

std::vector<Statement> statements_of(const std::vector<std::string>& lines) {
  std::vector<Statement> statements;
  std::string_view header;
  for (size_t line = 0; line < lines.size(); line = statements.back().last + 1) {
    statements.push_back(statement_from(lines, line));
    if (!statements.back().header.empty()) header = statements.back().header;
    statements.back().header = header;
  }
  return statements;
}

bool is_header(const std::vector<std::string>& lines, const Statement& statement) {
  return trim(lines[statement.first]).starts_with('[') && statement.key.empty();
}

// What toml++ says, and what that means to somebody who does not know TOML by heart. The first that fits.
struct Explanation {
  std::string_view said;    // a part of toml++'s description
  std::string_view within;  // a part of the line; empty: any
  std::string_view text;
};
constexpr const char* kNoValue =
    "this value is neither a text in quotes, a whole number, true, false, nor a list: texts, and with them "
    "durations such as \"1h\", sizes such as \"64mb\" and percentages such as \"5%\", stand in quotes";
constexpr const char* kUnclosedText = "this text is not closed: its second quote is missing in this line";
constexpr std::array kExplanations{
    Explanation{"invalid utf-8", "", "this is not UTF-8: save the file as UTF-8"},
    Explanation{"expected ']', saw '\\n'", "", "the name of this table is not closed: \"]\" is missing"},
    Explanation{"parsing table header: expected ']'", "",
                "the name of a table has only letters from a to z, digits, \"_\", \"-\" and \".\", and ends "
                "with \"]\""},
    Explanation{"parsing table header: expected a comment", "",
                "nothing but a comment may follow the name of a table in its line"},
    Explanation{"expected bare key", "",
                "a name has only letters from a to z, digits, \"_\" and \"-\"; another stands in quotes"},
    Explanation{"tables with blank bare keys", "", "this table has no name"},
    Explanation{"expected '=', saw ':'", "", "between a name and its value stands \"=\", not \":\""},
    Explanation{"expected '='", "", "between a name and its value stands \"=\""},
    Explanation{"expected value, saw", "", "there is no value behind \"=\""},
    Explanation{"expected keys, tables, whitespace or comments", "//", "a comment begins with \"#\""},
    Explanation{"expected keys, tables, whitespace or comments", ";", "a comment begins with \"#\""},
    Explanation{
        "expected keys, tables, whitespace or comments", "",
        "a line is a table's name in brackets, a name with \"=\" and a value, or a comment with \"#\""},
    Explanation{"", "\xe2\x80\x9c", "typographic quotes are no quotes: write \"...\""},
    Explanation{"", "\xe2\x80\x9d", "typographic quotes are no quotes: write \"...\""},
    Explanation{"control characters", "", kUnclosedText},
    Explanation{"parsing string: encountered end-of-file", "", kUnclosedText},
    Explanation{"parsing literal string: encountered end-of-file", "", kUnclosedText},
    Explanation{"unknown escape sequence", "",
                "a backslash in double quotes must be written twice; in single quotes it stands for itself"},
    Explanation{"expected comma or closing", "", "a comma or the end of the list is missing"},
    Explanation{"parsing inline table", "",
                "a table in braces stands in one line, its parts between commas, none behind the last"},
    Explanation{"representable in 64 bits", "", "this number is larger than any that can be meant"},
    Explanation{"leading zeroes", "", "a number must not begin with a zero"},
    Explanation{"could not determine value type", "", kNoValue},
    Explanation{"parsing boolean", "", kNoValue},
    Explanation{"expected digit", "", kNoValue},
    Explanation{"expected decimal digit", "", kNoValue},
    Explanation{"parsing key-value pair: expected a comment", "",
                "nothing but a comment may follow a value in its line; a text stands in quotes as a whole"},
};

class Parser {
 public:
  Parser(const std::string& file, std::string_view text, Problems& problems)
      : file_(file), lines_(lines_of(text)), problems_(problems) {}

  Document parse() {
    for (int i = 0; i < kMostProblems; ++i) {
      text_.clear();
      for (const std::string& line : lines_) text_ += line + "\n";
      toml::parse_result result = toml::parse(std::string_view(text_), std::string_view(file_));
      if (result) return {std::move(result).table(), i == 0};
      if (!leave_out(result.error())) break;
    }
    return {{}, false};
  }

 private:
  // Explains the error and takes its statement out; false where that would change nothing.
  bool leave_out(const toml::parse_error& error) {
    const toml::source_position at = error.source().begin;
    const size_t line = lines_.empty() ? 0 : std::min<size_t>(at.line, lines_.size()) - 1;
    const std::vector<Statement> statements = statements_of(lines_);
    const auto found = std::ranges::find_if(
        statements, [&](const Statement& one) { return one.first <= line && line <= one.last; });
    if (found == statements.end()) {
      problems_.add(place(at.line, at.column), std::string(kNoValue));
      return false;
    }
    // What is missing at the end of one statement is noticed only in the next.
    const bool is_behind = found != statements.begin() && line == found->first &&
                           std::prev(found)->open != 0 && std::prev(found)->last < line;
    const Statement& statement = is_behind ? *std::prev(found) : *found;
    explain(error, statement, statements);
    bool changed = false;
    for (size_t i = statement.first; i <= statement.last; ++i) {
      changed = changed || !lines_[i].empty();
      const bool header = i == statement.first && is_header(lines_, statement);
      lines_[i] = header ? fmt::format("[\"\\u{:04x}{}\"]", static_cast<int>(kLeftOut), i) : "";
    }
    return changed && !was_left_out_.contains(statement.first) &&
           was_left_out_.insert(statement.first).second;
  }

  void explain(const toml::parse_error& error, const Statement& statement,
               const std::vector<Statement>& statements) {
    const toml::source_position at = error.source().begin;
    const std::string_view description = error.description();
    if (statement.open != 0) {
      const std::string_view before =
          std::string_view(lines_[statement.open_line]).substr(0, statement.open_column);
      const auto column =
          static_cast<size_t>(std::ranges::count_if(before, [](char c) { return !continues_letter(c); }));
      const std::string text = statement.open == '[' ? "this list is not closed: \"]\" is missing"
                               : statement.open == '{'
                                   ? "this table is not closed: \"}\" is missing"
                                   : "this text is not closed: its three quotes at the end are missing";
      return problems_.add(place(statement.open_line + 1, column + 1), text);
    }
    if (description.find("cannot redefine") != std::string_view::npos)
      return problems_.add(place(statement.first + 1, lines_[statement.first].find_first_not_of(" \t") + 1),
                           repeated(statement, statements));
    const std::string& line = lines_[statement.first];
    for (const Explanation& one : kExplanations)
      if (description.find(one.said) != std::string_view::npos && line.find(one.within) != std::string::npos)
        return problems_.add(place(at.line, at.column), std::string(one.text));
    // Without what was "saw": it may be a part of a password.
    std::string text(description.substr(0, description.find(", saw")));
    problems_.add(place(at.line, at.column), text.find('\'') == std::string::npos ? text : kNoValue);
  }

  std::string repeated(const Statement& statement, const std::vector<Statement>& statements) const {
    const bool header = is_header(lines_, statement);
    const std::string_view name = header ? statement.header : statement.key;
    if (header && (name == "rule" || name == "listener"))
      return fmt::format("[{0}] can be there once; write [[{0}]], each time, where there are more", name);
    const std::string shown = header ? fmt::format("the table [{}]", name) : quoted_text(name);
    for (const Statement& one : statements)
      if (one.first < statement.first && one.header == statement.header && one.key == statement.key &&
          is_header(lines_, one) == header)
        return fmt::format("{} is already in line {}: keep one of them", shown, one.first + 1);
    return shown + " is already there: keep one of them";
  }

  Place place(size_t line, size_t column) const {
    return {file_, static_cast<int>(line), static_cast<int>(column)};
  }

  const std::string& file_;
  std::vector<std::string> lines_;
  Problems& problems_;
  std::string text_;
  std::set<size_t> was_left_out_;
};

// How many bytes an escape is long, and how many it stands for.
std::pair<size_t, int> escape_sizes(std::string_view escape) {
  const size_t digits = escape.size() < 2 ? 0 : escape[1] == 'u' ? 4 : escape[1] == 'U' ? 8 : 0;
  if (digits == 0) return {2, 1};
  unsigned long code = 0;
  for (const char c : escape.substr(2, digits))
    code = code * 16 + static_cast<unsigned long>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
  return {2 + digits, code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4};
}

}  // namespace

Document parse_document(const std::string& file, std::string_view text, Problems& problems) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  return Parser(file, text, problems).parse();
}

bool is_left_out(std::string_view name) {
  return !name.empty() && name.front() == kLeftOut;
}

TextPlace text_at(std::string_view toml, const Place& place) {
  if (toml.starts_with(kByteOrderMark)) toml.remove_prefix(kByteOrderMark.size());
  for (int line = 1; line < place.line; ++line)
    toml.remove_prefix(std::min(toml.find('\n'), toml.size() - 1) + 1);
  toml = toml.substr(0, toml.find('\n'));
  for (int column = 1; column < place.column && !toml.empty(); ++column) {
    toml.remove_prefix(1);
    while (!toml.empty() && continues_letter(toml.front())) toml.remove_prefix(1);
  }
  return {place, std::string(toml)};
}

Place TextPlace::place_of_byte(int byte) const {
  Place where = place;
  const bool is_text = raw.starts_with('"') || raw.starts_with('\'');
  if (!is_text || raw.starts_with("\"\"\"") || raw.starts_with("'''")) return where;
  size_t i = 1;
  for (int decoded = 1; decoded < byte && i < raw.size();) {
    const auto [size, bytes] = raw[i] == '\\' && raw[0] == '"' ? escape_sizes(std::string_view(raw).substr(i))
                                                               : std::pair<size_t, int>{1, 1};
    decoded += bytes;
    if (decoded > byte) break;  // inside an escape: where that begins
    i += size;
  }
  const std::string_view before = std::string_view(raw).substr(1, i);
  where.column +=
      static_cast<int>(std::ranges::count_if(before, [](char c) { return !continues_letter(c); }));
  return where;
}

}  // namespace keyshift::config
