// Proxy: all workers, from start to drain.
//
//   Proxy proxy(options);
//   proxy.start();                 clients are served
//   proxy.drain();                 no new clients; what was asked is answered; returns when all workers have ended
//
// Main thread only, but for what is said to be for any.
#pragma once

#include <memory>
#include <vector>

#include "keyshift/proxy/client_registry.h"
#include "keyshift/proxy/facts.h"
#include "keyshift/proxy/options.h"
#include "keyshift/proxy/worker.h"

namespace keyshift::proxy {

class Proxy {
 public:
  explicit Proxy(Options options);
  // Drains.
  ~Proxy();

  void start();
  void drain();
  void set_table(const std::shared_ptr<const command::Table>& table);

  const Options& options() const { return options_; }
  Facts& facts() { return facts_; }
  const Facts& facts() const { return facts_; }
  // Any thread, from construction to destruction: the numbers outlive the workers' threads.
  std::vector<const telemetry::LoopStats*> stats() const;

 private:
  Options options_;
  Facts facts_;
  ClientRegistry clients_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace keyshift::proxy
