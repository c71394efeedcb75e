#include "keyshift/upstream/pool.h"

#include <algorithm>
#include <utility>

namespace keyshift::upstream {
namespace {

// How late a deadline may be noticed.
constexpr uint64_t kCheckEveryMs = 50;

}  // namespace

Pool::Pool(net::Loop* loop, PoolOptions options, telemetry::LoopStats* stats)
    : loop_(loop), options_(std::move(options)), stats_(stats), deadlines_(loop, [this] { check_deadlines(); }) {
  deadlines_.start(kCheckEveryMs, kCheckEveryMs);
}

Connection* Pool::shared(resp::Protocol protocol) {
  auto& connections = protocol == resp::Protocol::kResp2 ? resp2_ : resp3_;
  if (connections.size() < options_.shared_connections) {
    ConnectionOptions options = options_.connection;
    options.protocol = protocol;
    connections.push_back(std::make_unique<Connection>(loop_, std::move(options), stats_));
    connections.back()->open();
    return connections.back().get();
  }
  return std::min_element(connections.begin(), connections.end(),
                          [](const auto& a, const auto& b) { return a->owed() < b->owed(); })
      ->get();
}

size_t Pool::owed() const {
  size_t owed = 0;
  for (const auto& connection : resp2_) owed += connection->owed();
  for (const auto& connection : resp3_) owed += connection->owed();
  return owed;
}

void Pool::check_deadlines() {
  const uint64_t now_ns = loop_->now_ns();
  for (const auto& connection : resp2_) connection->check_deadlines(now_ns);
  for (const auto& connection : resp3_) connection->check_deadlines(now_ns);
}

}  // namespace keyshift::upstream
