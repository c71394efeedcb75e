// Session: what a client subscribes to. Its Subscriber knows; here is the command's place among the session's others.
//
// A command about subscriptions, and the PING of a RESP2 client that is subscribed, are taken when every reply before them
// has come, and nothing behind them before they are answered: so a client's own PUBLISH in front of its SUBSCRIBE does
// not reach it, and the one behind it does.
#include "keyshift/proxy/errors.h"
#include "keyshift/proxy/session.h"
#include "keyshift/proxy/worker.h"

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
  if (!subscriber_) subscriber_ = std::make_unique<Subscriber>(*this);
  subscriber_->run(ends ? Verb::kUnsubscribe : Verb::kSubscribe, kind, request, silent_);
  return true;
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
