#include "text.h"

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "keyshift/base/printable.h"
#include "keyshift/config/option.h"

namespace keyshift::cli {

using scheme::TtlPolicy;

std::string duration_text(int64_t ms) {
  return config::number_text(*config::find_option("domain.default_ttl"), ms);
}

std::string count_text(uint64_t count) {
  std::string text = std::to_string(count);
  for (size_t at = text.size(); at > 3;) text.insert(at -= 3, " ");
  return text;
}

std::string counted(uint64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count_text(count), noun, count == 1 ? "" : "s");
}

std::string numbers_text(const std::vector<int>& numbers) {
  constexpr size_t kRange = 4;
  std::vector<std::string> parts;
  for (size_t i = 0; i < numbers.size();) {
    size_t end = i + 1;
    while (end < numbers.size() && numbers[end] == numbers[end - 1] + 1) ++end;
    if (end - i >= kRange) {
      parts.push_back(fmt::format("{} to {}", numbers[i], numbers[end - 1]));
    } else {
      for (size_t k = i; k < end; ++k) parts.push_back(std::to_string(numbers[k]));
    }
    i = end;
  }
  std::string text = parts.front();
  for (size_t i = 1; i < parts.size(); ++i) text += (i + 1 < parts.size() ? ", " : " and ") + parts[i];
  return text;
}

std::string bytes_text(uint64_t bytes) {
  static constexpr std::array kUnits{"KiB", "MiB", "GiB", "TiB"};
  if (bytes < 1024) return fmt::format("{} bytes", bytes);
  double value = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string share_text(uint64_t part, uint64_t whole) {
  if (whole == 0) return "0%";
  const double percent = 100 * static_cast<double>(part) / static_cast<double>(whole);
  if (part != 0 && percent < 0.1) return "<0.1%";
  // What is not all is never rounded to all.
  if (part != whole && percent > 99.9) return ">99.9%";
  return fmt::format("{:.1f}%", percent);
}

std::string policy_text(const TtlPolicy& policy) {
  if (!policy.active()) return "none";
  const bool has_default = policy.default_ms != TtlPolicy::kUnset;
  std::string text = has_default ? "default " + duration_text(policy.default_ms) : "no default";
  const bool has_min = policy.min_ms != TtlPolicy::kUnset;
  const bool has_max = policy.max_ms != TtlPolicy::kUnset;
  if (policy.mode == scheme::TtlMode::kClamp && (has_min || has_max)) {
    text += has_min && has_max
                ? fmt::format(", {} to {}", duration_text(policy.min_ms), duration_text(policy.max_ms))
            : has_min ? ", at least " + duration_text(policy.min_ms)
                      : ", at most " + duration_text(policy.max_ms);
  }
  if (policy.mode == scheme::TtlMode::kOverride) text += ", whatever the client asks for";
  if (policy.mode == scheme::TtlMode::kKeep) text += ", what the client asks for is kept";
  if (policy.jitter > 0 && has_default) text += fmt::format(", jitter {:g}%", policy.jitter * 100);
  return text;
}

Json json_key(const std::optional<std::string>& key) {
  return key ? Json(printable(*key)) : Json(nullptr);
}

Json json_ttl(int64_t ms) {
  return ms == TtlPolicy::kUnset ? Json(nullptr) : Json(ms);
}

Json json_policy(const TtlPolicy& policy) {
  return {{"default_ms", json_ttl(policy.default_ms)},
          {"min_ms", json_ttl(policy.min_ms)},
          {"max_ms", json_ttl(policy.max_ms)},
          {"mode", ttl_mode_name(policy.mode)},
          {"jitter", policy.jitter}};
}

std::string json_line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace keyshift::cli
