// The names of commands that Keyshift sends on its own account: at login, for its health check, to get into the right
// database. They are spelled as nobody else spells them, so that MONITOR can leave them out and an operator who looks at
// the upstream itself can tell them from the applications' own.
//
//   +1700000000.123456 [3 127.0.0.1:40212] "Select" "3"         ours
//   +1700000000.123478 [3 127.0.0.1:40212] "set" "k" "v"        a client's
//
// What changes data for a client (EXPIRE behind a write) is spelled as usual: it is part of what the client did.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace keyshift::resp::own {

inline constexpr std::string_view kAuth = "Auth";
inline constexpr std::string_view kClient = "Client";
inline constexpr std::string_view kCommand = "Command";
inline constexpr std::string_view kDiscard = "Discard";  // in EXEC's place
inline constexpr std::string_view kHello = "Hello";
inline constexpr std::string_view kInfo = "Info";
inline constexpr std::string_view kPing = "Ping";
inline constexpr std::string_view kSelect = "Select";
inline constexpr std::string_view kUnwatch = "Unwatch";

inline bool is_own(std::string_view name) {
  constexpr std::array kAll = {kAuth, kClient, kCommand, kDiscard, kHello, kInfo, kPing, kSelect, kUnwatch};
  return std::find(kAll.begin(), kAll.end(), name) != kAll.end();
}

}  // namespace keyshift::resp::own
