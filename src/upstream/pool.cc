#include "keyshift/upstream/pool.h"

#include <algorithm>
#include <utility>

#include "keyshift/base/check.h"

namespace keyshift::upstream {
namespace {

// How late a deadline may be noticed.
constexpr uint64_t kCheckEveryMs = 50;

}  // namespace

Pool::Pool(net::Loop* loop, PoolOptions options, telemetry::LoopStats* stats, Leases* leases)
    : loop_(loop), options_(std::move(options)), stats_(stats), leases_(leases), deadlines_(loop, [this] {
        check_deadlines();
        check_leaving();
      }) {
  deadlines_.start(kCheckEveryMs, kCheckEveryMs);
}

Pool::~Pool() {
  for (size_t lent = leased_.size() + leaving_.size(); lent > 0; --lent) leases_->give_back();
}

std::unique_ptr<Connection> Pool::make(resp::Protocol protocol) {
  ConnectionOptions options = options_.connection;
  options.protocol = protocol;
  auto connection = std::make_unique<Connection>(loop_, std::move(options), stats_);
  connection->open();
  return connection;
}

Connection* Pool::shared(resp::Protocol protocol) {
  auto& connections = protocol == resp::Protocol::kResp2 ? resp2_ : resp3_;
  if (connections.size() < options_.shared_connections) return connections.emplace_back(make(protocol)).get();
  const auto cost = [now_ns = loop_->now_ns()](const auto& each) {
    return std::pair(each->is_stuck(now_ns), each->owed());
  };
  return std::ranges::min_element(connections, {}, cost)->get();
}

Connection* Pool::subscriber() {
  if (!subscriber_) subscriber_ = make(resp::Protocol::kResp3);
  return subscriber_.get();
}

// Both protocols' shared connections have their places, used or not.
size_t Pool::places() const {
  return options_.connections - std::min(options_.connections, 2 * options_.shared_connections);
}

std::unique_ptr<Connection> Pool::take(resp::Protocol protocol) {
  const auto fits = [protocol, now_ns = loop_->now_ns()](const auto& each) {
    return each->protocol() == protocol && each->usable() && each->overdue() == 0 && !each->is_stuck(now_ns);
  };
  auto found = std::find_if(idle_.begin(), idle_.end(), fits);
  if (found == idle_.end()) return make(protocol);
  std::unique_ptr<Connection> taken = std::move(*found);
  idle_.erase(found);
  return taken;
}

// A connection that was taken becomes idle, if there is a place for it.
void Pool::keep(std::unique_ptr<Connection> connection) {
  idle_.push_back(std::move(connection));
  if (taken_places() + idle_.size() > places()) retire(idle_.end() - 1, "more are idle than the pool keeps");
}

Connection* Pool::detour(resp::Protocol protocol, bool writes) {
  auto found = std::ranges::find_if(detours_, [&](const Detour& each) {
    return each.writes == writes && each.connection->protocol() == protocol;
  });
  if (found == detours_.end()) {
    if (taken_places() >= places()) return nullptr;
    found = detours_.insert(detours_.end(), {take(protocol), writes, 0});
  }
  ++found->sessions;
  return found->connection.get();
}

void Pool::leave_detour(Connection* connection) {
  const auto found =
      std::ranges::find_if(detours_, [&](const Detour& each) { return each.connection.get() == connection; });
  KEYSHIFT_CHECK(found != detours_.end(), "a detour was left that nobody was on");
  if (--found->sessions > 0) return;
  std::unique_ptr<Connection> left = std::move(found->connection);
  detours_.erase(found);
  keep(std::move(left));
}

Connection* Pool::borrow(resp::Protocol protocol) {
  if (taken_places() >= places()) return nullptr;
  borrowed_.push_back(take(protocol));
  if (taken_places() + idle_.size() > places() && !idle_.empty())
    retire(idle_.begin(), "its place is needed for the other protocol");
  return borrowed_.back().get();
}

Connection* Pool::lease(resp::Protocol protocol) {
  if (!leases_->take()) return nullptr;
  return leased_.emplace_back(take(protocol)).get();
}

void Pool::give_back(Connection* connection) {
  const auto is_it = [connection](const auto& each) { return each.get() == connection; };
  const bool leased = std::ranges::any_of(leased_, is_it);
  Connections& from = leased ? leased_ : borrowed_;
  const auto found = std::ranges::find_if(from, is_it);
  KEYSHIFT_CHECK(found != from.end(), "a connection was given back that nobody had taken");
  std::unique_ptr<Connection> given = std::move(*found);
  from.erase(found);
  keep(std::move(given));
  if (leased) leases_->give_back();
}

void Pool::give_up(Connection* connection) {
  const auto found =
      std::ranges::find_if(leased_, [&](const auto& each) { return each.get() == connection; });
  KEYSHIFT_CHECK(found != leased_.end(), "a lease was given up that nobody had taken");
  leaving_.push_back(std::move(*found));
  leased_.erase(found);
  check_leaving();
}

void Pool::check_leaving() {
  const auto is_done = [](const auto& each) { return each->owed() == 0 || !each->usable(); };
  for (auto done = leaving_.begin();
       (done = std::find_if(done, leaving_.end(), is_done)) != leaving_.end();) {
    (*done)->end("its client has left it in a state of its own");
    retired_.push_back(std::move(*done));
    done = leaving_.erase(done);
    leases_->give_back();
  }
}

void Pool::retire(Connections::iterator idle, std::string_view reason) {
  (*idle)->end(reason);
  retired_.push_back(std::move(*idle));
  idle_.erase(idle);
}

Connection* Pool::ready() const {
  for (const auto* connections : {&resp2_, &resp3_}) {
    for (const auto& connection : *connections) {
      if (connection->state() == Connection::State::kReady) return connection.get();
    }
  }
  return nullptr;
}

void Pool::set_password(std::string_view password) {
  options_.connection.password = password;
  for (Connection* connection : all()) connection->set_password(password);
}

std::vector<Connection*> Pool::all() const {
  std::vector<Connection*> all;
  for (const auto* connections : {&resp2_, &resp3_, &borrowed_, &leased_, &leaving_, &idle_}) {
    for (const auto& connection : *connections) all.push_back(connection.get());
  }
  for (const Detour& detour : detours_) all.push_back(detour.connection.get());
  if (subscriber_) all.push_back(subscriber_.get());
  return all;
}

void Pool::check_deadlines() {
  retired_.clear();
  const uint64_t now_ns = loop_->now_ns();
  // A session that is told of its loss may borrow or give back: walk a list that this does not change.
  for (Connection* connection : all()) connection->check_deadlines(now_ns);
  for (const auto* connections : {&resp2_, &resp3_, &idle_}) {
    for (const auto& connection : *connections) connection->check_introduction(now_ns);
  }
}

}  // namespace keyshift::upstream
