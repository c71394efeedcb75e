// From a checked Config to a running sidecar, and back down in exact reverse.
#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "findings.h"
#include "keyshift/admin/http_server.h"
#include "keyshift/base/log.h"
#include "keyshift/cli/app.h"
#include "keyshift/cli/serve.h"
#include "keyshift/net/signals.h"
#include "keyshift/net/timer.h"
#include "keyshift/proxy/proxy.h"
#include "keyshift/scheme/names.h"
#include "keyshift/upstream/embedded_server.h"
#include "keyshift/upstream/health_check.h"
#include "reloader.h"
#include "settings.h"

namespace keyshift::cli {
namespace {

constexpr uint64_t kEmbeddedCheckMs = 500;

upstream::HealthCheck::Callbacks health_callbacks(proxy::Proxy& proxy) {
  upstream::HealthCheck::Callbacks callbacks;
  callbacks.changed = [&proxy](const upstream::Health& found) {
    proxy.facts().set_health({found.ready, found.reason});
    if (!found.version.empty())
      proxy.facts().set_server({found.version, found.role == "slave" ? "replica" : "master", found.mode});
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
int wait_for_end(net::Loop& loop, Reloader& reloader, std::optional<upstream::EmbeddedServer>& embedded) {
  int code = 0;
  net::Signals signals(&loop, {SIGTERM, SIGINT, SIGHUP}, [&loop, &reloader](int signal) {
    if (signal == SIGHUP) return reloader.reload({});
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

int run_daemon(const config::Config& config, LoadConfig load) {
  log::set_up(config.log_level);
  std::signal(SIGPIPE, SIG_IGN);
  log_findings(config);

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

  proxy::Proxy proxy(proxy_options(config, sockets, upstream), proxy_settings(config, config));
  net::Loop loop;
  Reloader reloader(loop, proxy, config, std::move(load));
  proxy.set_reload([&reloader](proxy::ReloadDone done) { reloader.ask(std::move(done)); });
  std::unique_ptr<admin::HttpServer> http;
  if (config.admin.enabled) {
    auto started = admin::HttpServer::start(config.admin.address, proxy);
    if (!started) return unavailable(started.error());
    http = std::move(*started);
  }

  proxy.start();
  int code = 0;
  {
    const upstream::HealthCheck health(&loop, proxy.options().pool.connection, health_callbacks(proxy));
    log::info("keyshift {}, phase {}, {} rules, {} domains, upstream {}", KEYSHIFT_VERSION,
              scheme::phase_name(config.phase), config.rules->rules().size(), config.rules->domains().size(),
              upstream.text());
    for (const net::BoundSocket& socket : sockets) log::info("listening on {}", socket.address().text());
    if (http) log::info("admin on {}", http->address().text());
    code = wait_for_end(loop, reloader, embedded);
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
