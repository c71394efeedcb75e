#include "reloader.h"

#include <chrono>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "findings.h"
#include "keyshift/base/log.h"
#include "keyshift/config/reload.h"
#include "settings.h"

namespace keyshift::cli {
namespace {

int64_t unix_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    if (!text.empty()) text += ", ";
    text += name;
  }
  return text;
}

}  // namespace

Reloader::Reloader(net::Loop& loop, proxy::Proxy& proxy, const config::Config& started, LoadConfig load)
    : loop_(loop), proxy_(proxy), started_(started), load_(std::move(load)) {
  proxy::Facts::Configuration facts;
  facts.file = started.file;
  facts.applied_unix_ms = unix_ms();
  proxy_.facts().set_configuration(std::move(facts));
}

void Reloader::ask(proxy::ReloadDone done) {
  loop_.post([this, done = std::move(done)] { reload(done); });
}

void Reloader::reload(proxy::ReloadDone done) {
  (busy_ ? waiting_ : asked_).push_back(std::move(done));
  if (!busy_) begin();
}

void Reloader::begin() {
  busy_ = true;
  auto config = load_();
  if (!config) return refuse(config.error());
  if (config->fold != started_.fold)
    return refuse(
        {{.source = config->file,
          .text = "[fold] has changed: clients are in databases of the old one, so only a restart can do it",
          .suggestion = ""}});
  log::set_level(config->log_level);
  log_findings(*config);
  auto facts = proxy_.facts().configuration();
  ++facts.reloads;
  facts.last_failed = false;
  facts.applied_unix_ms = unix_ms();
  facts.needs_restart = listed(config::restart_options(started_, *config));
  proxy::Reloaded outcome{true, "OK"};
  if (!facts.needs_restart.empty()) outcome.text += "; a restart is needed for " + facts.needs_restart;
  log::info("configuration reloaded: {} rules, {} domains", config->rules->rules().size(),
            config->rules->domains().size());
  if (!facts.needs_restart.empty())
    log::warn("these options have changed and need a restart, until then the old values stay in force: {}",
              facts.needs_restart);
  proxy_.facts().set_configuration(std::move(facts));
  proxy_.apply(proxy_settings(*config, started_),
               [this, outcome] { loop_.post([this, outcome] { finish(outcome); }); });
}

void Reloader::refuse(const std::vector<config::Problem>& problems) {
  for (const config::Problem& problem : problems) log::error("{}", problem.render());
  log::error("the configuration was not reloaded, the old one stays in force");
  auto facts = proxy_.facts().configuration();
  ++facts.failed_reloads;
  facts.last_failed = true;
  proxy_.facts().set_configuration(std::move(facts));
  std::string text = problems.front().render();
  if (problems.size() > 1) text += fmt::format(" (and {} more, see the log)", problems.size() - 1);
  finish({false, std::move(text)});
}

void Reloader::finish(const proxy::Reloaded& outcome) {
  busy_ = false;
  for (const proxy::ReloadDone& done : std::exchange(asked_, {}))
    if (done) done(outcome);
  if (waiting_.empty()) return;
  asked_ = std::exchange(waiting_, {});
  begin();
}

}  // namespace keyshift::cli
