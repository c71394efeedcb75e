// Session: leases, upstream connections that it has alone for a while; and commands that wait in the server.
//
//   BLPOP jobs 0        a lease until its reply is here. No request behind it is taken before; what the client sends
//                       meanwhile waits, and if the client ends, so does the connection: no element is taken
//   WATCH k, MULTI      a lease, by session_transactions.cc
//
// Before a session moves to a lease, and before it moves back, all its replies have come: nothing is reordered.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "keyshift/proxy/errors.h"
#include "keyshift/proxy/session.h"
#include "keyshift/proxy/worker.h"
#include "keyshift/resp/writer.h"
#include "session_tracking.h"
#include "session_transactions.h"

namespace keyshift::proxy {

namespace {

// How long the server has to answer, or to give up, the command of a client that has ended.
constexpr uint64_t kEndPatienceNs = 2'000'000'000;

}  // namespace

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
  }
  holds_ |= static_cast<uint8_t>(why);
  return true;
}

// Requires: what was done for `why` has left nothing on the lease that its next user would meet.
void Session::release(Hold why) {
  drop_reason(why);
  if (tracking_) tracking_->renew();
  end_lease_if_done();
}

void Session::end_lease_if_done() {
  if (lease_ == nullptr || holds_ != 0 || !pending_.empty()) return;
  lease_->abandon(this);
  // A reply that is still to come after its time would hold up whoever is next.
  if (std::exchange(lease_is_spent_, false) || lease_->overdue() > 0 || entry_->ending_waits > 0) {
    pool().give_up(std::exchange(lease_, nullptr));
  } else {
    pool().give_back(std::exchange(lease_, nullptr));
  }
}

// Gives the lease back whatever state it is in: what the server knows of it ends with the connection. A command that
// waits ends at once; what was sent is executed.
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
  ends_unsent_.reset();
  end_passed_ns_ = 0;
  entry_->waits_on = blocked ? lease_->server_id() : 0;
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
    if (ended_) pass_end_on();
  } else {
    release(Hold::kBlocked);
  }
  return true;
}

// The client has ended while its command is in the server, or before: the server learns of it as it would directly. A
// command that it has executed is answered, and the client gets that; one that waits takes nothing.
void Session::pass_end_on() {
  if (!lease_->usable()) return;
  lease_->finish_sending();
  lease_is_spent_ = true;
  end_passed_ns_ = worker_.loop().now_ns();
}

void Session::look_for_end() {
  if (buried_ || !holds(Hold::kBlocked)) return;
  if (end_passed_ns_ != 0) {
    // What stands between us and the server may keep the end to itself: then the connection is closed whole.
    if (worker_.loop().now_ns() - end_passed_ns_ > kEndPatienceNs) kill();
  } else if (!stream_->reading() && stream_->peer_has_ended()) {
    pass_end_on();
  }
}

// ---- CLIENT UNBLOCK and CLIENT KILL of who waits

namespace {

std::vector<std::string_view> unblock_words(std::string_view waits_on, WaitEnd how) {
  std::vector<std::string_view> words = {"CLIENT", "UNBLOCK", waits_on};
  if (how == WaitEnd::kError) words.emplace_back("ERROR");
  return words;
}

// Nobody waits for the answer.
void tell_end(upstream::Connection& connection, int64_t waits_on, WaitEnd how, uint64_t now_ns) {
  const std::string number = std::to_string(waits_on);
  const auto words = unblock_words(number, how);
  resp::append_array(connection.out(), words.size());
  for (const std::string_view word : words) resp::append_bulk(connection.out(), word);
  connection.expect({.started_ns = now_ns});
  connection.submit();
}

}  // namespace

// The worker's own connections may have rights that the user has not; the user's are there if those are not.
upstream::Connection& Session::connection_of_worker() {
  upstream::Connection* const ours = worker_.pool().shared(protocol_);
  return ours->usable() ? *ours : *pool().shared(protocol_);
}

std::optional<std::string> Session::end_waits(const std::function<std::vector<EndedWait>()>& waits,
                                              WaitEnd how) {
  if (inquiry_ && inquiry_->answered) return std::exchange(inquiry_, nullptr)->ended;
  if (!transactions_->answers_exec() && !pending_.empty()) return std::nullopt;
  auto asked = std::make_unique<Inquiry>();
  asked->waits = waits();
  std::string nothing_asked = ":0\r\n";
  upstream::Connection& connection = connection_of_worker();
  std::vector<int64_t> told;
  for (const EndedWait& wait : asked->waits) {
    if (wait.connection() != 0) {
      told.push_back(wait.connection());
    } else {
      wait.entry().unblock(how);
      nothing_asked = ":1\r\n";
    }
  }
  if (told.empty() || !connection.usable()) return nothing_asked;
  const uint64_t now_ns = worker_.loop().now_ns();
  const int64_t last = told.back();
  if (!transactions_->answers_exec()) told.pop_back();
  for (const int64_t each : told) tell_end(connection, each, how, now_ns);
  if (transactions_->answers_exec()) return ":1\r\n";
  inquiry_ = std::move(asked);
  const std::string number = std::to_string(last);
  inquiry_->question.ask(connection, unblock_words(number, how), now_ns,
                         [this](const upstream::Question::Answer& answer) {
                           inquiry_->ended = answer.reply.empty() ? ":0\r\n" : std::string(answer.reply);
                           inquiry_->answered = true;
                           resume();
                         });
  return std::nullopt;
}

// The client has said CLIENT KILL and ended before it was done: that it is done does not depend on him.
void Session::finish_killing() {
  worker_.clients().kill([this](const ClientEntry& entry) {
    return std::ranges::any_of(
        inquiry_->waits, [&entry](const EndedWait& wait) { return &wait.entry() == &entry && entry.killed; });
  });
}

void Session::end_unsent_wait(WaitEnd how) {
  if (!holds(Hold::kBlocked) || !lease_->usable()) return;
  ends_unsent_ = how;
  if (lease_->server_id() != 0) note_waiting();
}

// The lease is there, and with it the command that waits.
void Session::note_waiting() {
  entry_->waits_on = lease_->server_id();
  const auto how = std::exchange(ends_unsent_, std::nullopt);
  if (!how) return;
  upstream::Connection& connection = connection_of_worker();
  if (!connection.usable()) return;
  lease_is_spent_ = true;  // who has it next must not be meant
  tell_end(connection, lease_->server_id(), *how, worker_.loop().now_ns());
}

}  // namespace keyshift::proxy
