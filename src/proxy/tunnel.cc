#include "keyshift/proxy/tunnel.h"

#include <utility>

#include "keyshift/proxy/errors.h"
#include "keyshift/proxy/session.h"
#include "keyshift/proxy/worker.h"
#include "keyshift/resp/own_words.h"
#include "keyshift/resp/writer.h"

namespace keyshift::proxy {

// The answer to the PING, whatever it is, is the last that the connection owes.
Tunnel::Tunnel(Session& session, upstream::Connection* connection, std::string_view first)
    : session_(session),
      user_(session.user()),
      pool_(session.pool()),
      connection_(connection),
      first_(first) {
  resp::append_array(connection_->out(), 1);
  resp::append_bulk(connection_->out(), resp::own::kPing);
  connection_->expect({.waiter = this,
                       .started_ns = session_.worker().loop().now_ns(),
                       .delivery = upstream::Delivery::kWhole});
  connection_->submit();
}

Tunnel::~Tunnel() {
  connection_->abandon(this);
  pool_.give_up(connection_);
}

void Tunnel::on_reply(std::string_view, const resp::ReplyScanner*, uint64_t) {
  stream_ = connection_->hand_over();
  stream_->start(this);
  send(std::exchange(first_, {}));
  session_.on_tunnel({});
}

void Tunnel::on_lost(upstream::Loss loss, std::string_view reason) {
  session_.on_tunnel(errors::upstream_lost(loss, reason));
}

bool Tunnel::send(std::string_view bytes) {
  stream_->out().append(bytes);
  stream_->mark_dirty();
  session_.worker().counters().upstream_sent_bytes.add(bytes.size());
  client_waits_ = stream_->unsent_bytes() > session_.worker().options().pool.connection.buffer_mark_bytes;
  return !client_waits_;
}

void Tunnel::on_drained() {
  if (std::exchange(client_waits_, false)) session_.on_tunnel_room();
}

void Tunnel::on_bytes(std::string_view bytes) {
  session_.worker().counters().upstream_received_bytes.add(bytes.size());
  if (!session_.relay_tunnel(bytes)) stream_->pause_reading();
}

void Tunnel::on_client_room() {
  if (stream_ != nullptr) stream_->resume_reading();
}

void Tunnel::on_end(std::string_view) {
  session_.finish_tunnel();
}

void Tunnel::finish() {
  if (stream_ != nullptr) net::Stream::close_when_sent(std::move(stream_));
}

}  // namespace keyshift::proxy
