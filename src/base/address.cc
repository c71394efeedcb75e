#include "keyshift/base/address.h"

#include <charconv>

#include <fmt/format.h>

namespace keyshift {

std::string Address::text() const {
  if (is_unix()) return "unix:" + path;
  if (host.find(':') != std::string::npos) return fmt::format("[{}]:{}", host, port);
  return fmt::format("{}:{}", host, port);
}

Result<Address> Address::parse(std::string_view text) {
  constexpr std::string_view kUnix = "unix:";
  constexpr std::string_view kExpected = "expected HOST:PORT, [IPV6]:PORT or unix:/PATH";
  Address address;
  if (text.starts_with(kUnix)) {
    address.path = text.substr(kUnix.size());
    if (address.path.starts_with("//")) address.path.erase(0, 2);
    if (address.path.empty()) return fail(fmt::format("'{}': {}", text, kExpected));
    // sockaddr_un holds 108 bytes with the final zero.
    if (address.path.size() > 107)
      return fail(fmt::format("'{}': a socket path has at most 107 bytes", text));
    return address;
  }
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return fail(fmt::format("'{}': {}", text, kExpected));
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return fail(fmt::format("'{}': write an IPv6 address in brackets, as in [::1]:6380", text));
  }
  const std::string_view port = text.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (error != std::errc() || end != port.data() + port.size()) {
    return fail(fmt::format("'{}': the port must be a number from 0 to 65535", text));
  }
  address.host = host;
  return address;
}

}  // namespace keyshift
