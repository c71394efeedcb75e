// info_field(): one field of the text that INFO answers.
//
//   info_field("# Server\r\nredis_version:7.0.15\r\n...", "redis_version")     "7.0.15"
#pragma once

#include <algorithm>
#include <string_view>

namespace keyshift::net {

// The value of "name:value\r\n", a view of `info`; empty if it is not there.
inline std::string_view info_field(std::string_view info, std::string_view name) {
  size_t at = 0;
  while (at < info.size()) {
    const size_t end = std::min(info.find("\r\n", at), info.size());
    const std::string_view line = info.substr(at, end - at);
    if (line.size() > name.size() && line.starts_with(name) && line[name.size()] == ':')
      return line.substr(name.size() + 1);
    at = end + 2;
  }
  return {};
}

}  // namespace keyshift::net
