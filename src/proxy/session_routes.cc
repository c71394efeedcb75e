// Session: which upstream connection a request takes where the shared one would not do.
//
//   SCRIPT KILL             apart: it must not queue behind the script that it is to end. On a lease, for this request
//   EVAL, if asked          apart: it may run long, and nobody's request is to queue behind it
//   SET, writes are paused  apart: it waits in the server until CLIENT UNPAUSE
//   GET, and the shared connection has not moved for Connection::kStuckNs      a detour: another shared connection
//
// A session that is owed nothing may change connections: its order holds. It takes a detour for as long as its own
// connection is stuck, one for what reads and another for what writes: what sticks to the first then, because of a CLIENT
// PAUSE that did not come through here, is not in the way on the second.
#include <algorithm>
#include <utility>

#include "keyshift/base/ascii.h"
#include "keyshift/proxy/errors.h"
#include "keyshift/proxy/session.h"
#include "keyshift/proxy/worker.h"
#include "keyshift/resp/number.h"

namespace keyshift::proxy {

using command::Row;

namespace {

constexpr uint64_t kNsPerMs = 1'000'000;
// Of a pause: longer ones are as good as without an end.
constexpr int64_t kLongestPauseMs = 1'000'000'000;

}  // namespace

bool Session::goes_apart(const Row& row) const {
  if (row.is(Row::kUrgent)) return true;
  if (row.runs_script() && worker_.options().scripts_on_leases) return true;
  return may_be_paused(row) && worker_.facts().writes_are_paused(worker_.loop().now_ns());
}

bool Session::may_go_apart(const resp::Request& request) const {
  const command::Match match =
      worker_.table().find(request[0], request.size() > 1 ? request[1] : std::string_view());
  return match.outcome == command::Match::Outcome::kFound && goes_apart(*match.row);
}

bool Session::may_be_paused(const Row& row) {
  return row.is(Row::kWrites | Row::kReplicates);
}

bool Session::forward_apart(const Row& row, const resp::Request& request) {
  // Where all leases are taken, a script must wait for one: that is what was asked for. All others have a way around.
  if (lease_ == nullptr && pending_.empty() && !row.runs_script() && !pool().leases().any_left()) {
    set_detour(true);
    return send(target(), row, request, worker_.loop().now_ns());
  }
  if (!take_lease(Hold::kAnswer)) return false;
  if (lease_ == nullptr) {
    answer_error(errors::no_lease(row.name));
    return true;
  }
  if (!send(*lease_, row, request, worker_.loop().now_ns())) {
    drop_reason(Hold::kAnswer);  // the lease is kept for the next try
    return false;
  }
  if (pending_.empty()) release(Hold::kAnswer);
  return true;
}

// Chooses between the session's own shared connection and a detour. Requires: nothing is owed on either.
void Session::choose_route(bool writes) {
  if (connection_ == nullptr) connection_ = pool().shared(protocol_);
  if (!connection_->is_stuck(worker_.loop().now_ns())) {
    if (detour_ != nullptr) leave_detour();
    return;
  }
  set_detour(writes);
}

void Session::set_detour(bool writes) {
  upstream::Connection* other = pool().detour(protocol_, writes);
  if (other != nullptr && !other->usable()) {
    pool().leave_detour(other);
    other = nullptr;
  }
  leave_detour();
  detour_ = other;
}

void Session::leave_detour() {
  if (detour_ == nullptr) return;
  detour_->abandon(this);
  pool().leave_detour(std::exchange(detour_, nullptr));
}

// Notes what CLIENT PAUSE and CLIENT UNPAUSE do to the writes of everybody. A pause of everything is none of our business:
// a lease would be held up as well as a shared connection.
void Session::note_pause(const Row& row, const resp::Request& request) {
  Facts& facts = worker_.facts();
  if (row.name == "client|unpause") {
    facts.pause_writes(0);
    return;
  }
  int64_t pause_ms = 0;
  if (row.name != "client|pause" || request.size() != 4 || !is_word(request[3], "WRITE")) return;
  if (!resp::parse_integer(request[2], pause_ms) || pause_ms <= 0) return;
  facts.pause_writes(worker_.loop().now_ns() +
                     static_cast<uint64_t>(std::min(pause_ms, kLongestPauseMs)) * kNsPerMs);
}

}  // namespace keyshift::proxy
