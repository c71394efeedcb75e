#include "keyshift/upstream/pool.h"

#include <algorithm>
#include <utility>

#include "keyshift/base/check.h"

namespace keyshift::upstream {
namespace {

// How late a deadline may be noticed.
constexpr uint64_t kCheckEveryMs = 50;

}  // namespace

Pool::Pool(net::Loop* loop, PoolOptions options, telemetry::LoopStats* stats)
    : loop_(loop),
      options_(std::move(options)),
      stats_(stats),
      deadlines_(loop, [this] { check_deadlines(); }) {
  deadlines_.start(kCheckEveryMs, kCheckEveryMs);
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

Connection* Pool::borrow(resp::Protocol protocol) {
  const auto fits = [protocol](const auto& each) { return each->protocol() == protocol && each->usable(); };
  auto found = std::find_if(idle_.begin(), idle_.end(), fits);
  if (found == idle_.end()) {
    // Both protocols' shared connections have their places, used or not.
    const size_t places =
        options_.connections - std::min(options_.connections, 2 * options_.shared_connections);
    if (borrowed_.size() >= places) return nullptr;
    if (borrowed_.size() + idle_.size() >= places) {
      idle_.front()->abort("its place is needed for the other protocol");
      retired_.push_back(std::move(idle_.front()));
      idle_.erase(idle_.begin());
    }
    idle_.push_back(make(protocol));
    found = idle_.end() - 1;
  }
  borrowed_.push_back(std::move(*found));
  idle_.erase(found);
  return borrowed_.back().get();
}

void Pool::give_back(Connection* connection) {
  const auto found = std::find_if(borrowed_.begin(), borrowed_.end(),
                                  [connection](const auto& each) { return each.get() == connection; });
  KEYSHIFT_CHECK(found != borrowed_.end(), "a connection was given back that nobody borrowed");
  idle_.push_back(std::move(*found));
  borrowed_.erase(found);
}

void Pool::check_deadlines() {
  retired_.clear();
  // A session that is told of its loss may borrow or give back: walk a list that this does not change.
  std::vector<Connection*> all;
  for (const auto* connections : {&resp2_, &resp3_, &borrowed_, &idle_}) {
    for (const auto& connection : *connections) all.push_back(connection.get());
  }
  const uint64_t now_ns = loop_->now_ns();
  for (Connection* connection : all) connection->check_deadlines(now_ns);
}

}  // namespace keyshift::upstream
