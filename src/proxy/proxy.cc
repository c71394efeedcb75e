#include "keyshift/proxy/proxy.h"

#include <atomic>
#include <utility>

#include "keyshift/base/check.h"
#include "local_latencies.h"

namespace keyshift::proxy {

Proxy::Proxy(Options options, std::shared_ptr<const Settings> settings)
    : options_(std::move(options)),
      settings_(std::move(settings)),
      names_in_use_(options_.sockets.size()),
      latencies_(std::make_unique<LocalLatencies>()) {
  for (int number = 0; number < options_.workers; ++number) {
    workers_.push_back(std::make_unique<Worker>(
        Worker::Shared{options_, clients_, facts_, script_news_, subscription_counts_, *latencies_,
                       script_shas_, names_in_use_, *this},
        settings_, number));
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

void Proxy::apply(std::shared_ptr<const Settings> settings, std::function<void()> done) {
  KEYSHIFT_CHECK(settings->listeners.size() == options_.sockets.size(), "settings of other listeners");
  {
    const std::scoped_lock lock(settings_mutex_);
    settings_ = settings;
  }
  script_news_.clear();
  const auto left = std::make_shared<std::atomic<size_t>>(workers_.size());
  for (const auto& worker : workers_) {
    worker->apply(settings, [left, done] {
      if (--*left == 0) done();
    });
  }
}

std::shared_ptr<const Settings> Proxy::settings() const {
  const std::scoped_lock lock(settings_mutex_);
  return settings_;
}

std::vector<const telemetry::LoopStats*> Proxy::stats() const {
  std::vector<const telemetry::LoopStats*> stats;
  for (const auto& worker : workers_) stats.push_back(&worker->stats());
  return stats;
}

}  // namespace keyshift::proxy
