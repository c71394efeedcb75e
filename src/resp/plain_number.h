// read_plain_number: the quick way to read a header's number, shared by parser and scanner.
#pragma once

#include <cstddef>
#include <cstdint>

namespace keyshift::resp {

// Reads "123\r?" at the front of [p, end): a header that is common, short and here whole; '?' is any byte. Returns
// where the next thing begins, or null for whatever needs the careful way: unfinished, signed, longer than eight
// digits, or wrong.
inline const char* read_plain_number(const char* p, const char* end, uint64_t& value) {
  const auto digit = [](char c) {
    return static_cast<unsigned>(static_cast<unsigned char>(c)) - unsigned{'0'};
  };
  if (end - p < 3) return nullptr;
  const unsigned first = digit(p[0]);
  if (p[1] == '\r' && first <= 9) {
    value = first;
    return p + 3;
  }
  if (first - 1 > 8) return nullptr;
  uint64_t read = first;
  if (end - p >= 5) {  // two and three digits, without looking for the end at each
    const unsigned second = digit(p[1]);
    if (second > 9) return nullptr;
    read = first * 10 + second;
    if (p[2] == '\r') {
      value = read;
      return p + 4;
    }
    const unsigned third = digit(p[2]);
    if (third > 9) return nullptr;
    read = read * 10 + third;
    if (p[3] == '\r') {
      value = read;
      return p + 5;
    }
    p += 2;
  }
  const char* const last = end - p > 8 ? p + 8 : end;
  while (++p < last) {
    const unsigned next = digit(*p);
    if (next > 9) break;
    read = read * 10 + next;
  }
  if (last - p < 2 || *p != '\r') return nullptr;
  value = read;
  return p + 2;
}

}  // namespace keyshift::resp
