// The few sets of bytes that templates are made of, and which of them a capture may begin with, end with and hold.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>

#include "keyshift/scheme/template.h"

namespace keyshift::scheme {

using ByteSet = std::bitset<256>;

// Edges of the automaton carry either one byte or one of these.
enum class ByteKind : uint8_t {
  kAll,
  kNoColon,
  kDigit,
  kHex,
  kZeroOne,
  kZeroToTwo,
  kOneTwo,
  kOneToNine,
  kByte
};
constexpr size_t kWideKinds = 8;  // all but kByte

inline bool in_kind(ByteKind kind, unsigned char byte) {
  const auto between = [byte](char low, char high) { return byte >= low && byte <= high; };
  switch (kind) {
    case ByteKind::kAll:
      return true;
    case ByteKind::kNoColon:
      return byte != ':';
    case ByteKind::kDigit:
      return between('0', '9');
    case ByteKind::kHex:
      return between('0', '9') || between('a', 'f') || between('A', 'F');
    case ByteKind::kZeroOne:
      return between('0', '1');
    case ByteKind::kZeroToTwo:
      return between('0', '2');
    case ByteKind::kOneTwo:
      return between('1', '2');
    case ByteKind::kOneToNine:
      return between('1', '9');
    case ByteKind::kByte:
      return false;
  }
  return false;
}

inline ByteSet bytes_of(ByteKind kind) {
  ByteSet set;
  for (size_t byte = 0; byte < 256; ++byte) set[byte] = in_kind(kind, static_cast<unsigned char>(byte));
  return set;
}

// Every byte that may stand anywhere in a value of the capture.
inline ByteSet alphabet(const Capture& capture) {
  ByteSet set;
  switch (capture.type) {
    case CaptureType::kSeg:
      return bytes_of(ByteKind::kNoColon);
    case CaptureType::kAny:
      return bytes_of(ByteKind::kAll);
    case CaptureType::kHex:
      return bytes_of(ByteKind::kHex);
    case CaptureType::kDate:
      return bytes_of(ByteKind::kDigit);
    case CaptureType::kInt:
      set = bytes_of(ByteKind::kDigit);
      set.set('-');
      return set;
    case CaptureType::kUuid:
      set = bytes_of(ByteKind::kHex);
      set.set('-');
      return set;
    case CaptureType::kList:
      for (const std::string& word : capture.words) {
        for (const char byte : word) set.set(static_cast<unsigned char>(byte));
      }
      return set;
  }
  return set;
}

// Every byte that a value may begin with.
inline ByteSet first_bytes(const Capture& capture) {
  if (capture.type == CaptureType::kUuid) return bytes_of(ByteKind::kHex);
  if (capture.type != CaptureType::kList) return alphabet(capture);
  ByteSet set;
  for (const std::string& word : capture.words) set.set(static_cast<unsigned char>(word.front()));
  return set;
}

// Every byte that a value may end with.
inline ByteSet last_bytes(const Capture& capture) {
  if (capture.type == CaptureType::kUuid) return bytes_of(ByteKind::kHex);
  if (capture.type == CaptureType::kInt) return bytes_of(ByteKind::kDigit);
  if (capture.type != CaptureType::kList) return alphabet(capture);
  ByteSet set;
  for (const std::string& word : capture.words) set.set(static_cast<unsigned char>(word.back()));
  return set;
}

// Every byte that may stand behind the first of a value: an int's minus stands only in front.
inline ByteSet later_bytes(const Capture& capture) {
  return capture.type == CaptureType::kInt ? bytes_of(ByteKind::kDigit) : alphabet(capture);
}

// The one length of all values, or 0.
inline uint32_t fixed_length(const Capture& capture) {
  if (capture.type == CaptureType::kUuid) return 36;
  if (capture.type == CaptureType::kDate) return 8;
  if (capture.type != CaptureType::kList) return 0;
  for (const std::string& word : capture.words) {
    if (word.size() != capture.words.front().size()) return 0;
  }
  return static_cast<uint32_t>(capture.words.front().size());
}

}  // namespace keyshift::scheme
