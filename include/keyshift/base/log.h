// The process's one log: structured enough for a person at three in the morning, on standard error.
//
//   log::info("listening on {}", address);
//
// The format is checked when it is compiled, as fmt's. Levels are spdlog's. Never log a key's value, a password, or anything
// per request above debug.
#pragma once

#include <cstdint>
#include <string_view>

#include <fmt/core.h>

namespace keyshift::log {

enum class Level : uint8_t { kDebug, kInfo, kWarning, kError };

// Sets format and level.
void set_up(std::string_view level);
// "debug", "info", "warning" or "error"; of anything else "info". Any thread.
void set_level(std::string_view level);

// One line, if the level is logged. Any thread.
void write(Level level, fmt::string_view format, fmt::format_args args);

template <typename... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::kDebug, format, fmt::make_format_args(args...));
}
template <typename... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::kInfo, format, fmt::make_format_args(args...));
}
template <typename... Args>
void warn(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::kWarning, format, fmt::make_format_args(args...));
}
template <typename... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::kError, format, fmt::make_format_args(args...));
}

}  // namespace keyshift::log
