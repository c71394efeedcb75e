// From a checked Config to a running sidecar, and back down in exact reverse.
#include <algorithm>
#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "keyshift/admin/http_server.h"
#include "keyshift/base/ascii.h"
#include "keyshift/base/log.h"
#include "keyshift/cli/app.h"
#include "keyshift/cli/serve.h"
#include "keyshift/net/signals.h"
#include "keyshift/net/timer.h"
#include "keyshift/proxy/proxy.h"
#include "keyshift/upstream/embedded_server.h"
#include "keyshift/upstream/health_check.h"

namespace keyshift::cli {
namespace {

constexpr uint64_t kEmbeddedCheckMs = 500;

upstream::PoolOptions pool_options(const config::Config& config, const Address& upstream) {
  const config::Upstream& from = config.upstream;
  upstream::PoolOptions options;
  options.connection.address = upstream;
  options.connection.username = from.username;
  options.connection.password = from.password;
  options.connection.connect_timeout_ms = from.connect_timeout_ms;
  options.connection.queue_timeout_ms = from.queue_timeout_ms;
  options.connection.reply_timeout_ms = from.reply_timeout_ms;
  options.connection.reconnect_min_ms = from.reconnect_min_ms;
  options.connection.reconnect_max_ms = from.reconnect_max_ms;
  options.connection.buffer_mark_bytes = config.limits.upstream_buffer_mark_bytes;
  options.shared_connections = static_cast<size_t>(from.shared_connections);
  options.connections = static_cast<size_t>(from.pool_size / config.workers);
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

proxy::Options proxy_options(const config::Config& config, const std::vector<net::BoundSocket>& sockets,
                             const Address& upstream) {
  proxy::Options options;
  for (size_t i = 0; i < sockets.size(); ++i) {
    const config::Listener& listener = config.listeners[i];
    options.listeners.push_back({&sockets[i], listener.view, listener.password});
  }
  options.rules = config.rules;
  options.phase = config.phase;
  options.pool = pool_options(config, upstream);
  options.workers = config.workers;
  options.database = config.upstream.database;
  for (std::string command : config.allow) {
    std::replace(command.begin(), command.end(), ' ', '|');
    options.allowed.insert(to_lower(command));
  }
  options.limits = codec_limits(config.limits);
  options.max_clients = config.limits.max_clients;
  options.client_output_limit_bytes = config.limits.client_output_limit_bytes;
  options.client_output_soft_bytes = config.limits.client_output_soft_bytes;
  options.drain_timeout_ms = config.limits.drain_timeout_ms;
  options.idle_timeout_ms = config.limits.idle_timeout_ms;
  return options;
}

upstream::HealthCheck::Callbacks health_callbacks(proxy::Proxy& proxy) {
  upstream::HealthCheck::Callbacks callbacks;
  callbacks.changed = [&proxy](const upstream::Health& found) {
    proxy.facts().set_health({found.ready, found.reason});
    if (!found.version.empty()) proxy.facts().set_version(found.version);
  };
  callbacks.commands = [&proxy, last = std::string()](std::string_view reply) mutable {
    if (reply == last) return;  // the same upstream again
    last = reply;
    const command::Table& built_in = command::Table::built_in();
    const auto table = built_in.learn(reply);
    if (!table) {
      log::warn("the upstream's COMMAND cannot be read, its modules stay unknown: {}", table.error().text);
    } else if ((*table)->size() != built_in.size()) {
      log::info("learned {} commands from the upstream", (*table)->size() - built_in.size());
      proxy.set_table(*table);
    }
  };
  return callbacks;
}

// Waits for a signal, or for the end of the embedded server. Returns the exit code.
int wait_for_end(net::Loop& loop, std::optional<upstream::EmbeddedServer>& embedded) {
  int code = 0;
  net::Signals signals(&loop, {SIGTERM, SIGINT, SIGHUP}, [&loop](int signal) {
    if (signal == SIGHUP) {
      log::warn("SIGHUP: this version reads its configuration only at start; restart to change it");
      return;
    }
    log::info("signal {}: draining", signal);
    loop.stop();
  });
  net::Timer embedded_watch(&loop, [&] {
    if (embedded->running()) return;
    log::error("the embedded server has ended by itself, and Keyshift with it");
    code = kExitUnavailable;
    loop.stop();
  });
  if (embedded) embedded_watch.start(kEmbeddedCheckMs, kEmbeddedCheckMs);
  loop.run();
  return code;
}

int unavailable(const Error& error) {
  log::error("{}", error.text);
  return kExitUnavailable;
}

}  // namespace

int run_daemon(const config::Config& config) {
  log::set_up(config.log_level);
  std::signal(SIGPIPE, SIG_IGN);
  for (const std::string& notice : config.notices) log::warn("{}", notice);

  // The embedded server first: it must be started by the main thread, before others run.
  std::optional<upstream::EmbeddedServer> embedded;
  Address upstream = config.upstream.address;
  if (config.embedded.enabled) {
    auto started = upstream::EmbeddedServer::start(config.embedded.program);
    if (!started) return unavailable(started.error());
    embedded.emplace(std::move(*started));
    upstream = embedded->address();
    log::info("embedded server runs as process {}", embedded->pid());
  }

  std::vector<net::BoundSocket> sockets;
  for (const config::Listener& listener : config.listeners) {
    auto socket = net::bind_socket(listener.address);
    if (!socket) return unavailable(socket.error());
    sockets.push_back(std::move(*socket));
  }

  proxy::Proxy proxy(proxy_options(config, sockets, upstream));
  std::unique_ptr<admin::HttpServer> http;
  if (config.admin.enabled) {
    auto started = admin::HttpServer::start(config.admin.address, proxy);
    if (!started) return unavailable(started.error());
    http = std::move(*started);
  }

  net::Loop loop;
  proxy.start();
  int code = 0;
  {
    const upstream::HealthCheck health(&loop, proxy.options().pool.connection, health_callbacks(proxy));
    log::info("keyshift {}, phase {}, {} rules, {} domains, upstream {}", KEYSHIFT_VERSION,
              config.phase == scheme::Phase::kLegacy ? "legacy" : "consolidated",
              config.rules->rules().size(), config.rules->domains().size(), upstream.text());
    for (const net::BoundSocket& socket : sockets) log::info("listening on {}", socket.address().text());
    if (http) log::info("admin on {}", http->address().text());
    code = wait_for_end(loop, embedded);
    proxy.drain();
  }
  // The ports are free for a successor before anything slow is waited for.
  sockets.clear();
  http.reset();
  embedded.reset();
  log::info("ended");
  return code;
}

}  // namespace keyshift::cli
