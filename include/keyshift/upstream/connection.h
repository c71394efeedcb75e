// Connection: one connection to the upstream, shared by many sessions, and the FIFO of the replies it still owes.
//
// It sits between planner and sessions: a session has its plan written straight into out(), says with expect() who
// gets each reply, and the replies come back in that order. A reply is handed on piece by piece as it arrives
// (kStream), collected first (kWhole), or dropped (kDrop: an injected SELECT or EXPIRE).
//
//   connection.begin(3);                              *2..SELECT..3..   if it was in another database
//   planner.write(connection.out());                  *3..SET..analytics:..x
//   connection.expect({.waiter = &session, .delivery = Delivery::kStream, .started_ns = now});
//   connection.submit();                              leaves at the end of this turn, with everybody else's
//
// Life: idle -> connecting -> ready -> down -> connecting ... A request that comes while connecting waits in out() for
// at most `queue_timeout_ms`; one that comes while down is refused by the session, with failure(). Losing the
// connection fails all that it owed, once each. Reconnects follow one another, never overlap, with jitter.
//
// A request past its deadline is answered by on_lost(); its expectation stays as a tombstone that swallows the late
// reply. If that has not come after as long again, the connection is given up. A frame that nobody expects closes it at
// once: never a wrong reply to a wrong client.
//
// What the upstream says unasked goes to whoever listen()s: RESP3's pushes at any time, and while no reply is owed every
// other frame too (the lines of MONITOR). With no listener, a push belongs to whose reply is due next: the only ones that
// come then are part of what a command does (DEBUG PROTOCOL PUSH).
//
// Belongs to one loop's thread. Waiters are borrowed: whoever dies calls abandon() first.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "keyshift/base/address.h"
#include "keyshift/base/buffer.h"
#include "keyshift/base/check.h"
#include "keyshift/base/ring.h"
#include "keyshift/net/loop.h"
#include "keyshift/net/stream.h"
#include "keyshift/net/timer.h"
#include "keyshift/resp/protocol.h"
#include "keyshift/resp/reply_scanner.h"
#include "keyshift/telemetry/loop_stats.h"

namespace keyshift::upstream {

// What a connection needs to know of the configuration.
struct ConnectionOptions {
  Address address;
  std::string username;  // empty: AUTH with the password alone
  std::string password;  // empty: no AUTH, unless logs_in
  bool logs_in = false;  // AUTH is sent whatever the password: a client has said it
  std::function<void()>
      refused;       // called when the upstream refuses the login, not from within a call of ours
  int database = 0;  // selected at login
  resp::Protocol protocol = resp::Protocol::kResp2;
  int64_t connect_timeout_ms = 2'000;
  int64_t queue_timeout_ms = 1'000;
  int64_t reply_timeout_ms = 30'000;  // 0: none
  int64_t reconnect_min_ms = 50;
  int64_t reconnect_max_ms = 2'000;
  size_t buffer_mark_bytes = 1 << 20;        // above it congested() holds
  size_t collected_limit_bytes = 256 << 20;  // of a reply with Delivery::kWhole
};

enum class Delivery : uint8_t { kStream, kWhole, kDrop };

// Why a reply will not come.
enum class Loss : uint8_t {
  kDisconnected,  // in flight when the connection broke: the command may have been executed
  kNotSent,       // still waiting for the connection: surely not executed
  kTimeout,       // no reply within the deadline: the command may have been executed
  kTooLarge,  // more of a reply with Delivery::kWhole has come than is collected: the command was executed
};

class Waiter;

// What the connection itself makes of a reply.
enum class Own : uint8_t {
  kNone,
  kSelect,    // what follows is in its database only if it was granted
  kRequired,  // what follows cannot do without it: an error ends the connection
  kId,        // the number that the server gives us
};

struct Expectation {
  Waiter* waiter = nullptr;  // null: a tombstone, or nobody is interested
  uint64_t started_ns = 0;
  Delivery delivery = Delivery::kDrop;
  Own own = Own::kNone;
};

class Waiter {
 public:
  virtual ~Waiter() = default;
  // A piece of the reply at the head of what this waiter expects (the whole of it with Delivery::kWhole). `finished`
  // is the scanner's word on the reply once it is complete, else null. `bytes` end with the call.
  virtual void on_reply(std::string_view bytes, const resp::ReplyScanner* finished, uint64_t started_ns) = 0;
  // The reply at the head will not come, or not go on.
  virtual void on_lost(Loss loss, std::string_view reason) = 0;
  // A whole frame that is no reply, for who listens. `frame` ends with the call.
  virtual void on_push(std::string_view frame) { (void)frame; }
  // For who listens: the connection is ready, again after a loss; or it is lost, or could not be made.
  virtual void on_connected() {}
  virtual void on_disconnected(std::string_view reason) { (void)reason; }
  // The connection takes requests again after wait_for_room(), or Pool::lease() is worth another try.
  virtual void on_room() = 0;
};

class Connection final : private net::StreamHandler {
 public:
  enum class State : uint8_t { kIdle, kConnecting, kReady, kDown };

  Connection(net::Loop* loop, ConnectionOptions options, telemetry::LoopStats* stats);
  // Requires: no waiter is left (abandon() was called for each).
  ~Connection() override;

  // Connects, unless that is under way or done. Called by the first use.
  void open();
  State state() const { return state_; }
  // Requests can be written: the connection is there, or will be within the queue's deadline.
  bool usable() const { return state_ == State::kReady || state_ == State::kConnecting; }
  // Why the last attempt or connection failed. For the error that a client gets while !usable().
  const std::string& failure() const { return failure_; }
  // What the upstream said to the login of the last attempt, "WRONGPASS invalid ...", if it was refused; else empty.
  const std::string& refusal() const { return refusal_; }
  // The upstream answers nobody who has not logged in, and we have nothing to log in with.
  bool needs_login() const { return needs_login_; }
  // What the next attempt logs in with. Requires: the same user.
  void set_password(std::string_view password);
  // The attempt under way logs in with this very request, AUTH or HELLO as a client has said it, in the connection's
  // protocol: so MONITOR shows it, and the upstream judges just that. Requires: kConnecting, and not connected yet.
  void log_in_by(std::string_view request) { login_request_ = request; }

  // Where requests are written. Requires: usable().
  Buffer& out() {
    KEYSHIFT_CHECK(usable(), "written to a connection that is down");
    return state_ == State::kReady ? stream_->out() : queued_;
  }
  // What is written next is executed in `database`, and no SELECT is under way that could still be refused.
  bool is_surely_in(int database) const { return database_ == database && selects_owed_ == 0; }
  // Puts a SELECT before what is written next if the connection's tail is in another database. Requires: the upstream
  // has such a database and lets us use it, or what follows would be executed in another: see select(). While the
  // upstream refuses everything (BUSY), SELECT too, the next begin() selects again.
  void begin(int database);
  // The same for what must not run in another database (WATCH): if the upstream refuses the SELECT, the connection ends.
  void require(int database);
  // Writes a SELECT whose reply `waiter` gets. If it is refused, nobody is harmed: whoever comes next and is not in
  // `database` is preceded by a SELECT of his own.
  void select(int database, Waiter* waiter);
  // The server calls the connection `name` from the next request on: SLOWLOG and CLIENT LIST then say whose request it is.
  // Empty: our own name.
  void call(std::string_view name);
  // The next request written will be answered to this. One call per request, in the order of writing.
  void expect(const Expectation& expectation);
  // The last request's reply is due from now on: one that is written over many turns is expected with kNoDeadline.
  static constexpr uint64_t kNoDeadline = UINT64_MAX;
  void start_deadline(uint64_t now_ns);
  // What was written leaves at the end of this turn.
  void submit() {
    if (state_ == State::kReady) stream_->mark_dirty();
  }
  // More waits to be sent than buffer_mark_bytes: whoever can wait should.
  bool congested() const;
  // on_room() is called once, when what waits has been sent or the connection is lost.
  void wait_for_room(Waiter* waiter) { waiting_for_room_.push_back(waiter); }
  // `waiter` gets on_push() for what is no reply, and hears of the connection's ups and downs, until abandon(); null:
  // nobody does.
  void listen(Waiter* waiter) { listener_ = waiter; }
  // Forgets a waiter: its replies are swallowed, no call comes any more. Cost: the length of the FIFO.
  void abandon(Waiter* waiter);

  // Drops the connection, in the middle of a request that will not be finished. What it owed is lost. It is no failure of
  // the upstream's, and not counted as one. Does nothing if the connection is not usable.
  void abort(std::string_view reason);
  // The upstream hears that nothing follows what was written. It answers that, or, where a command waits, gives that up, and
  // ends the connection; that is no failure. Requires: usable(), and nothing is written from now on.
  void finish_sending();
  // Gives its stream away, to be started by another handler; the connection is then idle, and nobody is told. Requires:
  // ready, nothing owed; from on_reply(), or a turn of its own.
  std::unique_ptr<net::Stream> hand_over();
  // The same for good: no other connection is made.
  void end(std::string_view reason);

  resp::Protocol protocol() const { return options_.protocol; }
  // Speaks `protocol` from the next request on; what the server knows of the connection stays. Replies to earlier requests
  // are in the protocol of their time: whoever listens must have waited for those that he minds.
  void speak(resp::Protocol protocol);
  // What the server calls this connection in CLIENT LIST; 0 before it is ready.
  int64_t server_id() const { return server_id_; }
  // Changes whenever the connection is lost or given up: what the server knew of it (WATCH) is then gone.
  uint64_t life() const { return lives_; }
  // Whether the next request written would be executed in this database, without a SELECT before it.
  bool is_in(int database) const { return database_ == database; }
  // What was written has changed the database on its own account: the next begin() says it anew.
  void forget_database() { database_ = -1; }
  // Replies still owed, tombstones included.
  size_t owed() const { return expected_.size(); }
  // Those of them that come too late for whoever asked.
  size_t overdue() const { return timed_out_; }
  // What is owed has not moved for kStuckNs: a script runs, or a write is postponed. What is written now waits behind it.
  static constexpr uint64_t kStuckNs = 50'000'000;
  bool is_stuck(uint64_t now_ns) const {
    return !expected_.empty() && state_ == State::kReady && now_ns > progress_ns_ + kStuckNs &&
           expected_.front().started_ns < now_ns - kStuckNs;
  }
  // Checks deadlines; the pool calls it a few times a second.
  void check_deadlines(uint64_t now_ns);
  // Tells the server our name, and asks for its number, if it refused to hear that at first. Requires: nobody is in the
  // middle of a transaction on it, and counts its replies by himself.
  void check_introduction(uint64_t now_ns);

 private:
  static constexpr int kUnknownDatabase = -1;

  void on_bytes(std::string_view bytes) override;
  void on_end(std::string_view reason) override;
  void on_drained() override;

  void connected(Result<std::unique_ptr<net::Stream>> stream);
  void handshake();
  void introduce();
  void introduced(std::string_view reply);
  bool on_handshake_reply(std::string_view reply);
  void refuse_login(std::string_view error);
  void become_ready();
  void select_first();
  bool on_own_reply(Own what, std::string_view reply);
  void refuse_large_reply();
  bool deliver(std::string_view& bytes);
  bool deliver_push(std::string_view& bytes);
  void selected(bool granted);
  void go_down(std::string_view reason);
  void close(Loss loss);
  void fail_all(Loss loss, std::string_view reason);
  void call_waiting_for_room();
  void count_traffic();
  uint64_t next_pause_ms();

  net::Loop* loop_;
  ConnectionOptions options_;
  telemetry::LoopStats* stats_;
  State state_ = State::kIdle;
  uint64_t lives_ = 0;  // ended so far: tells a handler that its stream is gone
  std::string failure_;
  std::string refusal_;
  bool needs_login_ = false;
  bool password_is_new_ = false;  // since the login under way was sent
  std::unique_ptr<net::Connecting> connecting_;
  std::unique_ptr<net::Stream> stream_;
  net::Timer reconnect_;
  Buffer queued_;              // requests written while connecting
  int database_ = 0;           // that the next request written would be executed in, or kUnknownDatabase
  size_t selects_owed_ = 0;    // replies to SELECT still to come; the last of them decides database_
  int handshake_replies_ = 0;  // still to come
  int64_t server_id_ = 0;
  bool finishing_ = false;     // nothing follows what was written
  bool introduced_ = false;    // or need not be
  std::string name_;           // that the server calls it
  std::string login_request_;  // of the attempt under way; empty: made from the options
  resp::Protocol greeted_in_ = resp::Protocol::kResp2;  // by the handshake
  bool must_select_ = false;                            // the login was granted, but for its database
  resp::ReplyScanner scanner_;
  Buffer collected_;  // of a kWhole reply that came in pieces, or a handshake reply
  Ring<Expectation> expected_;
  std::vector<Ring<Expectation>*> failing_;  // whose waiters are being told of a loss
  size_t timed_out_ = 0;  // that many at the head of expected_ were answered by their deadline
  Waiter* listener_ = nullptr;
  bool pushed_ = false;  // the frame under way is no reply
  std::vector<Waiter*> waiting_for_room_;
  uint64_t attempt_started_ns_ = 0;
  uint64_t progress_ns_ = 0;  // when something arrived last
  uint64_t pause_ms_ = 0;
  uint64_t counted_received_ = 0;
  uint64_t counted_sent_ = 0;
  std::minstd_rand random_;
};

}  // namespace keyshift::upstream
