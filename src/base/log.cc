#include "keyshift/base/log.h"

#include <string>

#include <spdlog/sinks/stdout_sinks.h>

namespace keyshift::log {

void set_up(std::string_view level) {
  spdlog::set_default_logger(spdlog::stderr_logger_mt("keyshift"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  set_level(level);
}

void set_level(std::string_view level) {
  const auto parsed = spdlog::level::from_str(std::string(level));
  // from_str answers "off" for what it does not know.
  spdlog::set_level(parsed == spdlog::level::off ? spdlog::level::info : parsed);
}

}  // namespace keyshift::log
