// equal_secret(): compares what somebody sent with what he should have sent.
#pragma once

#include <cstddef>
#include <string_view>

namespace keyshift {

// In a time that does not tell how much of it was right.
inline bool equal_secret(std::string_view given, std::string_view wanted) {
  unsigned difference = given.size() == wanted.size() ? 0 : 1;
  for (size_t i = 0; i < given.size(); ++i) {
    difference |= static_cast<unsigned char>(given[i]) ^
                  static_cast<unsigned char>(wanted.empty() ? '\0' : wanted[i % wanted.size()]);
  }
  return difference == 0;
}

}  // namespace keyshift
