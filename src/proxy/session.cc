#include "keyshift/proxy/session.h"

#include <algorithm>
#include <string>
#include <utility>

#include "info_section.h"
#include "keyshift/base/ascii.h"
#include "keyshift/base/log.h"
#include "keyshift/proxy/errors.h"
#include "keyshift/proxy/feed.h"
#include "keyshift/proxy/tunnel.h"
#include "keyshift/proxy/worker.h"
#include "keyshift/resp/own_words.h"
#include "keyshift/resp/writer.h"
#include "local_commands.h"
#include "local_latencies.h"
#include "session_tracking.h"
#include "view_walk.h"

namespace keyshift::proxy {

using command::Reply;
using command::Scope;

namespace {

// So many requests of a new client may wait for replies whose size nobody knows yet.
constexpr size_t kFirstRequests = 16;

}  // namespace

Session::Session(Worker& worker, size_t listener, std::unique_ptr<net::Stream> stream)
    : worker_(worker),
      listener_(listener),
      stream_(std::move(stream)),
      entry_(std::make_shared<ClientEntry>()),
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
  if (inquiry_) worker_.users().stop_waiting(this);
  inquiry_.reset();
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
  note_tracked_database(database);
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
  if (transaction_) leave_transaction("DISCARD");
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
  watch_broken_ = false;
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

// Requests.

void Session::on_bytes(std::string_view bytes) {
  if (buried_) return;
  entry_->last_request_ns.store(worker_.loop().now_ns(), std::memory_order_relaxed);
  if (tunnel_ && tunnel_->is_open()) {
    enter_tunnel(bytes);
    return;
  }
  if (stalled_ || !in_.empty()) {
    in_.append(bytes);
    if (!stalled_) {
      in_.consume(take_requests(in_.view()));
    } else if (in_.size() > worker_.settings().client_output_soft_bytes) {
      stream_->pause_reading();
    }
  } else {
    // The usual case: whole requests, parsed where they were read.
    in_.append(bytes.substr(take_requests(bytes)));
  }
  note_traffic();
  end_if_done();
}

// Returns how many bytes at the front of `bytes` are done with.
size_t Session::take_requests(std::string_view bytes) {
  at_hand_ = bytes;
  const size_t taken = parse_requests(bytes);
  KEYSHIFT_CHECK(!transaction_ || !transaction_->whole(),
                 "a transaction broke off in the middle of its burst");
  return taken;
}

size_t Session::parse_requests(std::string_view bytes) {
  using Status = resp::RequestParser::Status;
  size_t taken = 0;
  entry_->query_bytes.store(bytes.size(), std::memory_order_relaxed);
  // The end of a streamed request is seen without a further byte.
  while ((taken < bytes.size() || streaming_) && !finishing_ && !buried_) {
    if (must_wait()) {
      stall();
      return taken;
    }
    if (streaming_) {
      if (!take_streamed(bytes, taken)) return taken;
      continue;
    }
    const std::string_view rest = bytes.substr(taken);
    const Status status = parser_.parse(rest);
    switch (status) {
      case Status::kIncomplete:
        return taken;
      case Status::kLarge:
        if (!pending_.empty()) {
          // Moving between connections must not reorder: what is in flight comes back first.
          stall();
          return taken;
        }
        if (begin_large(rest)) {
          taken += parser_.large_body_offset();
          parser_.stream();
        } else {
          parser_.collect();
        }
        break;
      case Status::kRequest:
        if (!handle(parser_.request(rest))) {
          stall();
          return taken;
        }
        [[fallthrough]];
      case Status::kEmpty:
        taken += parser_.frame_size();
        parser_.next();
        break;
      case Status::kError:
        protocol_error();
        return bytes.size();
      case Status::kForeign:
        log::warn("client {}: possible SECURITY ATTACK: HTTP sent to a Redis port; connection closed",
                  stream_->peer_name());
        worker_.counters().clients_dropped.add();
        kill();
        return bytes.size();
    }
  }
  return finishing_ ? bytes.size() : taken;
}

void Session::protocol_error() {
  worker_.counters().clients_dropped.add();
  silent_ = false;
  answer_error(parser_.error());
  finishing_ = true;
  stream_->pause_reading();
}

// Returns false if the request must be tried again later.
bool Session::handle(const resp::Request& request) {
  const Replies before = replies_;
  silent_ = replies_ != Replies::kOn;
  if (replies_ == Replies::kSkipNext) replies_ = Replies::kOn;
  if (dispatch(request)) {
    if (tracking_) forget_caching(request);
    return true;
  }
  replies_ = before;
  return false;
}

bool Session::dispatch(const resp::Request& request) {
  const command::Match match =
      worker_.table().find(request[0], request.size() > 1 ? request[1] : std::string_view());
  if (match.outcome == command::Match::Outcome::kUnknownCommand) {
    refuse(errors::unknown_command(request));
    return true;
  }
  const command::Row& row = *match.row;
  if (match.outcome == command::Match::Outcome::kUnknownSubcommand) {
    refuse(errors::unknown_subcommand(request));
    return true;
  }
  entry_->command.store(row.name.data(), std::memory_order_relaxed);
  if (!row.takes(request.size())) {
    reject(row, errors::wrong_arity(row.name));
    return true;
  }
  if (!authenticated_ && !LocalCommands::allowed_before_auth(row)) {
    reject(row, errors::kNoAuth);
    return true;
  }
  if (feed_ && looks_at_keys(row)) {
    reject(row, errors::kMonitorsOnly);
    return true;
  }
  if (is_subscribed()) {
    if (const auto done = dispatch_subscribed(row, request)) return *done;
  }
  if (row.scope == Scope::kLocal && listener().asks_upstream) {
    const auto permitted = is_permitted(row);
    if (!permitted || !*permitted) return permitted.has_value();
  }
  if (transaction_ && row.scope != Scope::kTransaction && row.name != "quit" && row.name != "reset") {
    return queue(row, request);
  }
  switch (row.scope) {
    case Scope::kShared:
      return forward(row, request);
    case Scope::kBlocks:
      return forward_blocking(row, request);
    case Scope::kTransaction:
      return transaction_command(row, request);
    case Scope::kLocal: {
      Buffer& reply = worker_.local_reply();
      reply.clear();
      if (!LocalCommands::run(row, request, *this, reply)) return false;
      worker_.counters().commands[static_cast<size_t>(row.family)].add();
      answer(reply.view());
      return true;
    }
    case Scope::kSubscribes:
      return subscription_command(row, request);
    case Scope::kTracks:
      return tracking_command(row, request);
    case Scope::kFeeds:
      return feed_command(row, request);
    case Scope::kTunnels:
      return tunnel_command(row, request);
    case Scope::kRefused:
      if (is_allowed(row, request)) {
        if (row.name == "config|resetstat") worker_.latencies().clear();
        note_pause(row, request);
        return forward(row, request);
      }
      answer_error(errors::refused_command(row.name));
      return true;
    case Scope::kNever:
      answer_error(errors::never_possible(row.name));
      return true;
  }
  return true;
}

// Whether the operator lets this dangerous command through.
bool Session::is_allowed(const command::Row& row, const resp::Request& request) const {
  const std::string name(row.name);
  const auto& allowed = worker_.settings().allowed;
  if (allowed.contains(name) || allowed.contains(name.substr(0, name.find('|')))) return true;
  return row.is(command::Row::kOpen) && request.size() > 1 &&
         allowed.contains(name + '|' + to_lower(request[1]));
}

// Whether so much waits to be sent on a connection that this session has to; on_room() comes when it is over.
bool Session::must_wait_for(upstream::Connection& connection) {
  if (!connection.congested()) return false;
  connection.wait_for_room(this);
  waits_for_room_ = true;
  return true;
}

// Where the next request goes: a lease keeps a session's requests in order while it lasts.
upstream::Connection& Session::target() {
  if (lease_ != nullptr) return *lease_;
  if (connection_ == nullptr) connection_ = pool().shared(protocol_);
  return detour_ != nullptr ? *detour_ : *connection_;
}

bool Session::forward(const command::Row& row, const resp::Request& request) {
  if (row.reply == Reply::kInfo && info_is_only_ours(request)) {
    Buffer& reply = worker_.scratch();
    reply.clear();
    resp::append_verbatim(reply, "txt", info_section(worker_), protocol_);
    answer(reply.view());
    return true;
  }
  if (goes_apart(row)) return forward_apart(row, request);
  avoid_stuck(may_be_paused(row));
  return send(target(), row, request, worker_.loop().now_ns());
}

// Returns false if the request must be tried again later.
bool Session::send(upstream::Connection& connection, const command::Row& row, const resp::Request& request,
                   uint64_t started_ns) {
  if (!connection.usable()) {
    answer_unreachable(connection);
    return true;
  }
  if (must_wait_for(connection)) return false;
  plan::Plan& plan = worker_.plan();
  plan::Context planned = context();
  const Begun begun = begin_on(connection, planned.upstream());
  planned.may_block = started_ns == upstream::Connection::kNoDeadline;
  worker_.planner().make(row, request, planned, connection.out(), plan);
  end_begun(connection, begun, plan.refusal == plan::Refusal::kNone);
  if (plan.refusal == plan::Refusal::kBlocks) {
    // A lease that is submitted first is written first: what comes behind on this connection stays behind.
    const bool done = forward_blocking(row, request);
    connection.submit();
    return done;
  }
  connection.submit();
  if (plan.refusal == plan::Refusal::kWalk) {
    walk(row, request);
    return true;
  }
  if (plan.refusal == plan::Refusal::kNone) {
    const Generation& generation = *worker_.generation();
    for (const plan::PlannedKey& key : plan.keys) count_key(generation, key, request[key.at]);
    if (row.runs_script()) note_script(row, request);
    expect(row, request, plan, started_ns);
  } else {
    if (plan.refusal == plan::Refusal::kUnmatched) count_refused();
    answer_error(errors::refused_plan(plan, request, row.name));
  }
  return true;
}

plan::Context Session::context() {
  return context_of(worker_.settings());
}

plan::Context Session::context_of(const Settings& settings) {
  const ListenerSettings& of_listener = settings.listeners[listener_];
  return {.rules = settings.rules,
          .view = of_listener.view,
          .protocol = protocol_,
          .database = database_,
          .now_ms = worker_.loop().wall_ms(),
          .audience = &worker_.subscription_counts(),
          .prelude = of_listener.prelude.get(),
          .shas = &worker_.script_shas()};
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
  if (tracking_) {
    // The client's names of what it has read may be others now.
    tracking_->mapper.reset();
    lose_track();
    renew_tracking();
  }
  if (stalled_ && !buried_ && !must_wait()) resume();
}

// Back pressure.

bool Session::must_wait() {
  const size_t soft_bytes = worker_.settings().client_output_soft_bytes;
  // Behind a large request the session waits until its reply is there: it will use another connection.
  // A transaction that is sent as a burst stops for nothing.
  return (waits_for_room_ || waits_for_lease_ || holds(Hold::kBlocked) ||
          (lease_ != nullptr && holds_ == 0 && !pending_.empty()) || selecting_ || reloading_ || holding_ ||
          is_turning_ || is_subscribing() || (tracking_ && is_settling_tracking()) || walk_ != nullptr ||
          (inquiry_ != nullptr && !inquiry_->answered) || (borrowed_ != nullptr && !streaming_) ||
          deferred_.size() > soft_bytes || pending_.size() >= worker_.options().client_pending_requests ||
          (pending_.size() > 1 && pending_.size() * expected_reply_bytes_ > soft_bytes) ||
          stream_->unsent_bytes() > soft_bytes) &&
         !(transaction_ && transaction_->whole());
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
  const size_t collected = executing_.empty() ? 0 : executing_.front()->mapper().collected_bytes();
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
