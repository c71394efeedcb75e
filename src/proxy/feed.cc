#include "keyshift/proxy/feed.h"

#include <string>

#include "keyshift/base/log.h"
#include "keyshift/proxy/errors.h"
#include "keyshift/proxy/session.h"
#include "keyshift/proxy/worker.h"
#include "keyshift/resp/writer.h"

namespace keyshift::proxy {

Feed::Feed(Session& session, upstream::Connection* connection)
    : session_(session), user_(session.user()), pool_(session.pool()), connection_(connection) {
  resp::append_array(connection_->out(), 1);
  resp::append_bulk(connection_->out(), "MONITOR");
  connection_->listen(this);
  connection_->expect({.waiter = this,
                       .started_ns = session_.worker().loop().now_ns(),
                       .delivery = upstream::Delivery::kWhole});
  connection_->submit();
}

Feed::~Feed() {
  connection_->abandon(this);
  pool_.give_up(connection_);
}

// The session may end the feed when it hears of it.
void Feed::on_reply(std::string_view bytes, const resp::ReplyScanner*, uint64_t) {
  starting_ = false;
  session_.on_feed(bytes);
}

void Feed::on_lost(upstream::Loss loss, std::string_view reason) {
  starting_ = false;
  Buffer reply;
  resp::append_error(reply, errors::upstream_lost(loss, reason));
  session_.on_feed(reply.view());
}

void Feed::on_push(std::string_view line) {
  shown_.clear();
  mapper_.map(line, session_.context(), session_.worker().table(), shown_);
  if (!shown_.empty()) session_.push(shown_.view());
}

void Feed::on_disconnected(std::string_view reason) {
  if (starting_) return;
  log::warn("client {}: closed, it monitors an upstream that is lost: {}", session_.entry().address, reason);
  session_.worker().counters().clients_dropped.add();
  session_.kill();
}

}  // namespace keyshift::proxy
