// printable(): a key for a person's eyes, as redis-cli quotes it, but only where it must.
//
//   writing_stats:user123:30d     writing_stats:user123:30d
//   a\x00b\n                      "a\x00b\n"
//   naïve                         naïve                        (valid UTF-8 is printable)
#pragma once

#include <string>
#include <string_view>

namespace keyshift::cli {

std::string printable(std::string_view key);

}  // namespace keyshift::cli
