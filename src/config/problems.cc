#include "problems.h"

namespace keyshift::config {

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
  problems_.push_back({place.source, place.line, place.column, std::move(text), std::move(suggestion)});
}

}  // namespace keyshift::config
