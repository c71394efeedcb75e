#include "keyshift/base/log.h"

#include <spdlog/sinks/stdout_sinks.h>

namespace keyshift::log {

bool set_up(std::string_view level) {
  spdlog::set_default_logger(spdlog::stderr_logger_mt("keyshift"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  spdlog::set_level(spdlog::level::info);
  const std::string name(level);
  const auto parsed = spdlog::level::from_str(name);
  // from_str answers "off" for what it does not know.
  if (parsed == spdlog::level::off && name != "off") return false;
  spdlog::set_level(parsed);
  return true;
}

}  // namespace keyshift::log
