#include "keyshift/resp/number.h"

#include <limits>

namespace keyshift::resp {

bool parse_integer(std::string_view text, int64_t& value) {
  if (text == "0") {
    value = 0;
    return true;
  }
  const bool negative = !text.empty() && text.front() == '-';
  if (negative) text.remove_prefix(1);
  // 19 digits are the longest int64_t, and 19 nines still fit uint64_t: no overflow below.
  if (text.empty() || text.size() > 19 || text.front() == '0') return false;
  uint64_t magnitude = 0;
  for (const char c : text) {
    const unsigned digit = static_cast<unsigned char>(c) - unsigned{'0'};
    if (digit > 9) return false;
    magnitude = magnitude * 10 + digit;
  }
  constexpr uint64_t kMax = std::numeric_limits<int64_t>::max();
  if (magnitude > kMax + (negative ? 1 : 0)) return false;
  value = static_cast<int64_t>(negative ? 0 - magnitude : magnitude);
  return true;
}

}  // namespace keyshift::resp
