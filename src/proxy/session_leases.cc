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
// that was in vain.
bool Session::take_lease() {
  if (lease_ != nullptr) return true;
  if (!pending_.empty()) return false;
  upstream::Pool& pool = worker_.pool();
  lease_ = pool.lease(protocol_);
  if (lease_ != nullptr || (lease_asked_ns_ != 0 && pool.waited_too_long(lease_asked_ns_))) {
    lease_asked_ns_ = 0;
    return true;
  }
  if (lease_asked_ns_ == 0) lease_asked_ns_ = worker_.loop().now_ns();
  pool.wait_for_lease(this, lease_asked_ns_);
  waits_for_lease_ = true;
  return false;
}

// Requires: nothing is left on it that its next user would meet.
void Session::end_lease() {
  set_blocked(false);
  watching_ = ending_lease_ = false;
  lease_->abandon(this);
  worker_.pool().give_back(std::exchange(lease_, nullptr));
}

bool Session::forward_blocking(const command::Row& row, const resp::Request& request) {
  if (!take_lease()) return false;
  if (lease_ == nullptr) {
    answer_error(errors::no_lease(row.name));
    return true;
  }
  const size_t before = pending_.size();
  if (!send(*lease_, row, request, upstream::Connection::kNoDeadline)) return false;
  const bool is_sent = pending_.size() > before && pending_.back().row != nullptr;
  set_blocked(is_sent);
  if (is_sent) {
    ending_lease_ = !watching_;
  } else if (!watching_) {
    end_lease();
  }
  return true;
}

void Session::set_blocked(bool blocked) {
  if (blocked_ == blocked) return;
  blocked_ = blocked;
  entry_->blocked.store(blocked, std::memory_order_relaxed);
}

void Session::unblock(bool error) {
  if (!blocked_ || !lease_->usable()) return;
  if (lease_->server_id() == 0) {
    worker_.unblock_later(entry_->id, error);  // its connection is still being made
    return;
  }
  upstream::Connection& other = *worker_.pool().shared(protocol_);
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
  if (!take_lease()) return false;
  if (lease_ == nullptr) {
    answer_error(errors::no_lease(row.name));
    return true;
  }
  if (!watching_ && lease_->usable()) {
    lease_life_ = lease_->life();
    watching_ = true;
  }
  if (!watching_) {
    answer_error(errors::upstream_down(lease_->failure()));
    end_lease();
    return true;
  }
  return send(*lease_, row, request, worker_.loop().now_ns());
}

// Forgets what was queued, and what is watched.
void Session::end_transaction() {
  transaction_.reset();
  watch_broken_ = false;
  if (!watching_) return;
  if (lease_->usable() && lease_->life() == lease_life_) {
    resp::append_array(lease_->out(), 1);
    resp::append_bulk(lease_->out(), "UNWATCH");
    lease_->expect({.started_ns = worker_.loop().now_ns()});
    lease_->submit();
  }
  if (pending_.empty()) {
    end_lease();
  } else {
    ending_lease_ = true;
  }
}

// Puts a command behind those that wait for EXEC.
void Session::queue(const command::Row& row, const resp::Request& request) {
  if (row.scope == Scope::kLease) {
    refuse(errors::needs_lease(row.name));
  } else if (row.scope == Scope::kNever || row.name == "hello" || row.name == "keyshift|reload") {
    refuse(errors::never_possible(row.name));
  } else if (row.scope == Scope::kRefused && !is_allowed(row)) {
    refuse(errors::refused_command(row.name));
  } else if (transaction_->bytes() + request.block().size() > worker_.options().limits.max_request_bytes) {
    refuse(errors::kLargeTransaction);
  } else {
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
  if (watch_broken_ || (watching_ && lease_->life() != lease_life_)) {
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
    answer_error(errors::upstream_down(connection.failure()));
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
  ending_lease_ = lease_ != nullptr;
  return true;
}

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
