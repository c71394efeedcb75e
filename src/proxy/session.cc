#include "keyshift/proxy/session.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "info_section.h"
#include "keyshift/base/check.h"
#include "keyshift/base/log.h"
#include "keyshift/plan/hits.h"
#include "keyshift/proxy/errors.h"
#include "keyshift/proxy/worker.h"
#include "keyshift/resp/reply_cursor.h"
#include "keyshift/resp/writer.h"
#include "local_commands.h"

namespace keyshift::proxy {

using command::Reply;
using command::Scope;

namespace {

// So many requests of a new client may wait for replies whose size nobody knows yet.
constexpr size_t kFirstRequests = 16;
constexpr size_t kSmallestReply = 64;
// A large reply is remembered for about so many smaller ones.
constexpr size_t kReplyMemory = 64;

std::optional<telemetry::TtlAction> telemetry_action(scheme::TtlAction action) {
  switch (action) {
    case scheme::TtlAction::kDefault:
      return telemetry::TtlAction::kDefault;
    case scheme::TtlAction::kClamp:
      return telemetry::TtlAction::kClamp;
    case scheme::TtlAction::kOverride:
      return telemetry::TtlAction::kOverride;
    case scheme::TtlAction::kNone:
    case scheme::TtlAction::kKeep:
      break;
  }
  return std::nullopt;
}

}  // namespace

Session::Session(Worker& worker, size_t listener, std::unique_ptr<net::Stream> stream)
    : worker_(worker),
      listener_(listener),
      stream_(std::move(stream)),
      entry_(std::make_shared<ClientEntry>()),
      parser_(worker.options().limits),
      database_(worker.options().database),
      authenticated_(this->listener().password.empty()),
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
  entry_->unblock = [&worker, entry = std::weak_ptr<ClientEntry>(entry_)](bool error) {
    if (const auto alive = entry.lock()) worker.unblock_later(alive->id, error);
  };
  worker_.clients().add(entry_);
  worker_.counters().clients.add();
  worker_.counters().clients_accepted.add();
  stream_->start(this);
}

Session::~Session() {
  if (connection_ != nullptr) connection_->abandon(this);
  if (borrowed_ != nullptr) {
    borrowed_->abandon(this);
    // Half a request, or a reply that is still to come: nobody else can use it as it is.
    if (streaming_ || borrowed_->owed() > 0)
      borrowed_->abort("its client left in the middle of a large request");
    worker_.pool().give_back(borrowed_);
  }
  if (waits_for_lease_) worker_.pool().stop_waiting(this);
  if (lease_ != nullptr) {
    lease_->abandon(this);
    // What waits or watches in the server ends with its connection, and nothing is taken for a client that is gone.
    if (blocked_ || watching_ || lease_->owed() > 0) lease_->abort("its client has left");
    worker_.pool().give_back(lease_);
  }
  worker_.clients().remove(entry_->id);
  worker_.counters().clients.subtract();
}

const ListenerSettings& Session::listener() const {
  return worker_.settings().listeners[listener_];
}

bool Session::idle_since(uint64_t ns) const {
  return pending_.empty() && !reloading_ && entry_->last_request_ns.load(std::memory_order_relaxed) < ns;
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
}

bool Session::set_protocol(resp::Protocol protocol) {
  if (protocol == protocol_) return true;
  if (!pending_.empty()) return false;
  protocol_ = protocol;
  entry_->protocol.store(static_cast<int>(protocol), std::memory_order_relaxed);
  if (connection_ != nullptr) connection_->abandon(this);
  connection_ = nullptr;
  if (lease_ != nullptr) {
    watch_broken_ = watching_;
    lease_->abort("its client speaks another protocol now");
    end_lease();
  }
  return true;
}

void Session::reset() {
  set_database(worker_.options().database);
  set_authenticated(listener().password.empty());
  set_replies(Replies::kOn);
  transaction_.reset();
  watch_broken_ = false;
  if (lease_ != nullptr) {
    lease_->abort("its client has reset itself");
    end_lease();
  }
  worker_.clients().forget_names(*entry_);
}

void Session::drain() {
  if (buried_) return;
  if (blocked_) {
    kill();  // nobody knows when its reply comes, if ever
    return;
  }
  finishing_ = true;
  stream_->pause_reading();
  end_if_done();
}

void Session::kill() {
  if (buried_) return;
  buried_ = true;
  note_traffic();
  stream_->pause_reading();
  worker_.bury(this);
}

// Requests.

void Session::on_bytes(std::string_view bytes) {
  if (buried_) return;
  entry_->last_request_ns.store(worker_.loop().now_ns(), std::memory_order_relaxed);
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
  if (dispatch(request)) return true;
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
    refuse(errors::wrong_arity(row.name));
    return true;
  }
  if (!authenticated_ && !LocalCommands::allowed_before_auth(row)) {
    answer_error(errors::kNoAuth);
    return true;
  }
  if (transaction_ && row.scope != Scope::kTransaction && row.name != "quit" && row.name != "reset") {
    queue(row, request);
    return true;
  }
  switch (row.scope) {
    case Scope::kShared:
      return forward(row, request);
    case Scope::kBlocks:
      return forward_blocking(row, request);
    case Scope::kTransaction:
      return transaction_command(row, request);
    case Scope::kLocal: {
      worker_.counters().commands[static_cast<size_t>(row.family)].add();
      Buffer& reply = worker_.scratch();
      reply.clear();
      if (!LocalCommands::run(row, request, *this, reply)) return false;
      answer(reply.view());
      return true;
    }
    case Scope::kLease:
      answer_error(errors::needs_lease(row.name));
      return true;
    case Scope::kRefused:
      if (is_allowed(row)) return forward(row, request);
      answer_error(errors::refused_command(row.name));
      return true;
    case Scope::kNever:
      answer_error(errors::never_possible(row.name));
      return true;
  }
  return true;
}

// Whether the operator lets this dangerous command through.
bool Session::is_allowed(const command::Row& row) const {
  const std::string name(row.name);
  const auto& allowed = worker_.settings().allowed;
  return allowed.contains(name) || allowed.contains(name.substr(0, name.find('|')));
}

// Where the next request goes: a lease keeps a session's requests in order while it lasts.
upstream::Connection& Session::target() {
  if (lease_ != nullptr) return *lease_;
  if (connection_ == nullptr) connection_ = worker_.pool().shared(protocol_);
  return *connection_;
}

bool Session::forward(const command::Row& row, const resp::Request& request) {
  if (row.reply == Reply::kInfo && info_is_only_ours(request)) {
    Buffer& reply = worker_.scratch();
    reply.clear();
    resp::append_verbatim(reply, "txt", info_section(worker_), protocol_);
    answer(reply.view());
    return true;
  }
  return send(target(), row, request, worker_.loop().now_ns());
}

// Returns false if the request must be tried again later.
bool Session::send(upstream::Connection& connection, const command::Row& row, const resp::Request& request,
                   uint64_t started_ns) {
  if (!connection.usable()) {
    answer_error(errors::upstream_down(connection.failure()));
    return true;
  }
  if (connection.congested()) {
    connection.wait_for_room(this);
    waits_for_room_ = true;
    return false;
  }
  connection.begin(database_);
  plan::Plan& plan = worker_.plan();
  plan::Context planned = context();
  planned.may_block = started_ns == upstream::Connection::kNoDeadline;
  worker_.planner().make(row, request, planned, connection.out(), plan);
  connection.submit();
  if (plan.refusal == plan::Refusal::kBlocks) return forward_blocking(row, request);
  if (plan.refusal == plan::Refusal::kNone) {
    const Generation& generation = *worker_.generation();
    for (const plan::PlannedKey& key : plan.keys) count_key(generation, key, request[key.at]);
    expect(row, request, plan, started_ns);
  } else {
    if (plan.refusal == plan::Refusal::kUnmatched) count_refused();
    answer_error(errors::refused_plan(plan, request, row.name));
  }
  return true;
}

plan::Context Session::context() {
  return {.rules = worker_.settings().rules,
          .view = listener().view,
          .protocol = protocol_,
          .database = database_,
          .now_ms = worker_.loop().wall_ms()};
}

// Large requests.

// Begins to relay the request whose first large argument is on its way. Returns false if it is to be collected: what
// becomes of it is then decided like that of any other.
bool Session::begin_large(std::string_view bytes) {
  const resp::Request prefix = parser_.request(bytes);
  if (prefix.empty() || transaction_) return false;
  const command::Match match =
      worker_.table().find(prefix[0], prefix.size() > 1 ? prefix[1] : std::string_view());
  if (match.outcome != command::Match::Outcome::kFound || match.row->scope != Scope::kShared ||
      !match.row->takes(parser_.announced_arguments()) || !authenticated_) {
    return false;
  }
  borrowed_ = worker_.pool().borrow(protocol_);
  if (borrowed_ == nullptr) return false;
  borrowed_->begin(database_);
  plan::Plan& plan = worker_.plan();
  auto tail = worker_.planner().make_streamed(*match.row, prefix, parser_.announced_arguments(), context(),
                                              borrowed_->out(), plan);
  borrowed_->submit();
  if (!tail) {
    // The injected SELECT may be under way; its reply is dropped wherever the connection goes.
    worker_.pool().give_back(std::exchange(borrowed_, nullptr));
    return false;
  }
  silent_ = replies_ != Replies::kOn;
  if (replies_ == Replies::kSkipNext) replies_ = Replies::kOn;
  entry_->command.store(match.row->name.data(), std::memory_order_relaxed);
  const Generation& generation = *worker_.generation();
  for (const plan::PlannedKey& key : plan.keys) count_key(generation, key, prefix[key.at]);
  expect(*match.row, prefix, plan, upstream::Connection::kNoDeadline);
  streaming_ = std::make_unique<Streaming>();
  streaming_->tail = std::move(tail);
  streaming_->generation = worker_.generation();
  return true;
}

// Relays what is there of a large request. Returns false when more must arrive, or what is there must be sent, first.
bool Session::take_streamed(std::string_view bytes, size_t& taken) {
  using Kind = resp::StreamEvent::Kind;
  if (!streaming_->lost && borrowed_->congested()) {
    borrowed_->wait_for_room(this);
    waits_for_room_ = true;
    stall();
    return false;
  }
  const resp::StreamEvent event = parser_.next_event(bytes.substr(taken));
  taken += event.consumed;
  if (event.kind == Kind::kIncomplete) return false;
  if (event.kind == Kind::kError) {
    // The client hears of its own mistake, not of the connection that it costs us.
    if (!pending_.empty()) pending_.front().answered = true;
    give_up_streamed("its client broke the protocol in the middle of a large request");
    protocol_error();
    return false;
  }
  if (!streaming_->lost) relay_streamed(event);
  if (event.kind == Kind::kEnd) finish_streamed();
  return true;
}

void Session::relay_streamed(const resp::StreamEvent& event) {
  using Kind = resp::StreamEvent::Kind;
  Buffer& out = borrowed_->out();
  // Written only now, when the client has sent as much: a request that its client breaks off is never executed.
  if (event.kind != Kind::kBody && std::exchange(streaming_->owes_end, false)) out.append("\r\n");
  if (event.kind == Kind::kBody) {
    out.append(event.bytes);
    streaming_->owes_end = event.last;
  } else if (event.kind == Kind::kLargeBegins) {
    if (!streaming_->tail->may_stream(event.index)) {
      refuse_streamed(errors::kLargeName);
      return;
    }
    resp::append_bulk_header(out, event.length);
  } else if (event.kind == Kind::kArgument) {
    const auto found = streaming_->tail->argument(event.index, event.bytes, out);
    if (found.kind == plan::StreamedTail::Found::Kind::kRefused) {
      count_refused();
      refuse_streamed(errors::unmatched_key(event.bytes));
      return;
    }
    if (found.kind == plan::StreamedTail::Found::Kind::kName)
      count_key(*streaming_->generation, found.key, event.bytes);
  }
  borrowed_->submit();
}

// Answers a streamed request that cannot be completed. It was not executed: the upstream never saw its end.
void Session::refuse_streamed(std::string_view text) {
  answer_head(text);
  give_up_streamed("a key of a large request was refused");
}

void Session::give_up_streamed(std::string_view reason) {
  streaming_->lost = true;
  borrowed_->abort(reason);
}

void Session::finish_streamed() {
  if (!streaming_->lost) {
    const plan::StreamedTail::End end = streaming_->tail->finish(borrowed_->out());
    for (const plan::PlannedKey& key : end.judged) count_expiry(*streaming_->generation, key);
    for (size_t i = 0; i < end.steps; ++i)
      borrowed_->expect({.started_ns = upstream::Connection::kNoDeadline});
    borrowed_->start_deadline(worker_.loop().now_ns());
    borrowed_->submit();
  } else {
    borrowed_->abort("it was answered in the middle of a large request");
  }
  streaming_.reset();
  parser_.next();
  if (pending_.empty()) worker_.pool().give_back(std::exchange(borrowed_, nullptr));
}

void Session::select_upstream(const command::Row& row, int database) {
  if (connection_ == nullptr) connection_ = worker_.pool().shared(protocol_);
  if (!connection_->usable()) {
    answer_error(errors::upstream_down(connection_->failure()));
    return;
  }
  connection_->select(database, this);
  connection_->submit();
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
  if (stalled_ && !buried_ && !must_wait()) resume();
}

void Session::count_refused() {
  worker_.counters().unmatched[static_cast<size_t>(telemetry::UnmatchedAction::kRefuse)].add();
}

void Session::count_key(const Generation& generation, const plan::PlannedKey& key, std::string_view name) {
  if (key.rule != scheme::Match::kNone) {
    telemetry::RuleStats& rule = *generation.rules[key.rule];
    rule.keys.add();
    if (key.rewritten) rule.rewritten.add();
  } else if (key.domain == scheme::Match::kNone) {
    const bool prefixed = listener().view.unmatched == scheme::Unmatched::kPrefix;
    const auto action = prefixed ? telemetry::UnmatchedAction::kPrefix : telemetry::UnmatchedAction::kPass;
    worker_.counters().unmatched[static_cast<size_t>(action)].add();
    if (!name.empty()) worker_.note_unmatched(name);
  }
  count_expiry(generation, key);
}

void Session::count_expiry(const Generation& generation, const plan::PlannedKey& key) {
  if (key.domain == scheme::Match::kNone) return;
  const auto action = telemetry_action(key.ttl);
  if (!action) return;
  telemetry::DomainStats& domain = generation.domain(key.domain);
  (key.observed ? domain.ttl_observed : domain.ttl_rewrites)[static_cast<size_t>(*action)].add();
}

void Session::expect(const command::Row& row, const resp::Request& request, plan::Plan& plan,
                     uint64_t started_ns) {
  upstream::Connection* const connection = borrowed_ != nullptr ? borrowed_ : &target();
  const Generation& generation = *worker_.generation();
  const auto domain_of = [&generation](const plan::PlannedKey& key) {
    return &generation.domain(key.domain);
  };
  Pending& pending = pending_.emplace_back();
  pending.row = &row;
  pending.mapper = std::move(plan.mapper);
  pending.keys = static_cast<uint32_t>(plan.keys.size());
  pending.domain = plan.keys.empty() ? generation.no_domain : domain_of(plan.keys.front());
  pending.silent = silent_;
  pending.exec = row.reply == Reply::kExec;
  pending.info = row.reply == Reply::kInfo && info_wants_ours(request);
  worker_.counters().commands[static_cast<size_t>(row.family)].add();

  bool whole = pending.info;
  if (row.hit == command::Hit::kElements && plan.keys.size() > 1 &&
      std::any_of(plan.keys.begin(), plan.keys.end(),
                  [&](const auto& key) { return domain_of(key) != pending.domain; })) {
    pending.element_domains = std::make_unique<std::vector<telemetry::DomainStats*>>();
    for (const auto& key : plan.keys) pending.element_domains->push_back(domain_of(key));
    whole = true;
  }
  for (const plan::Disposition step : plan.steps) {
    if (step == plan::Disposition::kDiscard) {
      connection->expect({.started_ns = started_ns});
      continue;
    }
    const bool map = step == plan::Disposition::kMap;
    ++pending.steps_left;
    pending.map = map;
    connection->expect({.waiter = this,
                        .started_ns = started_ns,
                        .delivery = map || whole ? upstream::Delivery::kWhole : upstream::Delivery::kStream});
  }
}

// Replies.

void Session::answer(std::string_view reply) {
  if (silent_ || reply.empty()) return;
  if (pending_.empty()) {
    stream_->out().append(reply);
    stream_->mark_dirty();
    check_output();
    return;
  }
  deferred_.append(reply);
  if (pending_.back().row != nullptr) pending_.push_back({});
  pending_.back().local_bytes += reply.size();
}

// Answers a command with an error; a transaction that it was for can only be aborted.
void Session::refuse(std::string_view text) {
  if (transaction_) transaction_->fail();
  answer_error(text);
}

void Session::answer_error(std::string_view text) {
  worker_.counters().client_errors.add();
  Buffer& reply = worker_.scratch();
  reply.clear();
  resp::append_error(reply, text);
  answer(reply.view());
}

void Session::on_reply(std::string_view bytes, const resp::ReplyScanner* finished, uint64_t started_ns) {
  if (buried_) return;
  Pending& pending = pending_.front();
  reply_bytes_ += bytes.size();
  if (!pending.answered && !pending.silent) relay(pending, bytes, finished != nullptr);
  if (finished == nullptr) {
    check_output();
    return;
  }
  if (pending.selects >= 0 && finished->type() == '+') {
    worker_.note_database(pending.selects);
    set_database(pending.selects);
  }
  if (streaming_)
    streaming_->lost = true;  // an answer before the request's end: nothing of the rest may be sent
  if (pending.row->hit != command::Hit::kNone && !pending.answered) count_hits(pending, bytes, *finished);
  if (--pending.steps_left > 0) return;
  if (pending.exec) {
    const int selected = static_cast<const plan::ExecMapper&>(*pending.mapper).selected();
    if (selected >= 0) set_database(selected);
  }
  // How long a command waited for others says nothing about us.
  if (started_ns != upstream::Connection::kNoDeadline) {
    auto& durations = worker_.counters().durations[static_cast<size_t>(pending.row->family)];
    durations.record(worker_.loop().now_ns() - started_ns);
  }
  complete();
}

void Session::relay(Pending& pending, std::string_view bytes, bool finished) {
  Buffer& out = stream_->out();
  if (pending.map) {
    pending.mapper->map(bytes, out);
  } else if (pending.info) {
    append_info(bytes, info_section(worker_), protocol_, out);
  } else if (pending.mapper && (bytes.starts_with('-') || !error_.empty()) && !pending.begun) {
    error_.append(bytes);
    if (!finished) return;
    pending.mapper->map_error(error_.view(), out);
    error_.clear();
  } else {
    pending.begun = true;
    out.append(bytes);
  }
  stream_->mark_dirty();
}

void Session::count_hits(const Pending& pending, std::string_view reply, const resp::ReplyScanner& scanner) {
  if (!pending.element_domains || scanner.type() != '*') {
    const plan::HitCount count = plan::count_hits(pending.row->hit, scanner, pending.keys);
    pending.domain->hits.add(count.hits);
    pending.domain->misses.add(count.misses);
    return;
  }
  resp::ReplyCursor cursor(reply);
  cursor.next();
  for (telemetry::DomainStats* const domain : *pending.element_domains) {
    if (cursor.done()) break;
    (cursor.next().is_null ? domain->misses : domain->hits).add();
  }
}

// The request at the head is answered: it leaves, and the local replies that waited for it with it.
void Session::complete() {
  if (pending_.front().selects >= 0) selecting_ = false;
  pending_.pop_front();
  expected_reply_bytes_ = std::max({expected_reply_bytes_ - expected_reply_bytes_ / kReplyMemory,
                                    std::exchange(reply_bytes_, 0), kSmallestReply});
  while (!pending_.empty() && pending_.front().row == nullptr) {
    const size_t size = pending_.pop_front().local_bytes;
    stream_->out().append(deferred_.view().substr(0, size));
    deferred_.consume(size);
    stream_->mark_dirty();
  }
  if (pending_.empty()) {
    set_blocked(false);
    if (ending_lease_) end_lease();
  }
  if (borrowed_ != nullptr && pending_.empty() && !streaming_) {
    // EXPIRE steps may still be owed; whoever borrows it next is served behind them.
    worker_.pool().give_back(std::exchange(borrowed_, nullptr));
  }
  check_output();
  if (stalled_ && !must_wait()) resume();
  end_if_done();
}

// Answers the request at the head by an error of ours, unless it has been; what the upstream still says of it is dropped.
void Session::answer_head(std::string_view text) {
  Pending& pending = pending_.front();
  if (!pending.answered && !pending.silent) {
    worker_.counters().client_errors.add();
    resp::append_error(stream_->out(), text);
    stream_->mark_dirty();
  }
  pending.answered = true;
}

void Session::on_lost(upstream::Loss loss, std::string_view reason) {
  if (buried_) return;
  Pending& pending = pending_.front();
  if (pending.begun && !pending.silent) {
    // Half a reply has left: no error can be told from the rest of it.
    worker_.counters().clients_dropped.add();
    kill();
    return;
  }
  error_.clear();
  answer_head(errors::upstream_lost(loss, reason));
  if (streaming_) streaming_->lost = true;
  if (--pending.steps_left == 0) complete();
}

// Back pressure.

bool Session::must_wait() {
  const size_t soft_bytes = worker_.settings().client_output_soft_bytes;
  // Behind a large request the session waits until its reply is there: it will use another connection.
  return waits_for_room_ || waits_for_lease_ || blocked_ || ending_lease_ || selecting_ || reloading_ ||
         (borrowed_ != nullptr && !streaming_) || deferred_.size() > soft_bytes ||
         pending_.size() >= worker_.options().client_pending_requests ||
         (pending_.size() > 1 && pending_.size() * expected_reply_bytes_ > soft_bytes) ||
         stream_->unsent_bytes() > soft_bytes;
}

// While a command waits in the server, reading goes on: that is how the end of its client is seen.
void Session::stall() {
  stalled_ = true;
  if (blocked_) {
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
  if (stalled_ && !must_wait()) resume();
}

void Session::check_output() {
  if (stream_->unsent_bytes() <= worker_.settings().client_output_limit_bytes || buried_) return;
  log::warn("client {}: closed, it leaves more than {} bytes of replies unread (limits.client_output_limit)",
            stream_->peer_name(), worker_.settings().client_output_limit_bytes);
  worker_.counters().clients_dropped.add();
  kill();
}

// The end.

void Session::on_end(std::string_view reason) {
  if (buried_) return;
  // As Redis: who ends while a command waits takes nothing.
  if (!reason.empty() || blocked_) {
    kill();
    return;
  }
  ended_ = true;
  end_if_done();
}

// A half-closed client still gets its replies.
void Session::end_if_done() {
  if (buried_) return;
  if (streaming_ && (finishing_ || (ended_ && !stalled_))) {
    kill();  // the rest of its large request will not come
    return;
  }
  if (!pending_.empty() || reloading_) return;
  if (!finishing_ && (!ended_ || stalled_)) return;
  note_traffic();
  buried_ = true;
  net::Stream::close_when_sent(std::move(stream_));
  worker_.bury(this);
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
