// Session: leases, upstream connections that it has alone for a while; and commands that wait in the server.
//
//   BLPOP jobs 0        a lease until its reply is here. No request behind it is taken before; what the client sends
//                       meanwhile waits, and if the client ends, the connection ends with it: no element is taken
//   WATCH k, MULTI      a lease, by session_transactions.cc
//
// Before a session moves to a lease, and before it moves back, all its replies have come: nothing is reordered.
#include <string>
#include <utility>

#include "keyshift/proxy/errors.h"
#include "keyshift/proxy/session.h"
#include "keyshift/proxy/worker.h"
#include "keyshift/resp/writer.h"
#include "session_tracking.h"

namespace keyshift::proxy {

// A lease; null if none came free in time. Nothing yet: on_room() comes, then it is to be asked again.
std::optional<upstream::Connection*> Session::ask_lease(resp::Protocol protocol) {
  upstream::Connection* const found = pool().lease(protocol);
  upstream::Leases& leases = pool().leases();
  if (found == nullptr && (lease_asked_ns_ == 0 || !leases.waited_too_long(lease_asked_ns_))) {
    if (lease_asked_ns_ == 0) lease_asked_ns_ = worker_.loop().now_ns();
    leases.wait(this, lease_asked_ns_);
    waits_for_lease_ = true;
    return std::nullopt;
  }
  lease_asked_ns_ = 0;
  return found;
}

// Returns false if the request must wait: for the replies that are owed, or for a lease to come free. lease_ is null when
// that was in vain. What is done with it is for `why` until release().
bool Session::take_lease(Hold why) {
  if (lease_ == nullptr) {
    if (!pending_.empty()) return false;
    const auto found = ask_lease(protocol_);
    if (!found) return false;
    lease_ = *found;
    if (lease_ == nullptr) return true;
    lease_->listen(this);
    lease_life_ = lease_->life();
  }
  holds_ |= static_cast<uint8_t>(why);
  return true;
}

// Requires: what was done for `why` has left nothing on the lease that its next user would meet.
void Session::release(Hold why) {
  drop_reason(why);
  if (tracking_) renew_tracking();
  end_lease_if_done();
}

void Session::end_lease_if_done() {
  if (lease_ == nullptr || holds_ != 0 || !pending_.empty()) return;
  lease_->abandon(this);
  // A reply that is still to come after its time would hold up whoever is next.
  if (std::exchange(lease_is_spent_, false) || lease_->overdue() > 0) {
    pool().give_up(std::exchange(lease_, nullptr));
  } else {
    pool().give_back(std::exchange(lease_, nullptr));
  }
}

// Gives the lease back whatever state it is in: what the server knows of it ends with the connection. A command that waits
// ends at once; what was sent is executed.
void Session::drop_lease(std::string_view reason) {
  if (tracking_) lease_->abandon(tracking_.get());
  lease_->abandon(this);
  if (holds(Hold::kBlocked)) {
    lease_->abort(reason);
    show_blocked(false);
  }
  const bool is_clean = holds_ == 0 && !lease_is_spent_ && lease_->owed() == 0;
  holds_ = 0;
  lease_is_spent_ = false;
  if (is_clean) {
    pool().give_back(std::exchange(lease_, nullptr));
  } else {
    pool().give_up(std::exchange(lease_, nullptr));
  }
}

void Session::show_blocked(bool blocked) {
  entry_->blocked.store(blocked, std::memory_order_relaxed);
}

bool Session::forward_blocking(const command::Row& row, const resp::Request& request) {
  if (!take_lease(Hold::kBlocked)) return false;
  if (lease_ == nullptr) {
    answer_error(errors::no_lease(row.name));
    return true;
  }
  const size_t before = pending_.size();
  if (!send(*lease_, row, request, upstream::Connection::kNoDeadline)) {
    drop_reason(Hold::kBlocked);  // the lease is kept for the next try
    return false;
  }
  if (pending_.size() > before && pending_.back().row != nullptr) {
    show_blocked(true);
  } else {
    release(Hold::kBlocked);
  }
  return true;
}

void Session::unblock(bool error) {
  if (!holds(Hold::kBlocked) || !lease_->usable()) return;
  if (lease_->state() == upstream::Connection::State::kConnecting) {
    worker_.unblock_later(entry_->id, error);
    return;
  }
  // The worker's own connections may have rights that the user has not; the user's are there if those are not.
  upstream::Connection* const ours = worker_.pool().shared(protocol_);
  upstream::Connection& other = ours->usable() ? *ours : *pool().shared(protocol_);
  if (!other.usable()) return;
  resp::append_array(other.out(), error ? 4 : 3);
  for (const std::string_view word : {"CLIENT", "UNBLOCK"}) resp::append_bulk(other.out(), word);
  resp::append_bulk_integer(other.out(), lease_->server_id());
  if (error) resp::append_bulk(other.out(), "ERROR");
  other.expect({.started_ns = worker_.loop().now_ns()});
  other.submit();
}

}  // namespace keyshift::proxy
