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
  return std::min_element(connections.begin(), connections.end(),
                          [](const auto& a, const auto& b) { return a->owed() < b->owed(); })
      ->get();
}

Connection* Pool::subscriber() {
  if (!subscriber_) subscriber_ = make(resp::Protocol::kResp3);
  return subscriber_.get();
}

// Both protocols' shared connections have their places, used or not.
size_t Pool::places() const {
  return options_.connections - std::min(options_.connections, 2 * options_.shared_connections);
}

Connection* Pool::take(resp::Protocol protocol, Connections& into) {
  const auto fits = [protocol](const auto& each) { return each->protocol() == protocol && each->usable(); };
  auto found = std::find_if(idle_.begin(), idle_.end(), fits);
  if (found == idle_.end()) found = idle_.insert(idle_.end(), make(protocol));
  into.push_back(std::move(*found));
  idle_.erase(found);
  return into.back().get();
}

Connection* Pool::borrow(resp::Protocol protocol) {
  if (borrowed_.size() >= places()) return nullptr;
  Connection* const taken = take(protocol, borrowed_);
  if (borrowed_.size() + idle_.size() > places())
    retire(idle_.begin(), "its place is needed for the other protocol");
  return taken;
}

Connection* Pool::lease(resp::Protocol protocol) {
  return leases_->take() ? take(protocol, leased_) : nullptr;
}

void Pool::give_back(Connection* connection) {
  const auto is_it = [connection](const auto& each) { return each.get() == connection; };
  const bool leased = std::ranges::any_of(leased_, is_it);
  Connections& from = leased ? leased_ : borrowed_;
  const auto found = std::ranges::find_if(from, is_it);
  KEYSHIFT_CHECK(found != from.end(), "a connection was given back that nobody had taken");
  idle_.push_back(std::move(*found));
  from.erase(found);
  if (borrowed_.size() + idle_.size() > places())
    retire(idle_.end() - 1, "more are idle than the pool keeps");
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
  if (subscriber_) all.push_back(subscriber_.get());
  return all;
}

void Pool::check_deadlines() {
  retired_.clear();
  const uint64_t now_ns = loop_->now_ns();
  // A session that is told of its loss may borrow or give back: walk a list that this does not change.
  for (Connection* connection : all()) connection->check_deadlines(now_ns);
}

}  // namespace keyshift::upstream
