// Session: who its client is.
//
//   AUTH app secret    with auth = "own"        judged here; the pool is the worker's, or that of the upstream's user whom
//                                               the configuration names for app
//                      with auth = "upstream"   judged by the upstream (upstream/users.h); the pool is that of its user
//
// What the upstream is asked delays the request that needs it: that is tried again, and finds the answer. Nothing behind
// it is taken before.
//
// A user of the upstream's may do here what its ACLs allow there, also where the answer is ours. So before CLIENT KILL and
// the few others that concern more than the session itself, the upstream is sent the same command in a form that changes
// nothing and that it refuses in any case: with NOPERM, if the user may not.
#include <string>
#include <utility>

#include "keyshift/proxy/errors.h"
#include "keyshift/proxy/session.h"
#include "keyshift/proxy/worker.h"
#include "local_commands.h"
#include "session_transactions.h"

namespace keyshift::proxy {

upstream::Pool& Session::pool() const {
  return user_ ? user_->pool() : worker_.pool();
}

bool Session::begins_authenticated() const {
  const bool has_credentials = !worker_.options().pool.connection.password.empty();
  if (listener().needs_login(has_credentials)) return false;
  return !listener().asks_upstream || !worker_.pool().shared(resp::Protocol::kResp2)->needs_login();
}

// Whether the settings in force would still let the client be who it is.
bool Session::is_user_still() const {
  if (user_name_ == "default" && !by_upstream_) return true;
  if (by_upstream_ != listener().asks_upstream) return false;
  return by_upstream_ || listener().users.contains(user_name_);
}

bool Session::become(std::string_view name, std::shared_ptr<upstream::User> user) {
  if (user != user_) {
    if (!pending_.empty()) return false;
    leave_connections("its client is somebody else now");
    user_ = std::move(user);
    if (tracking_) carry_tracking();
  }
  by_upstream_ = listener().asks_upstream;
  if (user_name_ != name) {
    user_name_ = name;
    worker_.clients().set_user(*entry_, name);
  }
  set_authenticated(true);
  return true;
}

// Requires: no reply is owed.
void Session::leave_connections(std::string_view reason) {
  if (connection_ != nullptr) connection_->abandon(this);
  connection_ = nullptr;
  leave_detour();
  if (lease_ == nullptr) return;
  transactions_->break_watch();
  drop_lease(reason);
}

std::optional<upstream::Login> Session::ask_login(const upstream::Credentials& said,
                                                  resp::Protocol protocol) {
  if (inquiry_ && inquiry_->answered) return std::exchange(inquiry_, nullptr)->login;
  if (!pending_.empty()) return std::nullopt;
  inquiry_ = std::make_unique<Inquiry>();
  worker_.users().log_in(said, protocol, this);
  return std::nullopt;
}

void Session::on_login(upstream::Login login) {
  inquiry_->login = std::move(login);
  inquiry_->answered = true;
  resume();
}

// Whether the upstream lets the client do what the proxy does itself. Nothing yet: try again.
std::optional<bool> Session::is_permitted(const command::Row& row) {
  const auto probe = LocalCommands::probe(row);
  if (probe.empty()) return true;
  if (inquiry_ && !inquiry_->ended.empty()) return true;  // it was, and has been asked something else since
  if (inquiry_ && inquiry_->answered) {
    const std::string denial = std::exchange(inquiry_, nullptr)->denial;
    if (!denial.empty()) refuse(denial);
    return denial.empty();
  }
  if (!pending_.empty()) return std::nullopt;
  inquiry_ = std::make_unique<Inquiry>();
  // What is asked in a transaction would be queued with it.
  upstream::Connection& connection = transactions_->is_open() ? *pool().shared(protocol_) : target();
  const bool asked = inquiry_->question.ask(
      connection, probe, worker_.loop().now_ns(), [this](const upstream::Question::Answer& answer) {
        if (answer.reply.empty()) {
          inquiry_->denial = errors::upstream_lost(answer.loss, answer.reason);
        } else if (answer.reply.starts_with("-NOPERM") || answer.reply.starts_with("-NOAUTH")) {
          inquiry_->denial = answer.reply.substr(1, answer.reply.find('\r') - 1);
        }
        inquiry_->answered = true;
        resume();
      });
  if (asked) return std::nullopt;
  inquiry_.reset();
  answer_unreachable(connection);
  return false;
}

// Answers what cannot be sent since the connection is down.
void Session::answer_unreachable(const upstream::Connection& connection) {
  if (!by_upstream_ && listener().asks_upstream && connection.needs_login()) {
    set_authenticated(false);
    answer_error(errors::kNoAuth);
    return;
  }
  answer_error(errors::upstream_down(connection.failure()));
}

}  // namespace keyshift::proxy
