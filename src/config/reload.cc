#include "keyshift/config/reload.h"

#include <algorithm>

#include "keyshift/config/option.h"

namespace keyshift::config {
namespace {

const Listener* listener_at(const Config& config, const Address& address) {
  const auto found = std::ranges::find(config.listeners, address, &Listener::address);
  return found == config.listeners.end() ? nullptr : &*found;
}

bool differs(const Option& option, const Config& a, const Config& b) {
  if (const auto* field = std::get_if<Field<Config>>(&option.field))
    return field->read != nullptr && field->read(a) != field->read(b);
  if (const auto* field = std::get_if<Field<Listener>>(&option.field))
    return std::ranges::any_of(a.listeners, [&](const Listener& listener) {
      const Listener* other = listener_at(b, listener.address);
      return other != nullptr && field->read(listener) != field->read(*other);
    });
  return false;  // domains and rules: always the reload's
}

}  // namespace

std::vector<std::string> restart_options(const Config& running, const Config& wanted) {
  std::vector<std::string> names;
  for (const Option& option : options())
    if (option.applies == Applies::kRestart && differs(option, running, wanted))
      names.emplace_back(option.name);
  return names;
}

}  // namespace keyshift::config
