// What the compiled matcher must agree with: a key read as a template in all ways, by trying everything.
#pragma once

#include <algorithm>
#include <cctype>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "keyshift/scheme/template.h"

namespace keyshift::scheme {

inline bool is_value(const Capture& capture, std::string_view value) {
  const auto all = [&value](const char* set) {
    return value.find_first_not_of(set) == std::string_view::npos;
  };
  if (value.empty()) return false;
  switch (capture.type) {
    case CaptureType::kAny:
      return true;
    case CaptureType::kSeg:
      return value.find(':') == std::string_view::npos;
    case CaptureType::kInt:
      if (value[0] == '-') value.remove_prefix(1);
      return !value.empty() && all("0123456789");
    case CaptureType::kHex:
      return all("0123456789abcdefABCDEF");
    case CaptureType::kUuid:
      if (value.size() != 36) return false;
      for (size_t i = 0; i < 36; ++i) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? value[i] != '-' : std::isxdigit(static_cast<unsigned char>(value[i])) == 0) return false;
      }
      return true;
    case CaptureType::kDate: {
      if (value.size() != 8 || !all("0123456789")) return false;
      const int month = std::stoi(std::string(value.substr(4, 2)));
      const int day = std::stoi(std::string(value.substr(6, 2)));
      return month >= 1 && month <= 12 && day >= 1 && day <= 31;
    }
    case CaptureType::kList:
      return std::find(capture.words.begin(), capture.words.end(), value) != capture.words.end();
  }
  return false;
}

using CapturedValues = std::map<int, std::string>;  // by capture

inline void read_all(const Template& shape, size_t piece, std::string_view rest, CapturedValues& now,
                     std::vector<CapturedValues>& found) {
  if (piece == shape.pieces().size()) {
    if (rest.empty()) found.push_back(now);
    return;
  }
  const Piece& here = shape.pieces()[piece];
  if (here.is_literal()) {
    if (rest.substr(0, here.literal.size()) != here.literal) return;
    return read_all(shape, piece + 1, rest.substr(here.literal.size()), now, found);
  }
  for (size_t length = 1; length <= rest.size(); ++length) {
    if (!is_value(shape.captures()[static_cast<size_t>(here.capture)], rest.substr(0, length))) continue;
    now[here.capture] = std::string(rest.substr(0, length));
    read_all(shape, piece + 1, rest.substr(length), now, found);
  }
}

// All ways to read `key` as the template.
inline std::vector<CapturedValues> readings(const Template& shape, std::string_view key) {
  std::vector<CapturedValues> found;
  CapturedValues now;
  read_all(shape, 0, key, now, found);
  return found;
}

}  // namespace keyshift::scheme
