#include "keyshift/proxy/proxy.h"

#include <utility>

namespace keyshift::proxy {

Proxy::Proxy(Options options) : options_(std::move(options)) {
  for (int number = 0; number < options_.workers; ++number) {
    workers_.push_back(std::make_unique<Worker>(Worker::Shared{options_, clients_, facts_}, number));
  }
}

Proxy::~Proxy() {
  drain();
}

void Proxy::start() {
  for (const auto& worker : workers_) worker->start();
}

void Proxy::drain() {
  for (const auto& worker : workers_) worker->drain();
  for (const auto& worker : workers_) worker->join();
}

void Proxy::set_table(const std::shared_ptr<const command::Table>& table) {
  for (const auto& worker : workers_) worker->set_table(table);
}

std::vector<const telemetry::LoopStats*> Proxy::stats() const {
  std::vector<const telemetry::LoopStats*> stats;
  for (const auto& worker : workers_) stats.push_back(&worker->stats());
  return stats;
}

}  // namespace keyshift::proxy
