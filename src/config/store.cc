#include "store.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "keyshift/base/check.h"
#include "value.h"

namespace keyshift::config {
namespace {

constexpr const char* kNoTls =
    "rediss:// is not available yet: TLS to the upstream comes with a later version";

template <class Enum>
struct Word {
  std::string_view text;
  Enum choice;
};
template <class Enum>
Word(const char*, Enum) -> Word<Enum>;
// The words of each choice: also those of the option table's rows, which are checked first.
constexpr std::array kAuths{Word{"own", Auth::kOwn}, Word{"upstream", Auth::kUpstream}};
constexpr std::array kPhases{Word{"legacy", scheme::Phase::kLegacy},
                             Word{"consolidated", scheme::Phase::kConsolidated}};
constexpr std::array kNamings{Word{"legacy", scheme::Naming::kLegacy},
                              Word{"consolidated", scheme::Naming::kConsolidated}};
constexpr std::array kUnmatched{Word{"pass", scheme::Unmatched::kPass},
                                Word{"refuse", scheme::Unmatched::kRefuse},
                                Word{"prefix", scheme::Unmatched::kPrefix}};
constexpr std::array kModes{Word{"keep", scheme::TtlMode::kKeep}, Word{"clamp", scheme::TtlMode::kClamp},
                            Word{"override", scheme::TtlMode::kOverride}};

constexpr std::array kScripts{Word{"pass", Scripts::kPass}, Word{"map", Scripts::kMap}};

template <class Enum, size_t kSize>
Enum chosen(const Value& value, const std::array<Word<Enum>, kSize>& words) {
  for (const auto& [text, choice] : words)
    if (text == value.text) return choice;
  KEYSHIFT_CHECK(false, value.text);
}

template <class Enum, size_t kSize>
std::optional<Value> word_of(Enum chosen, const std::array<Word<Enum>, kSize>& words) {
  for (const auto& [text, choice] : words)
    if (choice == chosen) return Value{.text = std::string(text)};
  KEYSHIFT_CHECK(false, words.front().text);
}

}  // namespace

void assign(Auth& slot, const Value& value) {
  slot = chosen(value, kAuths);
}
void assign(scheme::Phase& slot, const Value& value) {
  slot = chosen(value, kPhases);
}
void assign(scheme::Naming& slot, const Value& value) {
  slot = chosen(value, kNamings);
}
void assign(scheme::Unmatched& slot, const Value& value) {
  slot = chosen(value, kUnmatched);
}
void assign(scheme::TtlMode& slot, const Value& value) {
  slot = chosen(value, kModes);
}

void assign(Scripts& slot, const Value& value) {
  slot = chosen(value, kScripts);
}

std::optional<Value> value_of(Auth slot) {
  return word_of(slot, kAuths);
}
std::optional<Value> value_of(scheme::Phase slot) {
  return word_of(slot, kPhases);
}
std::optional<Value> value_of(scheme::Naming slot) {
  return word_of(slot, kNamings);
}
std::optional<Value> value_of(scheme::Unmatched slot) {
  return word_of(slot, kUnmatched);
}
std::optional<Value> value_of(scheme::TtlMode slot) {
  return word_of(slot, kModes);
}
std::optional<Value> value_of(Scripts slot) {
  return word_of(slot, kScripts);
}

void assign(double& slot, const Value& value) {
  slot = static_cast<double>(value.number) / 10'000.0;
}
std::optional<Value> value_of(double slot) {
  return Value{.number = std::llround(slot * 10'000.0)};
}

Result<void> store_phase(scheme::Phase& phase, const Value& value) {
  assign(phase, value);
  return {};
}

std::optional<Value> read_phase(const scheme::Phase& phase) {
  return value_of(phase);
}

Result<void> store_allowed(Config& config, const Value& value) {
  config.allow.clear();
  for (const std::string& command : value.list) {
    // "config   set" is "CONFIG SET": what it is compared with has one space.
    std::string name;
    for (const char c : upper(trim(command)))
      if (c != ' ' || name.back() != ' ') name.push_back(c);
    if (!name.empty()) config.allow.push_back(std::move(name));
  }
  return {};
}

Result<void> store_upstream_host(Config& config, const Value& value) {
  if (value.text.empty()) return fail("must name a host");
  if (value.text.find_first_of("/@ ") != std::string::npos)
    return fail("must be the name or the address of a host and nothing else; a whole URL is what url is for");
  config.upstream.address.host = value.text;
  config.upstream.address.path.clear();
  if (config.upstream.address.port == 0) config.upstream.address.port = Upstream{}.address.port;
  return {};
}

Result<void> store_upstream_port(Config& config, const Value& value) {
  if (config.upstream.address.is_unix()) config.upstream.address = Upstream{}.address;
  config.upstream.address.port = static_cast<uint16_t>(value.number);
  return {};
}

Result<void> store_upstream_tls(Config& config, const Value& value) {
  if (value.boolean) return fail(kNoTls);
  config.upstream.tls = false;
  return {};
}

Result<void> store_upstream_url(Config& config, const Value& value) {
  auto url = parse_url(value.text);
  if (!url) return tl::make_unexpected(url.error());
  if (url->tls) return fail(kNoTls);
  config.upstream.address = std::move(url->address);
  if (url->username) config.upstream.username = std::move(*url->username);
  if (url->password) config.upstream.password = std::move(*url->password);
  if (url->database) config.upstream.database = *url->database;
  return {};
}

Result<void> store_admin_address(Config& config, const Value& value) {
  config.admin.enabled = !value.text.empty() && value.text != "off";
  if (!config.admin.enabled) return {};
  auto address = parse_address(value.text);
  if (!address) return tl::make_unexpected(address.error());
  if (address->is_unix()) return fail("expected HOST:PORT: HTTP is not served on a Unix socket");
  config.admin.address = std::move(*address);
  return {};
}

Result<void> store_listener_addresses(Config& config, const Value& value) {
  if (value.list.empty()) return fail("must name at least one address");
  std::vector<Listener> listeners;
  for (const std::string& text : value.list) {
    auto address = parse_address(text);
    if (!address)
      return fail(value.list.size() == 1 ? address.error().text
                                         : fmt::format("{}: {}", quoted_text(text), address.error().text));
    listeners.push_back(config.listeners.front());
    listeners.back().address = std::move(*address);
  }
  config.listeners = std::move(listeners);
  return {};
}

std::optional<Value> read_allowed(const Config& config) {
  return Value{.list = config.allow};
}

std::optional<Value> read_upstream_address(const Config& config) {
  const Address& address = config.upstream.address;
  return Value{.text = address.is_unix() ? "unix://" + address.path : "redis://" + address.text()};
}

std::optional<Value> read_admin_address(const Config& config) {
  return Value{.text = config.admin.enabled ? config.admin.address.text() : "off"};
}

std::optional<Value> read_listener_addresses(const Config& config) {
  Value value;
  for (const Listener& listener : config.listeners) value.list.push_back(listener.address.text());
  std::ranges::sort(value.list);
  return value;
}

}  // namespace keyshift::config
