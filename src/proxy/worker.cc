#include "keyshift/proxy/worker.h"

#include <random>
#include <utility>

#include <pthread.h>

#include <fmt/format.h>

#include "keyshift/base/check.h"
#include "keyshift/base/log.h"
#include "keyshift/proxy/errors.h"
#include "keyshift/proxy/session.h"
#include "keyshift/resp/writer.h"

namespace keyshift::proxy {
namespace {

constexpr uint64_t kIdleCheckMs = 1000;

}  // namespace

Worker::Worker(const Shared& shared, int number)
    : shared_(shared),
      stats_(command::kFamilyCount, shared.options.rules->domains().size() + 1, shared.options.rules->rules().size()),
      planner_(std::random_device()() + static_cast<uint64_t>(number)) {
  // Not owned: the built-in table lives as long as the program.
  tables_.push_back(std::shared_ptr<const command::Table>(std::shared_ptr<void>(), &command::Table::built_in()));
}

Worker::~Worker() = default;

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

void Worker::start() {
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "keyshift-worker");
    run();
  });
}

void Worker::run() {
  pool_ = std::make_unique<upstream::Pool>(&loop_, shared_.options.pool, &stats_);
  pool_->shared(resp::Protocol::kResp2);  // connected before the first client asks
  funeral_ = std::make_unique<net::Timer>(&loop_, [this] { bury_dead(); });
  for (const ListenerOptions& listener : shared_.options.listeners) {
    listeners_.push_back(std::make_unique<net::Listener>(
        &loop_, *listener.socket,
        [this, &listener](std::unique_ptr<net::Stream> stream) { accept(listener, std::move(stream)); }));
  }
  if (shared_.options.idle_timeout_ms > 0) {
    idle_ = std::make_unique<net::Timer>(&loop_, [this] { close_idle(); });
    idle_->start(kIdleCheckMs, kIdleCheckMs);
  }
  loop_.run();

  listeners_.clear();
  dead_.clear();
  sessions_.clear();
  drain_deadline_.reset();
  idle_.reset();
  funeral_.reset();
  pool_.reset();
}

void Worker::accept(const ListenerOptions& listener, std::unique_ptr<net::Stream> stream) {
  if (shared_.clients.size() >= shared_.options.max_clients) {
    stats_.clients_dropped.add();
    resp::append_error(stream->out(), errors::kTooManyClients);
    net::Stream::close_when_sent(std::move(stream));
    return;
  }
  auto session = std::make_unique<Session>(*this, listener, std::move(stream));
  Session* const key = session.get();
  sessions_.emplace(key, std::move(session));
}

void Worker::bury(Session* session) {
  if (dead_.empty()) funeral_->start(0);
  dead_.push_back(session);
}

void Worker::bury_dead() {
  for (Session* session : std::exchange(dead_, {})) sessions_.erase(session);
  if (draining_) end_if_drained();
}

void Worker::kill_later(uint64_t id) {
  loop_.post([this, id] {
    for (const auto& [session, owned] : sessions_) {
      if (session->entry().id != id) continue;
      stats_.clients_dropped.add();
      session->kill();
      return;
    }
  });
}

void Worker::close_idle() {
  const uint64_t limit_ns = static_cast<uint64_t>(shared_.options.idle_timeout_ms) * 1'000'000;
  const uint64_t now_ns = loop_.now_ns();
  for (const auto& [session, owned] : sessions_) {
    if (now_ns > limit_ns && session->idle_since(now_ns - limit_ns)) session->drain();
  }
}

void Worker::set_table(std::shared_ptr<const command::Table> table) {
  loop_.post([this, table = std::move(table)] { tables_.push_back(table); });
}

void Worker::drain() {
  loop_.post([this] { begin_drain(); });
}

void Worker::begin_drain() {
  if (draining_) return;
  draining_ = true;
  listeners_.clear();
  drain_deadline_ = std::make_unique<net::Timer>(&loop_, [this] {
    log::warn("drain: {} clients still had requests in flight after {} ms", sessions_.size(),
              shared_.options.drain_timeout_ms);
    loop_.stop();
  });
  drain_deadline_->start(static_cast<uint64_t>(shared_.options.drain_timeout_ms));
  for (const auto& [session, owned] : sessions_) session->drain();
  end_if_drained();
}

void Worker::end_if_drained() {
  if (sessions_.empty()) loop_.stop();
}

}  // namespace keyshift::proxy
