// KEYSHIFT_CHECK: what must hold because we wrote it so. A failure is our own bug: it prints where, what and the
// state given, and aborts, in release builds too.
//
//   KEYSHIFT_CHECK(fifo.empty(), "connection closed with expectations left");
#pragma once

#include <string_view>

namespace keyshift {

[[noreturn]] void check_failed(const char* file, int line, const char* condition, std::string_view state);

}  // namespace keyshift

#define KEYSHIFT_CHECK(condition, state) \
  (static_cast<bool>(condition) ? void(0) : ::keyshift::check_failed(__FILE__, __LINE__, #condition, state))
