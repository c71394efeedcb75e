#include "keyshift/upstream/connection.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "connection_words.h"
#include "keyshift/base/check.h"
#include "keyshift/base/log.h"
#include "keyshift/base/printable.h"
#include "keyshift/resp/own_words.h"
#include "keyshift/resp/writer.h"

namespace keyshift::upstream {

namespace own = resp::own;

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
