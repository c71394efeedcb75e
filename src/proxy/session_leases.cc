// Session: what needs an upstream connection of its own for a while, and transactions.
//
//   BLPOP jobs 0        a lease until its reply is here. No request behind it is taken before; what the client sends
//                       meanwhile waits, and if the client ends, the connection ends with it: no element is taken
//   WATCH k             a lease until EXEC, DISCARD or UNWATCH: what is watched belongs to the connection
//   MULTI .. EXEC       queued here, sent as one burst: on the lease if keys are watched, else on the shared connection
//
// Before a session moves to a lease, and before it moves back, all its replies have come: nothing is reordered.
#include <string>
#include <utility>

#include "keyshift/proxy/errors.h"
#include "keyshift/proxy/session.h"
#include "keyshift/proxy/worker.h"
#include "keyshift/resp/writer.h"
#include "local_commands.h"

namespace keyshift::proxy {

using command::Scope;

// Returns false if the request must wait: for the replies that are owed, or for a lease to come free. lease_ is null when
// that was in vain. What is done with it is for `why` until release().
bool Session::take_lease(Hold why) {
  if (lease_ == nullptr) {
    if (!pending_.empty()) return false;
    lease_ = pool().lease(protocol_);
    if (lease_ == nullptr && (lease_asked_ns_ == 0 || !pool().leases().waited_too_long(lease_asked_ns_))) {
      if (lease_asked_ns_ == 0) lease_asked_ns_ = worker_.loop().now_ns();
      pool().leases().wait(this, lease_asked_ns_);
      waits_for_lease_ = true;
      return false;
    }
    lease_asked_ns_ = 0;
    if (lease_ == nullptr) return true;
    lease_->listen(this);
    lease_life_ = lease_->life();
  }
  holds_ |= static_cast<uint8_t>(why);
  return true;
}

// Requires: what was done for `why` has left nothing on the lease that its next user would meet.
void Session::release(Hold why) {
  holds_ = static_cast<uint8_t>(holds_ & ~static_cast<uint8_t>(why));
  end_lease_if_done();
}

void Session::end_lease_if_done() {
  if (lease_ == nullptr || holds_ != 0 || !pending_.empty()) return;
  lease_->abandon(this);
  pool().give_back(std::exchange(lease_, nullptr));
}

// Gives the lease back whatever state it is in: what the server knows of it, and what it owes, ends with the connection.
void Session::drop_lease(std::string_view reason) {
  lease_->abandon(this);
  if (holds_ != 0 || lease_->owed() > 0) lease_->abort(reason);
  if (holds(Hold::kBlocked)) show_blocked(false);
  holds_ = 0;
  pool().give_back(std::exchange(lease_, nullptr));
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
    holds_ = static_cast<uint8_t>(holds_ & ~static_cast<uint8_t>(Hold::kBlocked));  // kept for the next try
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

// ---- transactions

bool Session::transaction_command(const command::Row& row, const resp::Request& request) {
  if (row.name == "watch") return watch(row, request);
  if (row.name == "exec") return exec(row, request);
  if (row.name == "unwatch") {
    if (transaction_) {
      queue(row, request);
    } else {
      end_transaction();
      answer_ok();
    }
  } else if (row.name == "discard") {
    if (transaction_) {
      end_transaction();
      answer_ok();
    } else {
      answer_error(errors::kDiscardWithoutMulti);
    }
  } else if (transaction_) {
    answer_error(errors::kNestedMulti);
  } else {
    transaction_ = std::make_unique<plan::Transaction>();
    answer_ok();
  }
  return true;
}

void Session::answer_ok() {
  answer("+OK\r\n");
}

bool Session::watch(const command::Row& row, const resp::Request& request) {
  if (transaction_) {
    answer_error(errors::kWatchInMulti);
    return true;
  }
  if (!take_lease(Hold::kWatch)) return false;
  if (lease_ == nullptr) {
    answer_error(errors::no_lease(row.name));
    return true;
  }
  if (!lease_->usable()) {
    answer_unreachable(*lease_);
    release(Hold::kWatch);
    return true;
  }
  return send(*lease_, row, request, worker_.loop().now_ns());
}

// Forgets what was queued, and what is watched.
void Session::end_transaction() {
  transaction_.reset();
  watch_broken_ = false;
  if (!holds(Hold::kWatch)) return;
  if (lease_->usable() && !lease_is_lost()) {
    resp::append_array(lease_->out(), 1);
    resp::append_bulk(lease_->out(), "UNWATCH");
    lease_->expect({.started_ns = worker_.loop().now_ns()});
    lease_->submit();
  }
  release(Hold::kWatch);
}

// Puts a command behind those that wait for EXEC.
void Session::queue(const command::Row& row, const resp::Request& request) {
  const bool is_on_its_own = row.scope == Scope::kSubscribes || row.scope == Scope::kTracks ||
                             row.scope == Scope::kFeeds || row.scope == Scope::kTunnels;
  if (is_on_its_own) {
    refuse(errors::needs_lease(row.name));
  } else if (row.scope == Scope::kNever || row.name == "hello" || row.name == "keyshift|reload") {
    refuse(errors::never_possible(row.name));
  } else if (row.name == "auth" && listener().asks_upstream) {
    refuse(errors::kAuthInMulti);
  } else if (row.scope == Scope::kRefused && !is_allowed(row)) {
    refuse(errors::refused_command(row.name));
  } else if (transaction_->bytes() + request.block().size() > worker_.options().limits.max_request_bytes) {
    refuse(errors::kLargeTransaction);
  } else {
    if (row.runs_script()) note_script(row, request);
    transaction_->add(row, request);
    answer("+QUEUED\r\n");
  }
}

bool Session::exec(const command::Row& row, const resp::Request& request) {
  if (!transaction_) {
    answer_error(errors::kExecWithoutMulti);
    return true;
  }
  if (transaction_->failed()) {
    end_transaction();
    answer_error(errors::kExecAborted);
    return true;
  }
  // What was watched on a connection that is lost may have changed, and nobody would know.
  if (watch_broken_ || (holds(Hold::kWatch) && lease_is_lost())) {
    end_transaction();
    Buffer& reply = worker_.scratch();
    reply.clear();
    resp::append_null_array(reply, protocol_);
    answer(reply.view());
    return true;
  }
  upstream::Connection& connection = target();
  if (!connection.usable()) {
    end_transaction();
    answer_unreachable(connection);
    return true;
  }
  if (must_wait_for(connection)) return false;
  answer_queued(*transaction_);
  connection.begin(database_);
  plan::Plan& plan = worker_.plan();
  plan::plan_exec(worker_.planner(), *transaction_, context(), connection.out(), plan);
  connection.submit();
  if (plan.refusal != plan::Refusal::kNone) {
    if (plan.refusal == plan::Refusal::kUnmatched) count_refused();
    end_transaction();
    answer_error(errors::kExecAborted);
    return true;
  }
  if (static_cast<const plan::ExecMapper&>(*plan.mapper).selects()) connection.forget_database();
  transaction_.reset();
  const Generation& generation = *worker_.generation();
  for (const plan::PlannedKey& key : plan.keys) count_key(generation, key, {});
  expect(row, request, plan, worker_.loop().now_ns());
  if (holds(Hold::kWatch)) release(Hold::kWatch);
  return true;
}

// ---- commands that turn a connection into something else

bool Session::tracking_command(const command::Row& row, const resp::Request&) {
  answer_error(errors::needs_lease(row.name));
  return true;
}

bool Session::feed_command(const command::Row& row, const resp::Request&) {
  answer_error(errors::needs_lease(row.name));
  return true;
}

bool Session::tunnel_command(const command::Row& row, const resp::Request&) {
  answer_error(errors::never_possible(row.name));
  return true;
}

void Session::on_push(std::string_view) {}

// What the proxy answers itself is answered now; the answers take their places in EXEC's reply.
void Session::answer_queued(plan::Transaction& transaction) {
  Buffer reply;
  for (size_t i = 0; i < transaction.size(); ++i) {
    const command::Row& row = transaction.row(i);
    if (row.scope != Scope::kLocal || row.name == "select") continue;
    reply.clear();
    LocalCommands::run(row, transaction.request(i), *this, reply);
    transaction.set_answer(i, reply.view());
  }
}

}  // namespace keyshift::proxy
