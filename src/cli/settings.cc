#include "settings.h"

#include <algorithm>
#include <optional>
#include <string>

#include "keyshift/base/ascii.h"

namespace keyshift::cli {
namespace {

upstream::PoolOptions pool_options(const config::Config& config, const Address& upstream) {
  const config::Upstream& from = config.upstream;
  upstream::PoolOptions options;
  options.connection.address = upstream;
  options.connection.username = from.username;
  options.connection.password = from.password;
  // Of all databases this one is not asked for by a client first: a server that has none is not used.
  options.connection.database = std::max(config.fold.into, 0);
  options.connection.connect_timeout_ms = from.connect_timeout_ms;
  options.connection.queue_timeout_ms = from.queue_timeout_ms;
  options.connection.reply_timeout_ms = from.reply_timeout_ms;
  options.connection.reconnect_min_ms = from.reconnect_min_ms;
  options.connection.reconnect_max_ms = from.reconnect_max_ms;
  options.connection.buffer_mark_bytes = config.limits.upstream_buffer_mark_bytes;
  options.connection.collected_limit_bytes = config.limits.client_output_limit_bytes;
  options.shared_connections = static_cast<size_t>(from.shared_connections);
  options.connections = static_cast<size_t>(from.pool_size / config.workers);
  options.leases = static_cast<size_t>(std::max(1, from.leases / config.workers));
  return options;
}

resp::Limits codec_limits(const config::Limits& from) {
  resp::Limits limits;
  limits.max_bulk_bytes = from.max_bulk_bytes;
  limits.max_arguments = static_cast<uint32_t>(from.max_arguments);
  limits.max_inline_bytes = static_cast<uint32_t>(from.max_inline_bytes);
  limits.max_request_bytes = from.max_request_bytes;
  limits.stream_threshold_bytes = from.stream_threshold_bytes;
  return limits;
}

// The listener of `wanted` for the `index`-th of `started`. Two on any free port look alike: then their order tells.
const config::Listener& listener_for(const config::Config& wanted, const config::Config& started,
                                     size_t index) {
  const Address& address = started.listeners[index].address;
  if (index < wanted.listeners.size() && wanted.listeners[index].address == address)
    return wanted.listeners[index];
  const auto found = std::ranges::find(wanted.listeners, address, &config::Listener::address);
  return found == wanted.listeners.end() ? started.listeners[index] : *found;
}

// Null where scripts go as they are, as also where nothing is renamed.
std::shared_ptr<const plan::ScriptPrelude> prelude_of(const config::Listener& listener,
                                                      const scheme::Ruleset& rules) {
  const bool renames = !rules.rules().empty() || listener.view.unmatched != scheme::Unmatched::kPass;
  if (listener.scripts != config::Scripts::kMap || !renames) return nullptr;
  return std::make_shared<const plan::ScriptPrelude>(rules, listener.view);
}

proxy::ListenerSettings listener_settings(const config::Listener& from, const config::Config& config) {
  proxy::ListenerSettings listener;
  listener.view = from.view;
  listener.password = from.password;
  listener.asks_upstream = from.auth == config::Auth::kUpstream;
  for (const config::User& user : config.users) {
    if (std::ranges::count(from.users, user.name) == 0) continue;
    const bool is_own = user.upstream_username.empty() && user.upstream_password.empty();
    listener.users[user.name] = {
        user.password,
        is_own ? std::nullopt
               : std::optional(upstream::Credentials{user.upstream_username, user.upstream_password})};
  }
  listener.prelude = prelude_of(from, *config.rules);
  return listener;
}

}  // namespace

proxy::Options proxy_options(const config::Config& config, const std::vector<net::BoundSocket>& sockets,
                             const Address& upstream) {
  proxy::Options options;
  for (const net::BoundSocket& socket : sockets) options.sockets.push_back(&socket);
  options.pool = pool_options(config, upstream);
  options.max_users = static_cast<size_t>(std::max(1, config.upstream.max_users / config.workers));
  options.workers = config.workers;
  options.database = config.upstream.database;
  options.limits = codec_limits(config.limits);
  options.scripts_on_leases = config.upstream.scripts_on_leases;
  options.client_names = config.upstream.client_names;
  return options;
}

std::shared_ptr<const proxy::Settings> proxy_settings(const config::Config& wanted,
                                                      const config::Config& started) {
  auto settings = std::make_shared<proxy::Settings>();
  settings->rules = wanted.rules;
  settings->phase = wanted.phase;
  for (size_t i = 0; i < started.listeners.size(); ++i) {
    const config::Listener& listener = listener_for(wanted, started, i);
    settings->listeners.push_back(listener_settings(listener, wanted));
  }
  for (std::string command : wanted.allow) {
    std::replace(command.begin(), command.end(), ' ', '|');
    settings->allowed.insert(to_lower(command));
  }
  settings->max_clients = wanted.limits.max_clients;
  settings->client_output_limit_bytes = wanted.limits.client_output_limit_bytes;
  settings->subscriber_output_limit_bytes = wanted.limits.subscriber_output_limit_bytes;
  settings->client_output_soft_bytes = wanted.limits.client_output_soft_bytes;
  settings->drain_timeout_ms = wanted.limits.drain_timeout_ms;
  settings->idle_timeout_ms = wanted.limits.idle_timeout_ms;
  return settings;
}

}  // namespace keyshift::cli
