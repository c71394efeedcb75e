#include "keyshift/upstream/leases.h"

#include <algorithm>

#include "keyshift/base/check.h"

namespace keyshift::upstream {
namespace {

// How late a deadline may be noticed.
constexpr uint64_t kCheckEveryMs = 50;

}  // namespace

Leases::Leases(net::Loop* loop, size_t most, int64_t queue_timeout_ms)
    : loop_(loop),
      most_(most),
      patience_ns_(static_cast<uint64_t>(queue_timeout_ms) * 1'000'000),
      free_(loop, [this] { check(); }),
      deadlines_(loop, [this] { check(); }) {}

bool Leases::take() {
  if (lent_ >= most_) return false;
  ++lent_;
  return true;
}

void Leases::give_back() {
  KEYSHIFT_CHECK(lent_ > 0, "a lease was given back that nobody had taken");
  --lent_;
  if (!waiting_.empty()) free_.start(0);
}

void Leases::wait(Waiter* waiter, uint64_t since_ns) {
  if (waiting_.empty()) deadlines_.start(kCheckEveryMs, kCheckEveryMs);
  const auto behind = std::ranges::upper_bound(waiting_, since_ns, {}, &Waiting::since_ns);
  waiting_.insert(behind, {waiter, since_ns});
}

bool Leases::waited_too_long(uint64_t since_ns) const {
  return loop_->now_ns() - since_ns > patience_ns_;
}

void Leases::stop_waiting(Waiter* waiter) {
  std::erase_if(waiting_, [waiter](const Waiting& each) { return each.waiter == waiter; });
}

void Leases::check() {
  size_t free = most_ - lent_;
  std::vector<Waiter*> called;
  std::erase_if(waiting_, [&](const Waiting& each) {
    const bool late = waited_too_long(each.since_ns);
    if (!late && free == 0) return false;
    if (!late) --free;
    called.push_back(each.waiter);
    return true;
  });
  if (waiting_.empty()) deadlines_.stop();
  for (Waiter* waiter : called) waiter->on_room();
}

}  // namespace keyshift::upstream
