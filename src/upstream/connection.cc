#include "keyshift/upstream/connection.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "keyshift/base/check.h"
#include "keyshift/base/log.h"
#include "keyshift/base/printable.h"
#include "keyshift/resp/own_words.h"
#include "keyshift/resp/writer.h"

namespace keyshift::upstream {

namespace own = resp::own;

namespace {

// What the server calls a connection that no client has named.
constexpr std::string_view kOurName = "keyshift";
// How a server refuses what it cannot do while a script runs.
constexpr std::string_view kBusy = "-BUSY ";

void append_select(Buffer& out, std::string_view name, int database) {
  resp::append_array(out, 2);
  resp::append_bulk(out, name);
  resp::append_bulk_integer(out, database);
}

void append_name(Buffer& out, std::string_view name) {
  resp::append_array(out, 3);
  resp::append_bulk(out, own::kClient);
  resp::append_bulk(out, "SETNAME");
  resp::append_bulk(out, name);
}

}  // namespace

Connection::Connection(net::Loop* loop, ConnectionOptions options, telemetry::LoopStats* stats)
    : loop_(loop),
      options_(std::move(options)),
      stats_(stats),
      reconnect_(loop, [this] { open(); }),
      random_(std::random_device()()) {}

Connection::~Connection() {
  KEYSHIFT_CHECK(waiting_for_room_.empty(), "a waiter outlived its connection");
  if (state_ == State::kReady) stats_->upstream_connected.subtract();
  stats_->upstream_waiting.subtract(expected_.size());
}

void Connection::open() {
  if (usable()) return;
  reconnect_.stop();
  state_ = State::kConnecting;
  attempt_started_ns_ = loop_->now_ns();
  refusal_.clear();
  needs_login_ = false;
  database_ = options_.database;
  name_ = kOurName;
  finishing_ = false;
  queued_.release();
  connecting_ = std::make_unique<net::Connecting>(
      loop_, options_.address,
      [this](Result<std::unique_ptr<net::Stream>> stream) { connected(std::move(stream)); });
}

void Connection::connected(Result<std::unique_ptr<net::Stream>> stream) {
  connecting_.reset();
  if (!stream) {
    go_down(fmt::format("cannot connect: {}", stream.error().text));
    return;
  }
  stream_ = std::move(*stream);
  counted_received_ = counted_sent_ = 0;
  scanner_.reset();
  stream_->start(this);
  handshake();
}

// HELLO and AUTH go first, alone: a request that ran before AUTH would be answered NOAUTH to a client that did
// nothing wrong.
void Connection::handshake() {
  Buffer& out = stream_->out();
  greeted_in_ = options_.protocol;
  const bool resp3 = options_.protocol == resp::Protocol::kResp3;
  const bool logs_in = options_.logs_in || !options_.password.empty();
  password_is_new_ = false;
  const std::string_view user = options_.username.empty() ? "default" : std::string_view(options_.username);
  handshake_replies_ = 0;
  if (!login_request_.empty()) {
    out.append(std::exchange(login_request_, {}));
    ++handshake_replies_;
  } else if (resp3) {
    resp::append_array(out, logs_in ? 5 : 2);
    resp::append_bulk(out, own::kHello);
    resp::append_bulk(out, "3");
    if (logs_in) {
      resp::append_bulk(out, "AUTH");
      resp::append_bulk(out, user);
      resp::append_bulk(out, options_.password);
    }
    ++handshake_replies_;
  } else if (logs_in) {
    resp::append_array(out, options_.username.empty() ? 2 : 3);
    resp::append_bulk(out, own::kAuth);
    if (!options_.username.empty()) resp::append_bulk(out, user);
    resp::append_bulk(out, options_.password);
    ++handshake_replies_;
  }
  if (options_.database != 0) {
    append_select(out, own::kSelect, options_.database);
    ++handshake_replies_;
  }
  introduce();
  handshake_replies_ += 2;
  stream_->mark_dirty();
}

// A name tells the operator of the Redis who holds these connections. The answer to it does not matter.
void Connection::introduce() {
  introduced_ = true;
  Buffer& out = stream_->out();
  append_name(out, kOurName);
  resp::append_array(out, 2);
  resp::append_bulk(out, own::kClient);
  resp::append_bulk(out, "ID");
}

// A server that is busy with a script lets us in all the same, since it has to be told to kill it; it refuses what is not
// needed for that, and is asked again when it is not.
void Connection::introduced(std::string_view reply) {
  if (scanner_.type() == ':') server_id_ = static_cast<int64_t>(scanner_.number());
  introduced_ = !reply.starts_with(kBusy);
}

// Returns false if the connection was given up.
bool Connection::on_handshake_reply(std::string_view reply) {
  --handshake_replies_;
  const bool is_login = handshake_replies_ >= 2;
  if (is_login && reply.starts_with(kBusy)) {
    must_select_ = true;
  } else if (scanner_.type() == '-' && is_login) {
    refuse_login(reply.substr(1, reply.size() - 3));
    return false;
  }
  // Errors that say more than that names are not welcome.
  if (reply.starts_with("-NOAUTH")) {
    needs_login_ = true;
    go_down(
        "the upstream wants a password: set upstream.password, REDIS_PASSWORD or the password in its URL");
    return false;
  }
  if (reply.starts_with("-ERR max number of clients")) {
    go_down("the upstream has reached its maxclients");
    return false;
  }
  if (handshake_replies_ > 0) return true;
  introduced(reply);
  become_ready();
  return true;
}

// A server that is full or loading has not said anything about the login.
void Connection::refuse_login(std::string_view error) {
  constexpr std::array<std::string_view, 4> kPassing = {"ERR max number of clients", "LOADING", "BUSY",
                                                        "MASTERDOWN"};
  const bool passing = std::ranges::any_of(kPassing, [error](auto word) { return error.starts_with(word); });
  if (!passing) refusal_ = error;
  const auto refused = passing || password_is_new_ ? nullptr : options_.refused;
  go_down(fmt::format("the upstream refused the login: {}", error));
  if (refused) loop_->post(refused);
}

void Connection::set_password(std::string_view password) {
  if (options_.password == password) return;
  options_.password = password;
  password_is_new_ = true;
}

void Connection::become_ready() {
  state_ = State::kReady;
  pause_ms_ = 0;
  failure_.clear();
  stats_->upstream_connected.add();
  stats_->upstream_connects.add();
  log::debug("upstream {} connected", options_.address.text());
  if (std::exchange(must_select_, false)) select_first();
  stream_->out().append(queued_.view());
  queued_.release();
  stream_->mark_dirty();
  if (finishing_) stream_->finish_sending();
  if (listener_ != nullptr) listener_->on_connected();
}

// The database was refused at login. What waits was written for it: a SELECT goes before it, in the same write.
void Connection::select_first() {
  Ring<Expectation> waiting;
  std::swap(waiting, expected_);
  append_select(stream_->out(), own::kSelect, options_.database);
  expected_.push_back({.started_ns = loop_->now_ns(), .own = Own::kSelect});
  stats_->upstream_waiting.add();
  ++selects_owed_;
  while (!waiting.empty()) expected_.push_back(waiting.pop_front());
}

void Connection::speak(resp::Protocol protocol) {
  if (protocol == options_.protocol) return;
  options_.protocol = protocol;
  if (!usable()) return;
  resp::append_array(out(), 2);
  resp::append_bulk(out(), own::kHello);
  resp::append_bulk_integer(out(), static_cast<int>(protocol));
  expect({.started_ns = loop_->now_ns(), .own = Own::kRequired});
  submit();
}

void Connection::begin(int database) {
  if (database != database_) select(database, nullptr);
}

void Connection::call(std::string_view name) {
  if (name.empty()) name = kOurName;
  if (name == name_) return;
  append_name(out(), name);
  name_ = name;
  expect({.started_ns = loop_->now_ns()});
}

void Connection::require(int database) {
  if (is_surely_in(database)) return;
  database_ = database;
  append_select(out(), own::kSelect, database);
  expect({.started_ns = loop_->now_ns(), .own = Own::kRequired});
}

void Connection::select(int database, Waiter* waiter) {
  database_ = database;
  append_select(out(), waiter == nullptr ? own::kSelect : "SELECT", database);
  expect(
      {.waiter = waiter, .started_ns = loop_->now_ns(), .delivery = Delivery::kStream, .own = Own::kSelect});
  ++selects_owed_;
}

// A busy Redis refuses SELECT as it refuses what follows it; taken for granted, it would send the next request to the
// database before.
void Connection::selected(bool granted) {
  --selects_owed_;
  if (!granted && selects_owed_ == 0) database_ = kUnknownDatabase;
}

void Connection::expect(const Expectation& expectation) {
  expected_.push_back(expectation);
  stats_->upstream_waiting.add();
}

void Connection::start_deadline(uint64_t now_ns) {
  for (size_t i = expected_.size(); i > 0 && expected_[i - 1].started_ns == kNoDeadline; --i) {
    expected_[i - 1].started_ns = now_ns;
  }
}

bool Connection::congested() const {
  const size_t waiting = state_ == State::kReady ? stream_->unsent_bytes() : queued_.size();
  return waiting > options_.buffer_mark_bytes;
}

void Connection::abandon(Waiter* waiter) {
  for (size_t i = timed_out_; i < expected_.size(); ++i) {
    if (expected_[i].waiter == waiter) expected_[i].waiter = nullptr;
  }
  // Who is told of a loss may take others with him that are still to be told.
  for (Ring<Expectation>* const lost : failing_) {
    for (size_t i = 0; i < lost->size(); ++i) {
      if ((*lost)[i].waiter == waiter) (*lost)[i].waiter = nullptr;
    }
  }
  std::erase(waiting_for_room_, waiter);
  if (listener_ == waiter) listener_ = nullptr;
}

void Connection::on_bytes(std::string_view bytes) {
  progress_ns_ = loop_->now_ns();
  // Whoever gets a reply may give this connection up.
  const uint64_t life = lives_;
  while (!bytes.empty()) {
    if (!deliver(bytes) || life != lives_) return;
  }
  count_traffic();
}

// Hands one reply, or what is there of it, to whom it belongs, and takes it off `bytes`. Returns false if the
// connection was given up.
bool Connection::deliver(std::string_view& bytes) {
  const bool in_handshake = state_ != State::kReady;
  if (scanner_.at_boundary() && !in_handshake)
    pushed_ = bytes.starts_with('>') || (expected_.empty() && listener_ != nullptr);
  if (pushed_) return deliver_push(bytes);
  if (scanner_.at_boundary() && !in_handshake && expected_.empty()) {
    const bool is_error = bytes.starts_with('-');
    go_down(fmt::format("the upstream sent what nobody asked for{}",
                        is_error ? fmt::format(": {}", bytes.substr(1, bytes.find('\r') - 1)) : ""));
    return false;
  }
  const resp::ReplyScanner::Scan scan = scanner_.scan(bytes);
  if (scan.status == resp::ReplyScanner::Status::kError) {
    go_down("the upstream sent what is not RESP");
    return false;
  }
  const bool complete = scan.status == resp::ReplyScanner::Status::kComplete;
  const std::string_view piece = bytes.substr(0, scan.consumed);
  bytes.remove_prefix(scan.consumed);
  const Delivery delivery =
      in_handshake ? Delivery::kWhole
                   : (expected_.front().waiter == nullptr ? Delivery::kDrop : expected_.front().delivery);
  std::string_view reply = piece;
  if (delivery == Delivery::kWhole && (!complete || !collected_.empty())) {
    if (collected_.size() + piece.size() > options_.collected_limit_bytes && !in_handshake) {
      const uint64_t life = lives_;
      refuse_large_reply();
      if (life != lives_) return false;
      if (!complete) return true;
    } else {
      collected_.append(piece);
      reply = collected_.view();
    }
  }
  if (in_handshake) {
    if (!complete) return true;
    const bool kept = on_handshake_reply(reply);
    collected_.clear();
    return kept;
  }
  if (complete) {
    const Expectation expectation = expected_.pop_front();
    if (timed_out_ > 0) --timed_out_;
    stats_->upstream_waiting.subtract();
    if (scanner_.type() == '-') stats_->upstream_errors.add();
    if (expectation.own != Own::kNone && !on_own_reply(expectation.own, piece)) return false;
    if (expectation.waiter != nullptr && delivery != Delivery::kDrop)
      expectation.waiter->on_reply(reply, &scanner_, expectation.started_ns);
    collected_.clear();
  } else if (delivery == Delivery::kStream) {
    const Expectation& expectation = expected_.front();
    expectation.waiter->on_reply(piece, nullptr, expectation.started_ns);
  }
  return true;
}

// The reply at the head is not collected any further: who waits for it is told, and the rest passes unheard.
void Connection::refuse_large_reply() {
  collected_.release();
  Waiter* const waiter = std::exchange(expected_.front().waiter, nullptr);
  waiter->on_lost(Loss::kTooLarge, fmt::format("{} bytes", options_.collected_limit_bytes));
}

// Returns false if the connection was given up.
bool Connection::on_own_reply(Own what, std::string_view reply) {
  const bool granted = scanner_.type() != '-';
  if (what == Own::kSelect) {
    selected(granted);
  } else if (what == Own::kId) {
    introduced(reply);
  } else if (!granted) {
    go_down(fmt::format("the upstream refused what its connection needs: {}",
                        reply.substr(1, reply.find('\r') - 1)));
    return false;
  }
  return true;
}

bool Connection::deliver_push(std::string_view& bytes) {
  const resp::ReplyScanner::Scan scan = scanner_.scan(bytes);
  if (scan.status == resp::ReplyScanner::Status::kError) {
    go_down("the upstream sent what is not RESP");
    return false;
  }
  const bool complete = scan.status == resp::ReplyScanner::Status::kComplete;
  std::string_view frame = bytes.substr(0, scan.consumed);
  bytes.remove_prefix(scan.consumed);
  Waiter* const hearer = listener_ != nullptr || expected_.empty() ? listener_ : expected_.front().waiter;
  if (hearer != nullptr && (!complete || !collected_.empty())) {
    collected_.append(frame);
    frame = collected_.view();
  }
  if (!complete) return true;
  pushed_ = false;
  if (hearer != nullptr) hearer->on_push(frame);
  collected_.clear();
  return true;
}

void Connection::on_end(std::string_view reason) {
  count_traffic();
  if (finishing_) {
    abort("it was asked to end");
    return;
  }
  go_down(reason.empty() ? "the upstream closed the connection" : reason);
}

void Connection::on_drained() {
  call_waiting_for_room();
}

void Connection::call_waiting_for_room() {
  std::vector<Waiter*> waiters;
  waiters.swap(waiting_for_room_);
  for (Waiter* waiter : waiters) waiter->on_room();
}

void Connection::count_traffic() {
  if (!stream_) return;
  stats_->upstream_received_bytes.add(stream_->received_bytes() -
                                      std::exchange(counted_received_, stream_->received_bytes()));
  stats_->upstream_sent_bytes.add(stream_->sent_bytes() -
                                  std::exchange(counted_sent_, stream_->sent_bytes()));
}

void Connection::go_down(std::string_view reason) {
  const bool was_ready = state_ == State::kReady;
  // One line per outage, not one per attempt.
  if (failure_.empty() || was_ready) {
    // Whether a client's password is right is that client's business.
    if (options_.refused && !was_ready) {
      log::debug("upstream {}: user {}: {}", options_.address.text(), printable(options_.username), reason);
    } else {
      log::warn("upstream {}: {}", options_.address.text(), reason);
    }
  }
  failure_ = reason;
  stats_->upstream_failures.add();
  close(was_ready ? Loss::kDisconnected : Loss::kNotSent);
}

void Connection::abort(std::string_view reason) {
  if (!usable()) return;
  log::debug("upstream {}: {}", options_.address.text(), reason);
  failure_ = reason;
  close(Loss::kDisconnected);
}

void Connection::finish_sending() {
  finishing_ = true;
  if (state_ == State::kReady) stream_->finish_sending();
}

std::unique_ptr<net::Stream> Connection::hand_over() {
  KEYSHIFT_CHECK(state_ == State::kReady && expected_.empty(), "a connection in use was handed over");
  count_traffic();
  stats_->upstream_connected.subtract();
  state_ = State::kIdle;
  server_id_ = 0;
  ++lives_;
  scanner_.reset();
  return std::move(stream_);
}

void Connection::end(std::string_view reason) {
  abort(reason);
  reconnect_.stop();
}

void Connection::close(Loss loss) {
  if (state_ == State::kReady) stats_->upstream_connected.subtract();
  state_ = State::kDown;
  server_id_ = 0;
  must_select_ = false;
  ++lives_;
  connecting_.reset();
  stream_.reset();
  queued_.release();
  collected_.release();
  scanner_.reset();
  pushed_ = false;
  reconnect_.start(next_pause_ms());
  fail_all(loss, failure_);
  call_waiting_for_room();
  if (listener_ != nullptr) listener_->on_disconnected(failure_);
}

void Connection::fail_all(Loss loss, std::string_view reason) {
  stats_->upstream_waiting.subtract(expected_.size());
  timed_out_ = 0;
  selects_owed_ = 0;
  // A waiter's answer to the loss may be its next request: that belongs to the next life of the connection.
  Ring<Expectation> lost;
  std::swap(lost, expected_);
  failing_.push_back(&lost);
  const std::string text(reason);
  while (!lost.empty()) {
    const Expectation expectation = lost.pop_front();
    if (expectation.waiter == nullptr) continue;
    stats_->lost.add();
    expectation.waiter->on_lost(loss, text);
  }
  std::erase(failing_, &lost);
}

// Full jitter (Brooker, "Exponential Backoff And Jitter"): many sidecars do not come back in step.
uint64_t Connection::next_pause_ms() {
  const auto lowest = static_cast<uint64_t>(options_.reconnect_min_ms);
  const auto highest = static_cast<uint64_t>(options_.reconnect_max_ms);
  pause_ms_ = pause_ms_ == 0 ? lowest : std::min(pause_ms_ * 2, highest);
  return std::uniform_int_distribution<uint64_t>(lowest / 2, pause_ms_)(random_);
}

void Connection::check_introduction(uint64_t now_ns) {
  if (state_ != State::kReady || introduced_ || !expected_.empty()) return;
  introduce();
  name_ = kOurName;
  expect({.started_ns = now_ns});
  expect({.started_ns = now_ns, .own = Own::kId});
  submit();
}

void Connection::check_deadlines(uint64_t now_ns) {
  const auto past = [now_ns](uint64_t since_ns, int64_t limit_ms) {
    return limit_ms > 0 && now_ns > since_ns &&
           now_ns - since_ns > static_cast<uint64_t>(limit_ms) * 1'000'000;
  };
  if (state_ == State::kConnecting) {
    if (past(attempt_started_ns_, options_.connect_timeout_ms)) {
      go_down(fmt::format("no connection within {} ms", options_.connect_timeout_ms));
    } else if (!expected_.empty() && past(expected_.front().started_ns, options_.queue_timeout_ms)) {
      if (stream_ && greeted_in_ != options_.protocol) {
        // What was queued changes the protocol: without it the server and we would not agree on that.
        go_down("the connection is not there yet");
        return;
      }
      queued_.release();
      database_ = options_.database;
      name_ = kOurName;
      fail_all(Loss::kNotSent, "the connection is not there yet");
    }
    return;
  }
  // The late reply did not come either: a peer that hangs, or a frame without an end.
  if (timed_out_ > 0 && past(expected_.front().started_ns, 2 * options_.reply_timeout_ms)) {
    go_down(fmt::format("no reply within {} ms", 2 * options_.reply_timeout_ms));
    return;
  }
  // Deadlines pass in the order of the FIFO.
  while (timed_out_ < expected_.size()) {
    Expectation& expectation = expected_[timed_out_];
    if (!past(expectation.started_ns, options_.reply_timeout_ms)) return;
    ++timed_out_;
    Waiter* const waiter = std::exchange(expectation.waiter, nullptr);
    if (waiter == nullptr) continue;
    collected_.clear();
    stats_->timeouts.add();
    waiter->on_lost(Loss::kTimeout, fmt::format("no reply within {} ms", options_.reply_timeout_ms));
  }
}

}  // namespace keyshift::upstream
