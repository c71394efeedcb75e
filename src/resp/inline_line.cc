#include "keyshift/resp/inline_line.h"

#include <charconv>
#include <cstring>

#include "keyshift/base/printable.h"
#include "keyshift/resp/writer.h"

namespace keyshift::resp {
namespace {

// isspace() of the C locale.
bool is_blank(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

// What ends a word outside quotes is fewer: '\v' and '\f' only separate where no word has begun.
bool ends_word(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

// Reads the inside of a quotation from `at` (behind the opening quote) and moves behind the closing one. False if there
// is none, or if it is glued to what follows.
bool read_quoted(std::string_view line, size_t& at, char quote, std::string& out) {
  while (at < line.size()) {
    const char c = line[at++];
    const size_t left = line.size() - at;
    if (c == quote) return left == 0 || is_blank(line[at]);
    if (c == '\\' && left > 0 && quote == '\'' && line[at] == '\'') {
      out += line[at++];
    } else if (c == '\\' && left > 0 && quote == '"') {
      at += read_escape(line.substr(at), out);
    } else {
      out += c;
    }
  }
  return false;
}

char* put_header(char* at, char type, uint64_t number) {
  *at++ = type;
  at = std::to_chars(at, at + 20, number).ptr;
  *at++ = '\r';
  *at++ = '\n';
  return at;
}

// `block` holds the words one after the other. The framed form only adds bytes before each word, so words are moved to
// their places from the last to the first, each over nothing that is still needed.
void frame_words(std::string& block, std::vector<Arg>& args) {
  size_t begin = array_header_size(args.size());
  size_t framed = begin;
  for (const Arg& arg : args) framed += bulk_size(arg.length);
  block.resize(framed);
  char* const data = block.data();
  size_t end = framed;
  for (size_t i = args.size(); i-- > 0;) {
    Arg& arg = args[i];
    const size_t body = end - 2 - arg.length;
    std::memmove(data + body, data + arg.offset, arg.length);
    data[end - 2] = '\r';
    data[end - 1] = '\n';
    arg.offset = static_cast<uint32_t>(body);
    end = body - bulk_header_size(arg.length);
    put_header(data + end, '$', arg.length);
  }
  put_header(data, '*', args.size());
}

}  // namespace

bool decode_inline_line(std::string_view line, std::string& block, std::vector<Arg>& args) {
  block.clear();
  args.clear();
  size_t at = 0;
  while (true) {
    while (at < line.size() && is_blank(line[at])) ++at;
    if (at == line.size()) break;
    const size_t begin = block.size();
    while (at < line.size()) {
      const char c = line[at++];
      if (ends_word(c)) break;
      if (c == '"' || c == '\'') {
        if (!read_quoted(line, at, c, block)) return false;
        break;
      }
      block += c;
    }
    args.push_back({static_cast<uint32_t>(begin), static_cast<uint32_t>(block.size() - begin)});
  }
  if (!args.empty()) frame_words(block, args);
  return true;
}

}  // namespace keyshift::resp
