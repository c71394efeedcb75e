// parse_integer: text to a 64-bit integer by Redis's own strict rule (string2ll): an optional '-', no '+', no
// leading zero, no blank, nothing behind it, no overflow. Redis uses it for the counts of the protocol and
// for integer arguments.
//
//   "0" 0    "-7" -7    "9223372036854775807" ok    "" "-" "-0" "01" "+1" " 1" "1x" "9223372036854775808"
//   refused
#pragma once

#include <cstdint>
#include <string_view>

namespace keyshift::resp {

// Returns false and leaves `value` alone if `text` is not such an integer.
bool parse_integer(std::string_view text, int64_t& value);

// Digits of `value`, with the sign: what append_integer and headers will write.
constexpr uint32_t decimal_digits(uint64_t value) {
  uint32_t digits = 1;
  while (value >= 10) {
    value /= 10;
    ++digits;
  }
  return digits;
}

}  // namespace keyshift::resp
