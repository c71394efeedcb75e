// Proxy: all workers, from start to drain.
//
//   Proxy proxy(options, settings);
//   proxy.start();                 clients are served
//   proxy.apply(settings, done);   from now on by other rules
//   proxy.drain();                 no new clients; what was asked is answered; returns when all workers have ended
//
// Main thread only, but for what is said to be for any.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "keyshift/proxy/client_registry.h"
#include "keyshift/proxy/facts.h"
#include "keyshift/proxy/options.h"
#include "keyshift/proxy/script_news.h"
#include "keyshift/proxy/settings.h"
#include "keyshift/proxy/worker.h"

namespace keyshift::proxy {

class Proxy {
 public:
  Proxy(Options options, std::shared_ptr<const Settings> settings);
  // Drains.
  ~Proxy();

  void start();
  void drain();
  void set_table(const std::shared_ptr<const command::Table>& table);
  // How a client's KEYSHIFT RELOAD is done: it is called on any thread, and calls back on any. Requires: before start().
  void set_reload(std::function<void(ReloadDone)> reload) { reload_ = std::move(reload); }
  // Any thread.
  void reload(ReloadDone done) const { reload_(std::move(done)); }
  // Puts `settings` in force on every worker, between two requests of each; then calls `done`, on a worker's thread.
  // Requires: as many listeners as before. While draining, `done` may never be called.
  void apply(std::shared_ptr<const Settings> settings, std::function<void()> done);

  const Options& options() const { return options_; }
  Facts& facts() { return facts_; }
  const Facts& facts() const { return facts_; }
  // Any thread: what was applied last; a worker may still be about to switch to it.
  std::shared_ptr<const Settings> settings() const;
  // Any thread, from construction to destruction: the numbers outlive the workers' threads.
  std::vector<const telemetry::LoopStats*> stats() const;

 private:
  Options options_;
  Facts facts_;
  std::function<void(ReloadDone)> reload_;
  mutable std::mutex settings_mutex_;
  std::shared_ptr<const Settings> settings_;
  ClientRegistry clients_;
  NamesInUse names_in_use_;
  ScriptNews script_news_;
  SubscriptionCounts subscription_counts_;
  std::unique_ptr<LocalLatencies> latencies_;
  plan::ScriptShas script_shas_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace keyshift::proxy
