// Session: commands that need a connection beside the session's own: MONITOR, whose feed goes on between the replies, and
// what replicas say, which makes a tunnel of the whole session.
#include <utility>

#include "keyshift/proxy/errors.h"
#include "keyshift/proxy/feed.h"
#include "keyshift/proxy/session.h"
#include "keyshift/proxy/tunnel.h"
#include "keyshift/proxy/worker.h"
#include "keyshift/resp/writer.h"

namespace keyshift::proxy {

// A connection for something of its own. Nothing yet: the request must be tried again later. Null: it was answered, none
// can be had.
std::optional<upstream::Connection*> Session::lease_aside(const command::Row& row) {
  if (!pending_.empty()) return std::nullopt;
  const std::optional<upstream::Connection*> found = ask_lease(resp::Protocol::kResp2);
  if (!found) return std::nullopt;
  upstream::Connection* const connection = *found;
  if (connection == nullptr) {
    answer_error(errors::no_lease(row.name));
  } else if (!connection->usable()) {
    answer_unreachable(*connection);
    pool().give_back(connection);
    return nullptr;
  }
  return connection;
}

// ---- MONITOR

bool Session::feed_command(const command::Row& row, const resp::Request&) {
  if (feed_) return true;  // as Redis: not even an answer
  const auto connection = lease_aside(row);
  if (!connection) return false;
  if (*connection == nullptr) return true;
  worker_.counters().commands[static_cast<size_t>(row.family)].add();
  is_turning_ = true;
  feed_ = std::make_unique<Feed>(*this, *connection);
  return true;
}

void Session::on_feed(std::string_view reply) {
  if (buried_) return;
  is_turning_ = false;
  if (reply.starts_with('-')) {
    feed_.reset();
  } else {
    entry_->set(ClientFlag::kMonitors, true);
  }
  answer(reply);
  if (stalled_ && !must_wait()) resume();
  end_if_done();
}

void Session::end_feed() {
  if (!feed_) return;
  feed_.reset();
  entry_->set(ClientFlag::kMonitors, false);
}

bool Session::looks_at_keys(const command::Row& row) {
  if (row.scope == command::Scope::kLocal || row.scope == command::Scope::kSubscribes) return false;
  return row.writes() || row.name_count > 0 || row.reply == command::Reply::kKey;
}

// ---- SYNC, PSYNC, REPLCONF

bool Session::tunnel_command(const command::Row& row, const resp::Request& request) {
  if (!is_allowed(row, request)) {
    answer_error(errors::refused_command(row.name));
    return true;
  }
  if (feed_) return true;  // as Redis
  const auto connection = lease_aside(row);
  if (!connection) return false;
  if (*connection == nullptr) return true;
  worker_.counters().commands[static_cast<size_t>(row.family)].add();
  if (lease_ != nullptr) drop_lease("its client is a replica now");
  tunnel_ = std::make_unique<Tunnel>(*this, *connection, request.block());
  is_turning_ = true;
  entry_->set(ClientFlag::kReplicates, true);
  return true;
}

// The upstream's stream is the client's from now on, or there is none: `error` says why.
void Session::on_tunnel(std::string_view error) {
  if (buried_) return;
  if (!error.empty()) {
    tunnel_.reset();
    is_turning_ = false;
    entry_->set(ClientFlag::kReplicates, false);
    answer_error(error);
    if (stalled_ && !must_wait()) resume();
    end_if_done();
    return;
  }
  stalled_ = false;
  const bool room = in_.empty() || tunnel_->send(in_.view());
  in_.release();
  if (room) stream_->resume_reading();
}

void Session::enter_tunnel(std::string_view bytes) {
  if (!tunnel_->send(bytes)) stream_->pause_reading();
  note_traffic();
}

void Session::on_tunnel_room() {
  if (!buried_) stream_->resume_reading();
}

// Bytes of the upstream, for the client. False: no more for now, the client does not read them.
bool Session::relay_tunnel(std::string_view bytes) {
  if (buried_) return true;
  stream_->out().append(bytes);
  stream_->mark_dirty();
  note_traffic();
  return stream_->unsent_bytes() <= worker_.settings().client_output_soft_bytes;
}

// The client has ended. As Redis: nobody is there for the rest of what the upstream says.
void Session::end_tunnel() {
  tunnel_->finish();
  kill();
}

// The upstream has ended: the client gets the rest, then the end.
void Session::finish_tunnel() {
  if (buried_) return;
  leave_when_sent();
}

}  // namespace keyshift::proxy
