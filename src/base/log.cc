#include "keyshift/base/log.h"

#include <iterator>
#include <string>

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace keyshift::log {
namespace {

spdlog::level::level_enum spdlog_level(Level level) {
  switch (level) {
    case Level::kDebug:
      return spdlog::level::debug;
    case Level::kInfo:
      return spdlog::level::info;
    case Level::kWarning:
      return spdlog::level::warn;
    case Level::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

}  // namespace

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

void write(Level level, fmt::string_view format, fmt::format_args args) {
  const auto of_line = spdlog_level(level);
  if (!spdlog::should_log(of_line)) return;
  fmt::memory_buffer line;
  fmt::vformat_to(std::back_inserter(line), format, args);
  spdlog::log(of_line, spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace keyshift::log
