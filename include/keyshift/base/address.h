// Address: where to listen or to connect, as an operator writes it.
//
//   127.0.0.1:6380   [::1]:6380   localhost:6380   :6380 (all interfaces)   unix:/run/keyshift.sock
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "keyshift/base/result.h"

namespace keyshift {

struct Address {
  std::string host;   // empty for a Unix socket, or for all interfaces
  uint16_t port = 0;  // 0: any free one (listening only)
  std::string path;   // a Unix socket; empty for TCP

  bool is_unix() const { return !path.empty(); }
  bool operator==(const Address&) const = default;
  std::string text() const;
  // Fails with what is wrong and an example.
  static Result<Address> parse(std::string_view text);
};

}  // namespace keyshift
