// The process's one log: structured enough for a person at three in the morning, on standard error.
//
//   log::info("listening on {}", address);
//
// Levels are spdlog's. Never log a key's value, a password, or anything per request above debug.
#pragma once

#include <string_view>

#include <spdlog/spdlog.h>

namespace keyshift::log {

using spdlog::debug;
using spdlog::error;
using spdlog::info;
using spdlog::warn;

// Sets format and level.
void set_up(std::string_view level);
// "debug", "info", "warning" or "error"; of anything else "info". Any thread.
void set_level(std::string_view level);

}  // namespace keyshift::log
