// Session: what a client subscribes to. Its Subscriber knows; here is the command's place among the session's others.
//
// A command about subscriptions, and the PING of a RESP2 client that is subscribed, are taken when every reply before them
// has come, and nothing behind them before they are answered: so a client's own PUBLISH in front of its SUBSCRIBE does
// not reach it, and the one behind it does.
#include "keyshift/proxy/errors.h"
#include "keyshift/proxy/session.h"
#include "keyshift/proxy/worker.h"
#include "session_transactions.h"

namespace keyshift::proxy {

bool Session::subscription_command(const command::Row& row, const resp::Request& request) {
  if (!pending_.empty()) return false;
  worker_.counters().commands[static_cast<size_t>(row.family)].add();
  using Verb = Subscriptions::Verb;
  if (row.name == "ping") {
    if (request.size() > 2) {
      answer_error(errors::wrong_arity(row.name));
    } else {
      subscriber_->run(Verb::kPing, {}, request, silent_);
    }
    return true;
  }
  const auto kind = row.name.starts_with('p')                              ? SubscriptionKind::kPattern
                    : row.name.starts_with("s") && row.name != "subscribe" ? SubscriptionKind::kShard
                                                                           : SubscriptionKind::kChannel;
  const bool ends = row.name.find("unsubscribe") != std::string_view::npos;
  // What it is subscribed to already, a client keeps as the user who it was.
  if (!subscriber_ || (!subscriber_->any() && !subscriber_->is_of(user_.get())))
    subscriber_ = std::make_unique<Subscriber>(*this);
  subscriber_->run(ends ? Verb::kUnsubscribe : Verb::kSubscribe, kind, request, silent_);
  return true;
}

// What a client that is subscribed may not do, or does in another way. Null: the command goes the way of all others; else
// as dispatch().
std::optional<bool> Session::dispatch_subscribed(const command::Row& row, const resp::Request& request) {
  if (protocol_ == resp::Protocol::kResp3) {
    if (hold_back(row) && !pending_.empty()) return false;
    return std::nullopt;
  }
  if (row.name == "ping") return subscription_command(row, request);
  if (row.scope == command::Scope::kSubscribes || row.name == "quit" || row.name == "reset")
    return std::nullopt;
  reject(row, errors::only_subscriber(row.name));
  return true;
}

// Redis gives a client the messages that it brings upon itself before the reply to what brought them, and RESP3 clients are
// subscribed and publish on one connection. Ours come on another one than the reply: that is held back until a PING has
// followed them. It is sent when every reply before it has come, and nothing behind it is taken meanwhile.
bool Session::hold_back(const command::Row& row) const {
  // What is queued is brought by EXEC.
  if (!is_subscribed() || (transactions_->is_open() && row.reply != command::Reply::kExec)) return false;
  const bool publishes =
      row.reply == command::Reply::kReceivers || row.reply == command::Reply::kExec || row.runs_script();
  return publishes || (row.writes() && subscriber_->hears_of_keys());
}

void Session::end_hold() {
  holding_ = false;
  if (buried_) return;
  stream_->out().append(held_.view());
  held_.clear();
  stream_->mark_dirty();
  check_output();
}

void Session::answer_unless(bool silent, std::string_view reply) {
  if (buried_) return;
  silent_ = silent;
  answer(reply);
}

void Session::answer_error_unless(bool silent, std::string_view text) {
  if (buried_) return;
  silent_ = silent;
  answer_error(text);
}

void Session::on_subscription_done() {
  if (buried_) return;
  if (stalled_ && !must_wait()) resume();
  end_if_done();
}

}  // namespace keyshift::proxy
