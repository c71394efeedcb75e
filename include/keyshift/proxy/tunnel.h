// Tunnel: a client that speaks another protocol with the upstream from now on (SYNC, PSYNC, REPLCONF): its bytes and the
// upstream's pass unread.
//
//   client  REPLCONF listening-port 6381 | REPLCONF capa eof | PSYNC ? -1          the first of them makes the tunnel
//   upstream              +OK            |        +OK        | +FULLRESYNC ...  $<n> <n bytes>  *2 $6 SELECT $1 0 ...
//
// What a replica gets so is the upstream's own: physical names, as offsets and checksums are the upstream's. It follows the
// upstream itself, through Keyshift.
//
// It begins when the upstream has answered all that its connection was asked before: then the connection's stream is the
// tunnel's, and what the client has sent meanwhile follows. Whoever of both sides is slow is waited for: its unread bytes
// are bounded by limits.client_output_soft and limits.upstream_buffer. When one side ends, the other gets what is left, and
// ends too.
//
// Owned by its session, on its thread. Its lease is used by nobody else afterwards.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "keyshift/net/stream.h"
#include "keyshift/upstream/connection.h"
#include "keyshift/upstream/users.h"

namespace keyshift::proxy {

class Session;

class Tunnel final : private upstream::Waiter, private net::StreamHandler {
 public:
  // Asks for the stream; Session::on_tunnel() hears of it. `first` is the request that began it. Requires: a usable
  // connection, from Pool::lease().
  Tunnel(Session& session, upstream::Connection* connection, std::string_view first);
  ~Tunnel() override;

  bool is_open() const { return stream_ != nullptr; }
  // Bytes of the client, for the upstream. Requires: is_open(). False: no more may be read from it for now;
  // Session::on_tunnel_room() comes.
  bool send(std::string_view bytes);
  // The client takes bytes again.
  void on_client_room();
  // The client has ended: what it sent still arrives.
  void finish();

 private:
  void on_reply(std::string_view bytes, const resp::ReplyScanner* finished, uint64_t started_ns) override;
  void on_lost(upstream::Loss loss, std::string_view reason) override;
  void on_room() override {}
  void on_bytes(std::string_view bytes) override;
  void on_end(std::string_view reason) override;
  void on_drained() override;

  Session& session_;
  const std::shared_ptr<upstream::User> user_;  // keeps the pool alive
  upstream::Pool& pool_;
  upstream::Connection* connection_;     // whose stream it is; without one since
  std::unique_ptr<net::Stream> stream_;  // to the upstream
  std::string first_;
  bool client_waits_ = false;
};

}  // namespace keyshift::proxy
