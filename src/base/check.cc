#include "keyshift/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace keyshift {

void check_failed(const char* file, int line, const char* condition, std::string_view state) {
  std::fprintf(stderr, "%s:%d: check failed: %s (%.*s)\n", file, line, condition,
               static_cast<int>(state.size()), state.data());
  std::abort();
}

}  // namespace keyshift
