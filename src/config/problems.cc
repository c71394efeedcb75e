#include "problems.h"

#include <fmt/format.h>

#include "keyshift/base/printable.h"

namespace keyshift::config {

namespace {

// Names and templates come from the file and keep their bytes: a problem is a line for a terminal.
std::string one_line(std::string text) {
  if (is_printable(text)) return text;
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7f)
      out += fmt::format("\\x{:02x}", byte);
    else
      out.push_back(c);
  }
  return out;
}

}  // namespace

std::string Place::text() const {
  if (line == 0) return source;
  return source + ":" + std::to_string(line) + ":" + std::to_string(column);
}

std::string Problem::render() const {
  std::string out = Place{source, line, column}.text();
  if (!out.empty()) out += ": ";
  out += text;
  if (!suggestion.empty()) out += "; did you mean " + suggestion + "?";
  return out;
}

void Problems::add(const Place& place, std::string text, std::string suggestion) {
  problems_.push_back(
      {place.source, place.line, place.column, one_line(std::move(text)), one_line(std::move(suggestion))});
}

}  // namespace keyshift::config
