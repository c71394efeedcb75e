#include "keyshift/proxy/session.h"

#include <string>
#include <utility>

#include "keyshift/base/log.h"
#include "keyshift/proxy/errors.h"
#include "keyshift/proxy/feed.h"
#include "keyshift/proxy/tunnel.h"
#include "keyshift/proxy/worker.h"
#include "keyshift/resp/writer.h"
#include "session_tracking.h"
#include "session_transactions.h"
#include "view_walk.h"

namespace keyshift::proxy {

namespace {

// So many requests of a new client may wait for replies whose size nobody knows yet.
constexpr size_t kFirstRequests = 16;

}  // namespace

Session::Session(Worker& worker, size_t listener, std::unique_ptr<net::Stream> stream)
    : worker_(worker),
      listener_(listener),
      stream_(std::move(stream)),
      entry_(std::make_shared<ClientEntry>()),
      transactions_(std::make_unique<Transactions>(*this)),
      parser_(worker.options().limits),
      database_(worker.options().database),
      authenticated_(begins_authenticated()),
      expected_reply_bytes_(worker.settings().client_output_soft_bytes / kFirstRequests) {
  parser_.set_authenticated(authenticated_);
  entry_->address = stream_->peer_name();
  entry_->local_address = stream_->local_name();
  entry_->fd = stream_->fd();
  entry_->created_ns = worker_.loop().now_ns();
  entry_->last_request_ns = entry_->created_ns;
  entry_->database = database_;
  // Complete before others can see it.
  entry_->kill = [&worker, entry = std::weak_ptr<ClientEntry>(entry_)] {
    if (const auto alive = entry.lock()) worker.kill_later(alive->id);
  };
  entry_->invalidate = [&worker, entry = std::weak_ptr<ClientEntry>(entry_)](std::string names) {
    if (const auto alive = entry.lock()) worker.invalidate_later(alive->id, std::move(names));
  };
  entry_->unblock = [&worker, entry = std::weak_ptr<ClientEntry>(entry_)](WaitEnd how) {
    if (const auto alive = entry.lock()) worker.end_wait_later(alive->id, how);
  };
  worker_.clients().add(entry_);
  worker_.counters().clients.add();
  worker_.counters().clients_accepted.add();
  stream_->start(this);
}

Session::~Session() {
  subscriber_.reset();
  feed_.reset();
  tunnel_.reset();
  if (inquiry_) {
    worker_.users().stop_waiting(this);
    finish_killing();
    inquiry_.reset();
  }
  walk_.reset();
  if (connection_ != nullptr) connection_->abandon(this);
  leave_detour();
  if (borrowed_ != nullptr) {
    borrowed_->abandon(this);
    // Half a request, or a reply that is still to come: nobody else can use it as it is.
    if (streaming_ || borrowed_->owed() > 0)
      borrowed_->abort("its client left in the middle of a large request");
    end_borrowing();
  }
  if (waits_for_lease_) pool().leases().stop_waiting(this);
  // What waits or watches in the server ends with its connection, and nothing is taken for a client that is gone.
  if (lease_ != nullptr) drop_lease("its client has left");
  tracking_.reset();
  worker_.clients().remove(entry_->id);
  worker_.counters().clients.subtract();
}

const ListenerSettings& Session::listener() const {
  return worker_.settings().listeners[listener_];
}

bool Session::idle_since(uint64_t ns) const {
  return pending_.empty() && !reloading_ && !is_subscribed() && !feed_ && !tunnel_ &&
         entry_->last_request_ns.load(std::memory_order_relaxed) < ns;
}

bool Session::hangs_since(uint64_t ns) const {
  return streaming_ && !stalled_ && entry_->last_request_ns.load(std::memory_order_relaxed) < ns;
}

void Session::set_authenticated(bool authenticated) {
  authenticated_ = authenticated;
  parser_.set_authenticated(authenticated);
}

void Session::set_database(int database) {
  database_ = database;
  entry_->database.store(database, std::memory_order_relaxed);
  if (tracking_) tracking_->note_database(database);
}

bool Session::set_protocol(resp::Protocol protocol) {
  if (protocol == protocol_) return true;
  if (!pending_.empty()) return false;
  protocol_ = protocol;
  entry_->protocol.store(static_cast<int>(protocol), std::memory_order_relaxed);
  if (connection_ != nullptr) connection_->abandon(this);
  connection_ = nullptr;
  // What the server knows of the lease is the client's, whatever it speaks.
  if (lease_ != nullptr) lease_->speak(protocol);
  return true;
}

bool Session::reset() {
  const bool moves = lease_ != nullptr || user_ != nullptr || protocol_ != resp::Protocol::kResp2;
  if (moves && !pending_.empty()) return false;
  if (subscriber_ && !subscriber_->leave()) return false;
  transactions_->discard();
  if (tracking_) end_tracking();
  end_feed();
  set_protocol(resp::Protocol::kResp2);
  become("default", nullptr);
  by_upstream_ = false;
  set_database(worker_.options().database);
  set_authenticated(begins_authenticated());
  const bool skipped =
      silent_ && replies_ == Replies::kOn;  // by CLIENT REPLY SKIP: that still holds for this reply
  set_replies(Replies::kOn);
  silent_ = skipped;
  transactions_->forget_watch();
  subscriber_.reset();
  if (lease_ != nullptr) drop_lease("its client has reset itself");
  worker_.clients().forget_names(*entry_);
  return true;
}

void Session::drain() {
  if (buried_) return;
  if (holds(Hold::kBlocked) || tunnel_) {
    kill();  // nobody knows when its reply comes, if ever
    return;
  }
  finishing_ = true;
  stream_->pause_reading();
  end_if_done();
}

void Session::kill() {
  if (buried_) return;
  leave();
  stream_->pause_reading();
}

// From now on nobody finds it.
void Session::leave() {
  buried_ = true;
  note_traffic();
  worker_.clients().remove(entry_->id);
  worker_.bury(this);
}

void Session::select_upstream(const command::Row& row, int database) {
  avoid_stuck(false);
  upstream::Connection& connection = target();
  if (!connection.usable()) {
    answer_unreachable(connection);
    return;
  }
  connection.select(database, this);
  connection.submit();
  Pending& pending = pending_.emplace_back();
  pending.row = &row;
  pending.steps_left = 1;
  pending.silent = silent_;
  pending.selects = database;
  selecting_ = true;
}

void Session::reload() {
  reloading_ = true;
  worker_.reload_for(entry_->id);
}

void Session::on_reloaded(const Reloaded& outcome) {
  if (buried_) return;
  reloading_ = false;
  if (outcome.applied) {
    Buffer& reply = worker_.scratch();
    reply.clear();
    resp::append_simple(reply, outcome.text);
    answer(reply.view());
  } else {
    answer_error(errors::not_reloaded(outcome.text));
  }
  on_settings();
  end_if_done();
}

void Session::on_settings() {
  if (buried_) return;
  if (!is_user_still()) return drain();
  if (tracking_) tracking_->on_rules_changed();
  if (stalled_ && !buried_ && !must_wait()) resume();
}

// Back pressure.

bool Session::must_wait() {
  const size_t soft_bytes = worker_.settings().client_output_soft_bytes;
  // Behind a large request the session waits until its reply is there: it will use another connection.
  // A transaction that is sent as a burst stops for nothing.
  return (waits_for_room_ || waits_for_lease_ || holds(Hold::kBlocked) ||
          (lease_ != nullptr && holds_ == 0 && !pending_.empty()) || selecting_ || reloading_ || holding_ ||
          is_turning_ || is_subscribing() || (tracking_ && tracking_->is_settling()) || walk_ != nullptr ||
          (inquiry_ != nullptr && !inquiry_->answered) || (borrowed_ != nullptr && !streaming_) ||
          deferred_.size() > soft_bytes || pending_.size() >= worker_.options().client_pending_requests ||
          (pending_.size() > 1 && pending_.size() * expected_reply_bytes_ > soft_bytes) ||
          stream_->unsent_bytes() > soft_bytes) &&
         !transactions_->is_whole();
}

// While a command waits in the server, reading goes on: that is how the end of its client is seen.
void Session::stall() {
  stalled_ = true;
  if (holds(Hold::kBlocked)) {
    stream_->resume_reading();
  } else {
    stream_->pause_reading();
  }
}

void Session::resume() {
  if (!stalled_ || buried_) return;
  stalled_ = false;
  in_.consume(take_requests(in_.view()));
  entry_->query_bytes.store(in_.size(), std::memory_order_relaxed);
  if (!stalled_ && !finishing_ && !buried_ && !ended_) stream_->resume_reading();
  end_if_done();
}

void Session::on_room() {
  waits_for_room_ = waits_for_lease_ = false;
  resume();
}

void Session::on_drained() {
  note_traffic();
  if (tunnel_) tunnel_->on_client_room();
  if (stalled_ && !must_wait()) resume();
}

void Session::check_output() {
  const Settings& settings = worker_.settings();
  const bool subscribed = is_subscribed();
  const size_t limit =
      subscribed ? settings.subscriber_output_limit_bytes : settings.client_output_limit_bytes;
  const size_t collected = transactions_->collected_bytes();
  if (stream_->unsent_bytes() + pushes_.size() + held_.size() + collected <= limit || buried_) return;
  log::warn("client {}: closed, it leaves more than {} bytes unread (limits.{}_output)", stream_->peer_name(),
            limit, subscribed ? "subscriber" : "client");
  worker_.counters().clients_dropped.add();
  if (subscribed) worker_.counters().subscribers_dropped.add();
  kill();
}

// The end.

void Session::on_end(std::string_view reason) {
  if (buried_) return;
  if (tunnel_) {
    end_tunnel();
    return;
  }
  if (!reason.empty()) {
    kill();
    return;
  }
  ended_ = true;
  if (holds(Hold::kBlocked)) pass_end_on();
  end_if_done();
}

// A half-closed client still gets its replies.
void Session::end_if_done() {
  if (buried_) return;
  if (streaming_ && (finishing_ || (ended_ && !stalled_))) {
    kill();  // the rest of its large request will not come
    return;
  }
  if (!pending_.empty() || reloading_ || is_turning_ || is_subscribing()) return;
  if (!finishing_ && (!ended_ || stalled_)) return;
  leave_when_sent();
}

void Session::leave_when_sent() {
  leave();
  net::Stream::close_when_sent(std::move(stream_));
}

void Session::note_traffic() {
  telemetry::LoopStats& stats = worker_.counters();
  const uint64_t received = stream_->received_bytes();
  const uint64_t sent = stream_->sent_bytes();
  stats.client_received_bytes.add(received - std::exchange(counted_received_, received));
  stats.client_sent_bytes.add(sent - std::exchange(counted_sent_, sent));
  entry_->query_bytes.store(in_.size(), std::memory_order_relaxed);
  entry_->received_bytes.store(received, std::memory_order_relaxed);
  entry_->sent_bytes.store(sent, std::memory_order_relaxed);
}

}  // namespace keyshift::proxy
