#include "value.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <limits>

#include "keyshift/base/printable.h"

namespace keyshift::config {
namespace {

struct Unit {
  std::string_view name;
  int64_t factor;
};

// Falling, so that the first that divides a value is the one to print it in.
constexpr std::array<Unit, 6> kTimeUnits{
    {{"w", 604'800'000}, {"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
constexpr std::array<Unit, 8> kSizeUnits{{{"gb", 1ll << 30},
                                          {"mb", 1ll << 20},
                                          {"kb", 1ll << 10},
                                          {"g", 1'000'000'000},
                                          {"m", 1'000'000},
                                          {"k", 1'000},
                                          {"b", 1},
                                          {"", 1}}};

const Unit* find_unit(std::span<const Unit> units, std::string_view name) {
  for (const Unit& unit : units)
    if (unit.name == name) return &unit;
  return nullptr;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Takes the digits at the front of `text`. Empty: there are none, or more than an int64_t holds.
std::optional<int64_t> take_number(std::string_view& text) {
  int64_t number = 0;
  if (text.empty() || !is_digit(text.front())) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return number;
}

std::string_view take_word(std::string_view& text) {
  size_t size = 0;
  while (size < text.size() && std::isalpha(static_cast<unsigned char>(text[size]))) ++size;
  const std::string_view word = text.substr(0, size);
  text.remove_prefix(size);
  return word;
}

bool add_scaled(int64_t& total, int64_t number, int64_t factor) {
  int64_t scaled = 0;
  return !__builtin_mul_overflow(number, factor, &scaled) && !__builtin_add_overflow(total, scaled, &total);
}

}  // namespace

Result<int64_t> parse_duration(std::string_view text) {
  constexpr const char* kExpected =
      "must be a duration with a unit (ms, s, m, h, d, w), such as \"90s\" or \"1h\"";
  if (text == "0") return 0;
  if (text.starts_with('-')) return fail("must not be negative");
  int64_t total = 0;
  int64_t last_factor = std::numeric_limits<int64_t>::max();
  do {
    const auto number = take_number(text);
    if (!number) return fail(kExpected);
    const Unit* unit = find_unit(kTimeUnits, take_word(text));
    if (unit == nullptr || unit->factor >= last_factor) return fail(kExpected);
    if (!add_scaled(total, *number, unit->factor))
      return fail("is longer than can be counted in milliseconds");
    last_factor = unit->factor;
  } while (!text.empty());
  return total;
}

Result<int64_t> parse_size(std::string_view text) {
  constexpr const char* kExpected = "must be a size in bytes, such as 4096, \"64kb\" (1024) or \"512mb\"";
  const auto number = take_number(text);
  if (!number) return fail(kExpected);
  const std::string name = lower(text);
  const Unit* unit = find_unit(kSizeUnits, name);
  if (unit == nullptr) return fail(kExpected);
  int64_t total = 0;
  if (!add_scaled(total, *number, unit->factor)) return fail("is larger than can be counted in bytes");
  return total;
}

Result<int64_t> parse_percent(std::string_view text) {
  constexpr const char* kExpected =
      "must be a percentage from \"0%\" to \"100%\", such as \"5%\" or \"2.5%\"";
  if (text.empty() || text.back() != '%') return fail(kExpected);
  text.remove_suffix(1);
  const auto whole = take_number(text);
  if (!whole || *whole > 100) return fail(kExpected);
  int64_t hundredths = *whole * 100;
  if (!text.empty()) {
    if (text.size() < 2 || text.size() > 3 || text[0] != '.' || !is_digit(text[1])) return fail(kExpected);
    if (text.size() == 3 && !is_digit(text[2])) return fail(kExpected);
    hundredths += (text[1] - '0') * 10 + (text.size() == 3 ? text[2] - '0' : 0);
  }
  if (hundredths > 10'000) return fail(kExpected);
  return hundredths;
}

Result<int64_t> parse_integer(std::string_view text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return fail("must be a whole number");
  return number;
}

Result<bool> parse_bool(std::string_view text) {
  const std::string word = lower(text);
  for (const char* yes : {"true", "yes", "on", "1"})
    if (word == yes) return true;
  for (const char* no : {"false", "no", "off", "0"})
    if (word == no) return false;
  return fail("must be true or false");
}

std::string nearest_duration(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kWords{
      {{"milli", "ms"}, {"sec", "s"}, {"min", "m"}, {"h", "h"}, {"day", "d"}, {"week", "w"}}};
  std::string rest = lower(text);
  std::erase(rest, ' ');
  if (parse_integer(rest)) rest += "s";  // most often seconds
  std::string meant;
  for (std::string_view left = rest; !left.empty();) {
    const auto number = take_number(left);
    if (!number) return {};
    std::string_view unit = take_word(left);
    if (find_unit(kTimeUnits, unit) == nullptr)
      for (const auto& [word, name] : kWords)
        if (unit.starts_with(word)) unit = name;
    meant += std::to_string(*number) + std::string(unit);
  }
  return parse_duration(meant) ? meant : std::string();
}

std::string nearest_size(std::string_view text) {
  std::string meant = lower(text);
  std::erase(meant, ' ');
  if (meant.ends_with("ib")) meant.erase(meant.size() - 2, 1);
  return parse_size(meant) ? meant : std::string();
}

std::string duration_text(int64_t ms) {
  if (ms == 0) return "0";
  for (const Unit& unit : kTimeUnits) {
    // Weeks are read, not written: "14d" says more than "2w".
    if (unit.name != "w" && ms % unit.factor == 0)
      return std::to_string(ms / unit.factor) + std::string(unit.name);
  }
  return std::to_string(ms) + "ms";
}

std::string size_text(int64_t bytes) {
  if (bytes == 0) return "0";
  for (const Unit& unit : {kSizeUnits[0], kSizeUnits[1], kSizeUnits[2]})
    if (bytes % unit.factor == 0) return std::to_string(bytes / unit.factor) + std::string(unit.name);
  return std::to_string(bytes);
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> items;
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    if (const std::string_view item = trim(text.substr(0, comma)); !item.empty()) items.emplace_back(item);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return items;
}

std::string joined(const std::vector<std::string>& items) {
  std::string out;
  for (const std::string& item : items) out += (out.empty() ? "" : ", ") + item;
  return out;
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

std::string shown_text(std::string_view text) {
  constexpr size_t kLongest = 120;
  constexpr std::string_view kHidden = "***";
  std::string shown(text);
  if (const size_t at = shown.rfind('@'); at != std::string::npos) shown.replace(0, at, kHidden);
  if (shown.size() > kLongest) {
    size_t end = kLongest;
    while (end > 0 && (static_cast<unsigned char>(shown[end]) & 0xc0) == 0x80) --end;  // not inside a letter
    shown.resize(end);
    shown += "...";
  }
  return printable(shown);
}

std::string quoted_text(std::string_view text) {
  std::string shown = shown_text(text);
  return shown.starts_with('"') ? shown : '"' + shown + '"';
}

}  // namespace keyshift::config
