#include "keyshift/proxy/keyspace_walk.h"

#include <utility>

#include "keyshift/proxy/errors.h"
#include "keyshift/resp/reply_cursor.h"
#include "keyshift/resp/writer.h"

namespace keyshift::proxy {

KeyspaceWalk::KeyspaceWalk(net::Loop* loop, upstream::Connection* connection, int database, std::string glob,
                           KeyspaceVisitor* visitor)
    : loop_(loop), connection_(connection), database_(database), glob_(std::move(glob)), visitor_(visitor) {}

KeyspaceWalk::~KeyspaceWalk() {
  connection_->abandon(this);
}

void KeyspaceWalk::start(uint64_t cursor) {
  goes_round_ = cursor != 0;
  ask(std::to_string(cursor));
}

void KeyspaceWalk::expect() {
  connection_->expect(
      {.waiter = this, .started_ns = loop_->now_ns(), .delivery = upstream::Delivery::kWhole});
}

void KeyspaceWalk::ask(std::string_view cursor) {
  if (!connection_->usable()) return end(errors::upstream_down(connection_->failure()));
  connection_->begin(database_);
  Buffer& out = connection_->out();
  const bool all = glob_ == "*";
  resp::append_array(out, all ? 4 : 6);
  resp::append_bulk(out, "SCAN");
  resp::append_bulk(out, cursor);
  if (!all) {
    resp::append_bulk(out, "MATCH");
    resp::append_bulk(out, glob_);
  }
  resp::append_bulk(out, "COUNT");
  resp::append_bulk_integer(out, kPage);
  expect();
  connection_->submit();
}

void KeyspaceWalk::on_reply(std::string_view bytes, const resp::ReplyScanner*, uint64_t) {
  const bool is_error = bytes.starts_with('-');
  if (writes_owed_ > 0) {
    if (is_error && error_.empty()) error_ = bytes.substr(1, bytes.size() - 3);
    if (--writes_owed_ > 0) return;
  } else if (is_error) {
    return end(bytes.substr(1, bytes.size() - 3));
  } else {
    read_page(bytes);
    if (writes_owed_ > 0) return;
  }
  if (!error_.empty()) return end(std::exchange(error_, {}));
  if (!wanted_) return end({});
  if (next_ != "0") return ask(next_);
  if (std::exchange(goes_round_, false)) return ask("0");
  end({});
}

void KeyspaceWalk::read_page(std::string_view reply) {
  resp::ReplyCursor cursor(reply);
  cursor.next();  // the pair
  next_ = cursor.next().text;
  cursor.next();  // the array of keys
  std::vector<std::string_view> keys;
  while (!cursor.done()) keys.push_back(cursor.next().text);
  if (keys.empty()) return;
  connection_->begin(database_);
  writes_owed_ = visitor_->visit(keys, *connection_, wanted_);
  for (size_t i = 0; i < writes_owed_; ++i) expect();
  connection_->submit();
}

// Each request that is owed is lost by itself.
void KeyspaceWalk::on_lost(upstream::Loss loss, std::string_view reason) {
  if (error_.empty()) error_ = errors::upstream_lost(loss, reason);
  if (writes_owed_ > 0 && --writes_owed_ > 0) return;
  end(std::exchange(error_, {}));
}

void KeyspaceWalk::end(std::string_view error) {
  const std::string text(error);
  visitor_->finished(text);
}

}  // namespace keyshift::proxy
