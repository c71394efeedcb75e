#include "toml_node.h"

#include <fmt/format.h>

#include "value.h"

namespace keyshift::config {
namespace {

const char* kind_name(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::string:
      return "a text";
    case toml::node_type::integer:
      return "a whole number";
    case toml::node_type::floating_point:
      return "a decimal number";
    case toml::node_type::boolean:
      return "true or false";
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "a list";
    default:
      return "a date or time";
  }
}

const char* expected_kind(OptionType type) {
  switch (type) {
    case OptionType::kBool:
      return "must be true or false without quotes";
    case OptionType::kInteger:
      return "must be a whole number without quotes";
    case OptionType::kDuration:
      return "must be a duration in quotes with a unit (ms, s, m, h, d, w), such as \"90s\"";
    case OptionType::kTtl:
      return "must be a duration in quotes, such as \"90s\", or a name from [ttl]";
    case OptionType::kSize:
      return "must be a number of bytes or a size in quotes, such as \"512mb\"";
    case OptionType::kPercent:
      return "must be a percentage in quotes, such as \"5%\"";
    case OptionType::kList:
      return "must be a text in quotes or a list of such texts";
    default:
      return "must be a text in quotes";
  }
}

Result<Value> list_value(const Option& option, const toml::array& array) {
  Value value;
  for (const toml::node& item : array) {
    const auto* text = item.as_string();
    if (text == nullptr)
      return fail(std::string(expected_kind(option.type)) + ", not a list with " + kind_name(item));
    value.list.push_back(text->get());
  }
  return value;
}

// A number that says its unit by itself: 0, and sizes in bytes.
Result<Value> number_value(const Option& option, const toml::value<int64_t>& number) {
  const std::string text = std::to_string(number.get());
  const bool is_bare = option.type == OptionType::kInteger || option.type == OptionType::kSize;
  if (option.is_number() && option.type != OptionType::kPercent) {
    auto value = parse_value(option, text);
    if (value || is_bare || number.get() == 0) return value;
  }
  return fail(std::string(expected_kind(option.type)) + ", not " + kind_name(number));
}

}  // namespace

std::string node_text(const toml::node& node) {
  if (const auto* text = node.as_string()) return quoted_text(text->get());
  if (const auto* number = node.as_integer()) return std::to_string(number->get());
  if (const auto* number = node.as_floating_point()) return fmt::format("{}", number->get());
  if (const auto* boolean = node.as_boolean()) return boolean->get() ? "true" : "false";
  if (node.is_table()) return "{...}";
  const auto* array = node.as_array();
  if (array == nullptr) return "a date or time";
  constexpr size_t kMostShown = 4;
  std::string text = "[";
  for (size_t i = 0; i < array->size() && i < kMostShown; ++i) {
    const toml::node& item = (*array)[i];
    text += (i == 0 ? "" : ", ") + (item.is_array() ? "[...]" : node_text(item));
  }
  return text + (array->size() > kMostShown ? ", ...]" : "]");
}

Result<Value> node_value(const Option& option, const toml::node& node, const Ttls& ttls) {
  if (const auto* text = node.as_string()) {
    if (option.type == OptionType::kList) return Value{.list = {text->get()}};
    if (option.type != OptionType::kBool && option.type != OptionType::kInteger)
      return parse_named(option, text->get(), ttls);
  }
  if (const auto* number = node.as_integer()) return number_value(option, *number);
  if (const auto* boolean = node.as_boolean(); boolean != nullptr && option.type == OptionType::kBool)
    return Value{.boolean = boolean->get()};
  if (const auto* array = node.as_array(); array != nullptr && option.type == OptionType::kList)
    return list_value(option, *array);
  return fail(std::string(expected_kind(option.type)) + ", not " + kind_name(node));
}

std::string suggest_value(const Option& option, const toml::node& node, const Ttls& ttls) {
  if (const auto* text = node.as_string()) {
    if (option.type == OptionType::kBool) {
      const auto boolean = parse_bool(text->get());
      return !boolean ? "" : *boolean ? "true" : "false";
    }
    if (option.type == OptionType::kInteger)
      return parse_value(option, text->get()) ? std::string(trim(text->get())) : "";
    return suggest_text(option, text->get(), ttls);
  }
  if (const auto* number = node.as_integer()) {
    if (option.type == OptionType::kBool && number->get() >= 0 && number->get() <= 1)
      return number->get() == 1 ? "true" : "false";
    return suggest_text(option, std::to_string(number->get()), ttls);
  }
  if (const auto* number = node.as_floating_point(); number != nullptr) {
    // 0.05 where "5%" is wanted.
    if (option.type == OptionType::kPercent && number->get() >= 0 && number->get() <= 1)
      return fmt::format("\"{:.4g}%\"", number->get() * 100);
    // 1e4
    const std::string whole = fmt::format("{}", number->get());
    if (option.type == OptionType::kInteger && parse_value(option, whole)) return whole;
  }
  if (const auto* boolean = node.as_boolean(); boolean != nullptr && !boolean->get())
    return option.name == "admin.address" ? "\"off\"" : "";
  return "";
}

}  // namespace keyshift::config
