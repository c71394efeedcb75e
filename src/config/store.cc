#include "store.h"

#include <algorithm>

#include <fmt/format.h>

#include "keyshift/base/check.h"
#include "value.h"

namespace keyshift::config {
namespace {

constexpr const char* kNoTls =
    "rediss:// is not available yet: TLS to the upstream comes with a later version";

// The choices of the table's row are checked before: what is none of them is our own mistake.
template <class Enum>
Enum chosen(std::string_view text, std::initializer_list<std::pair<std::string_view, Enum>> choices) {
  for (const auto& [name, choice] : choices)
    if (name == text) return choice;
  KEYSHIFT_CHECK(false, text);
}

}  // namespace

void assign(scheme::Phase& slot, const Value& value) {
  using enum scheme::Phase;
  slot = chosen<scheme::Phase>(value.text, {{"legacy", kLegacy}, {"consolidated", kConsolidated}});
}

void assign(scheme::Naming& slot, const Value& value) {
  using enum scheme::Naming;
  slot = chosen<scheme::Naming>(value.text, {{"legacy", kLegacy}, {"consolidated", kConsolidated}});
}

void assign(scheme::Unmatched& slot, const Value& value) {
  using enum scheme::Unmatched;
  slot = chosen<scheme::Unmatched>(value.text, {{"pass", kPass}, {"refuse", kRefuse}, {"prefix", kPrefix}});
}

void assign(scheme::TtlMode& slot, const Value& value) {
  using enum scheme::TtlMode;
  slot = chosen<scheme::TtlMode>(value.text, {{"keep", kKeep}, {"clamp", kClamp}, {"override", kOverride}});
}

void assign(double& slot, const Value& value) {
  slot = static_cast<double>(value.number) / 10'000.0;
}

Result<void> assign_phase(scheme::Phase& phase, const Value& value) {
  assign(phase, value);
  return {};
}

Result<void> set_allowed(Config& config, const Value& value) {
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

Result<void> set_upstream_host(Config& config, const Value& value) {
  if (value.text.empty()) return fail("must name a host");
  config.upstream.address.host = value.text;
  config.upstream.address.path.clear();
  if (config.upstream.address.port == 0) config.upstream.address.port = Upstream{}.address.port;
  return {};
}

Result<void> set_upstream_port(Config& config, const Value& value) {
  if (config.upstream.address.is_unix()) config.upstream.address = Upstream{}.address;
  config.upstream.address.port = static_cast<uint16_t>(value.number);
  return {};
}

Result<void> set_upstream_tls(Config& config, const Value& value) {
  if (value.boolean) return fail(kNoTls);
  config.upstream.tls = false;
  return {};
}

Result<void> set_upstream_url(Config& config, const Value& value) {
  auto url = parse_url(value.text);
  if (!url) return tl::make_unexpected(url.error());
  if (url->tls) return fail(kNoTls);
  config.upstream.address = std::move(url->address);
  if (url->username) config.upstream.username = std::move(*url->username);
  if (url->password) config.upstream.password = std::move(*url->password);
  if (url->database) config.upstream.database = *url->database;
  return {};
}

Result<void> set_admin_address(Config& config, const Value& value) {
  config.admin.enabled = !value.text.empty() && value.text != "off";
  if (!config.admin.enabled) return {};
  auto address = parse_address(value.text);
  if (!address) return tl::make_unexpected(address.error());
  if (address->is_unix()) return fail("expected HOST:PORT: HTTP is not served on a Unix socket");
  config.admin.address = std::move(*address);
  return {};
}

Result<void> set_listener_addresses(Config& config, const Value& value) {
  if (value.list.empty()) return fail("must name at least one address");
  std::vector<Listener> listeners;
  for (const std::string& text : value.list) {
    auto address = parse_address(text);
    if (!address) return fail(fmt::format("\"{}\": {}", text, address.error().text));
    listeners.push_back(config.listeners.front());
    listeners.back().address = std::move(*address);
  }
  config.listeners = std::move(listeners);
  return {};
}

}  // namespace keyshift::config
