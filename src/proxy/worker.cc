#include "keyshift/proxy/worker.h"

#include <algorithm>
#include <random>
#include <utility>

#include <fmt/format.h>
#include <pthread.h>

#include "keyshift/base/check.h"
#include "keyshift/base/log.h"
#include "keyshift/base/printable.h"
#include "keyshift/proxy/errors.h"
#include "keyshift/proxy/proxy.h"
#include "keyshift/proxy/session.h"
#include "keyshift/resp/writer.h"
#include "keyshift/scheme/shape.h"

namespace keyshift::proxy {
namespace {

constexpr uint64_t kHousekeepingMs = 1000;
constexpr uint64_t kDrainCheckMs = 10;
// A client that takes nothing of its last replies for so long does not get the rest.
constexpr uint64_t kLingerNs = 10'000'000'000;
// A shape costs as much as a request, so of many unmatched keys a sample must do.
constexpr uint64_t kSampleAll = 1024;
constexpr uint64_t kSampleEvery = 64;
constexpr size_t kLongestExample = 256;
// Connections of a user's pool for large requests, beside the shared ones.
constexpr size_t kBorrowedOfUser = 2;

}  // namespace

Worker::Worker(const Shared& shared, std::shared_ptr<const Settings> settings, int number)
    : shared_(shared),
      stats_(command::kFamilyCount),
      generation_(std::make_shared<const Generation>(std::move(settings), stats_)),
      planner_(std::random_device()() + static_cast<uint64_t>(number)),
      lookahead_(shared.options.limits) {
  // Not owned: the built-in table lives as long as the program.
  tables_.push_back(
      std::shared_ptr<const command::Table>(std::shared_ptr<void>(), &command::Table::built_in()));
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
  make_pools();
  funeral_ = std::make_unique<net::Timer>(&loop_, [this] { bury_dead(); });
  for (size_t i = 0; i < shared_.options.sockets.size(); ++i) {
    listeners_.push_back(std::make_unique<net::Listener>(
        &loop_, *shared_.options.sockets[i],
        [this, i](std::unique_ptr<net::Stream> stream) { accept(i, std::move(stream)); }));
  }
  housekeeping_ = std::make_unique<net::Timer>(&loop_, [this] { look_after_sessions(); });
  housekeeping_->start(kHousekeepingMs, kHousekeepingMs);
  loop_.run();

  listeners_.clear();
  dead_.clear();
  sessions_.clear();
  drain_deadline_.reset();
  housekeeping_.reset();
  funeral_.reset();
  subscriptions_.reset();
  users_.reset();
  pool_.reset();
  leases_.reset();
}

void Worker::make_pools() {
  const Options& options = shared_.options;
  leases_ = std::make_unique<upstream::Leases>(&loop_, options.pool.leases,
                                               options.pool.connection.queue_timeout_ms);
  pool_ = std::make_unique<upstream::Pool>(&loop_, options.pool, &stats_, leases_.get());
  pool_->note_database(options.database);
  subscriptions_ = std::make_unique<Subscriptions>(*this, *pool_);
  pool_->shared(resp::Protocol::kResp2);  // connected before the first client asks
  upstream::PoolOptions of_user = options.pool;
  of_user.connections = 2 * of_user.shared_connections + kBorrowedOfUser;
  of_user.connection.database = options.database;
  users_ =
      std::make_unique<upstream::Users>(&loop_, std::move(of_user), options.max_users, &stats_, leases_.get(),
                                        [this](const upstream::User& user) { end_sessions_of(user); });
}

Subscriptions& Worker::subscriptions(upstream::User* user) {
  if (user == nullptr) return *subscriptions_;
  if (!user->companion()) {
    const auto made = std::make_shared<Subscriptions>(*this, user->pool());
    users_subscriptions_.push_back(made);
    user->set_companion(made);
  }
  return *static_cast<Subscriptions*>(user->companion().get());
}

// As the upstream does with the clients of a user whom it deletes.
void Worker::end_sessions_of(const upstream::User& user) {
  log::warn("user {}: the upstream lets him in no more; his clients are closed", printable(user.name()));
  for (const auto& [session, owned] : sessions_) {
    if (!session->is_of(user)) continue;
    stats_.clients_dropped.add();
    session->drain();
  }
}

void Worker::accept(size_t listener, std::unique_ptr<net::Stream> stream) {
  if (shared_.clients.size() >= settings().max_clients) {
    stats_.clients_dropped.add();
    resp::append_error(stream->out(), errors::kTooManyClients);
    net::Stream::close_when_sent(std::move(stream));
    return;
  }
  auto session = std::make_unique<Session>(*this, listener, std::move(stream));
  Session* const key = session.get();
  by_id_.emplace(key->entry().id, key);
  sessions_.emplace(key, std::move(session));
}

void Worker::bury(Session* session) {
  if (dead_.empty()) funeral_->start(0);
  dead_.push_back(session);
}

void Worker::bury_dead() {
  for (Session* session : std::exchange(dead_, {})) {
    by_id_.erase(session->entry().id);
    sessions_.erase(session);
  }
}

Session* Worker::find_session(uint64_t id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : found->second;
}

void Worker::kill_later(uint64_t id) {
  loop_.post([this, id] {
    Session* const session = find_session(id);
    if (session == nullptr) return;
    stats_.clients_dropped.add();
    session->kill();
  });
}

void Worker::end_wait_later(uint64_t id, WaitEnd how) {
  loop_.post([this, id, how] {
    if (Session* const session = find_session(id)) session->end_unsent_wait(how);
  });
}

void Worker::invalidate_later(uint64_t id, std::string names) {
  loop_.post([this, id, names = std::move(names)] {
    if (Session* const session = find_session(id)) session->on_invalidated(names);
  });
}

void Worker::reload_for(uint64_t id) {
  shared_.proxy.reload([this, id](const Reloaded& outcome) {
    loop_.post([this, id, outcome] {
      if (Session* const session = find_session(id)) session->on_reloaded(outcome);
    });
  });
}

void Worker::note_unmatched(std::string_view key) {
  ++unmatched_seen_;
  const bool first = unmatched_seen_ <= kSampleAll;
  if (!first && unmatched_seen_ % kSampleEvery != 0) return;
  stats_.unmatched_shapes.add(scheme::shape_of(key), key.substr(0, kLongestExample),
                              first ? 1 : kSampleEvery);
}

void Worker::look_after_sessions() {
  const uint64_t now_ns = loop_.now_ns();
  const auto ago = [now_ns](int64_t limit_ms) {
    const uint64_t limit_ns = static_cast<uint64_t>(limit_ms) * 1'000'000;
    return limit_ms <= 0 || limit_ns > now_ns ? uint64_t{0} : now_ns - limit_ns;
  };
  const uint64_t idle_ns = ago(settings().idle_timeout_ms);
  const uint64_t hang_ns = ago(shared_.options.pool.connection.reply_timeout_ms);
  for (const auto& [session, owned] : sessions_) {
    if (session->hangs_since(hang_ns)) {
      log::warn("client {}: closed, it stopped in the middle of a large request", session->entry().address);
      stats_.clients_dropped.add();
      session->kill();
    } else if (session->idle_since(idle_ns)) {
      session->drain();
    } else {
      session->look_for_end();
    }
  }
  subscriptions_->look_after();
  std::erase_if(users_subscriptions_, [](const auto& each) { return each.expired(); });
  for (const auto& each : users_subscriptions_) {
    if (const auto there = each.lock()) there->look_after();
  }
  loop_.close_stuck(kLingerNs);
}

void Worker::set_table(std::shared_ptr<const command::Table> table) {
  loop_.post([this, table = std::move(table)] { tables_.push_back(table); });
}

// Sessions that wait look again: a limit may have been raised.
void Worker::apply(std::shared_ptr<const Settings> settings, std::function<void()> switched) {
  loop_.post([this, settings = std::move(settings), switched = std::move(switched)]() mutable {
    generation_ = std::make_shared<const Generation>(std::move(settings), stats_);
    unmatched_seen_ = 0;
    stats_.unmatched_shapes.clear();
    stats_.scripts.clear();
    for (const auto& [session, owned] : sessions_) session->on_settings();
    switched();
  });
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
              settings().drain_timeout_ms);
    loop_.stop();
  });
  drain_deadline_->start(static_cast<uint64_t>(settings().drain_timeout_ms));
  for (const auto& [session, owned] : sessions_) session->drain();
  housekeeping_ = std::make_unique<net::Timer>(&loop_, [this] { end_if_drained(); });
  housekeeping_->start(0, kDrainCheckMs);
}

// The last replies may still be on their way when the sessions are gone.
void Worker::end_if_drained() {
  if (sessions_.empty() && loop_.lingering() == 0) loop_.stop();
}

}  // namespace keyshift::proxy
