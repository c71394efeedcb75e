// MonitorMapper: a line of MONITOR is taken apart, its keys are given the names that clients use, and it is put together
// again. Words are quoted as sdscatrepr in Redis quotes them.
#include <algorithm>
#include <charconv>

#include "keyshift/base/ascii.h"
#include "keyshift/plan/quoted_commands.h"
#include "keyshift/plan/script_prelude.h"
#include "keyshift/resp/own_words.h"
#include "keyshift/scheme/channels.h"

namespace keyshift::plan {
namespace {

// What stands between who and what: `+1700000000.123456 [0 127.0.0.1:40212] "SET" "k"`.
constexpr std::string_view kBegin = " [";
constexpr std::string_view kMiddle = "] \"";
constexpr std::string_view kLineEnd = "\r\n";

// Reads the word behind an opening quote (sdscatrepr in Redis), appends what it means, and returns the offset behind its
// closing quote; npos if it has none.
size_t read_word(std::string_view line, size_t at, Buffer& text) {
  while (at < line.size()) {
    const char c = line[at];
    if (c == '"') return at + 1;
    if (c != '\\') {
      const size_t end = std::min(line.find_first_of("\\\"", at), line.size());
      text.append(line.substr(at, end - at));
      at = end;
      continue;
    }
    if (at + 1 >= line.size()) break;
    char meant = line[at + 1];
    size_t length = 2;
    if (meant == 'x') {
      const int high = at + 2 < line.size() ? hex_value(line[at + 2]) : -1;
      const int low = at + 3 < line.size() ? hex_value(line[at + 3]) : -1;
      if (high < 0 || low < 0) break;
      meant = static_cast<char>(high * 16 + low);
      length = 4;
    } else {
      constexpr std::string_view kLetters = "nrtab";
      constexpr std::string_view kMeanings = "\n\r\t\a\b";
      const size_t letter = kLetters.find(meant);
      if (letter != std::string_view::npos) meant = kMeanings[letter];
    }
    text.append({&meant, 1});
    at += length;
  }
  return std::string_view::npos;
}

void append_quoted(Buffer& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out.append("\"");
  for (const char c : text) {
    constexpr std::string_view kSpecial = "\\\"\n\r\t\a\b";
    constexpr std::string_view kLetters = "\\\"nrtab";
    const size_t special = kSpecial.find(c);
    const auto byte = static_cast<unsigned char>(c);
    if (special != std::string_view::npos) {
      const char escaped[] = {'\\', kLetters[special]};
      out.append({escaped, sizeof escaped});
    } else if (byte >= 0x20 && byte < 0x7f) {
      out.append({&c, 1});
    } else {
      const char escaped[] = {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
      out.append({escaped, sizeof escaped});
    }
  }
  out.append("\"");
}

}  // namespace

// Requires: `at` is the offset of the first word. False if the line goes on otherwise than it should.
bool MonitorMapper::read_words(std::string_view line, size_t at) {
  words_.clear();
  args_.clear();
  text_.clear();
  while (true) {
    const size_t offset = text_.size();
    const size_t end = read_word(line, at + 1, text_);
    if (end == std::string_view::npos || text_.size() > UINT32_MAX) return false;
    words_.push_back({at, end});
    args_.push_back({static_cast<uint32_t>(offset), static_cast<uint32_t>(text_.size() - offset)});
    if (end == line.size()) return true;
    if (!line.substr(end).starts_with(" \"")) return false;
    at = end + 1;
  }
}

void MonitorMapper::map(std::string_view line, const Context& context, const command::Table& table,
                        Buffer& out) {
  std::string_view body = line;
  if (body.ends_with(kLineEnd)) body.remove_suffix(kLineEnd.size());
  const size_t who = body.find(kBegin);
  const size_t middle = who == std::string_view::npos ? who : body.find(kMiddle, who);
  if (middle == std::string_view::npos) {
    out.append(line);
    return;
  }
  const size_t first = middle + kMiddle.size() - 1;
  const std::string_view command = body.substr(first + 1);
  const std::string_view name = command.substr(0, command.find('"'));
  if (name == resp::own::kDiscard) {
    out.append(line.substr(0, first));
    out.append("\"exec\"\r\n");
    return;
  }
  if (resp::own::is_own(name)) return;
  if (!scheme::renames_keys(*context.rules, context.view)) {
    out.append(line);
    return;
  }
  int database = 0;
  std::from_chars(body.data() + who + kBegin.size(), body.data() + body.size(), database);
  if (!read_words(body, first)) {
    out.append(line);
    return;
  }
  read_quoted(table, {text_.view(), args_}, args_.size(), quoted_);
  size_t copied = 0;
  const auto put = [&](uint32_t word, std::string_view text) {
    out.append(line.substr(copied, words_[word].begin - copied));
    append_quoted(out, text);
    copied = words_[word].end;
  };
  for (uint32_t word = 1; word < quoted_.theirs; ++word) {
    const std::string_view text = text_.view().substr(args_[word].offset, args_[word].length);
    name_.clear();
    if (quoted_.has_key(word) ? shown_name(*context.rules, context.view, text, database, name_)
                              : ScriptPrelude::strip(text, name_))
      put(word, name_.view());
  }
  const size_t end = words_[quoted_.theirs - 1].end;
  if (copied < end) out.append(line.substr(copied, end - copied));
  out.append(line.substr(body.size()));
}

}  // namespace keyshift::plan
