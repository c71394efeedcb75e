// Session: from the client's bytes to a request that is answered here, refused, or planned and sent.
//
//   bytes -> take_requests() -> parse_requests() -> handle() -> dispatch()    by the row's scope, one of
//     forward()               the session's connection, or one apart (session_routes.cc)
//     forward_blocking()      a lease (session_leases.cc)
//     Transactions            take(), and queue() for all between MULTI and EXEC
//     subscription_command(), tracking_command(), feed_command(), tunnel_command()
//     LocalCommands           answered here
//
// A request that cannot be taken yet (a reply must come first, a lease must come free) is tried again: its bytes stay in
// in_, and nothing behind it is looked at.
#include <string>
#include <utility>

#include "info_section.h"
#include "keyshift/base/ascii.h"
#include "keyshift/base/log.h"
#include "keyshift/proxy/errors.h"
#include "keyshift/proxy/feed.h"
#include "keyshift/proxy/session.h"
#include "keyshift/proxy/tunnel.h"
#include "keyshift/proxy/worker.h"
#include "keyshift/resp/writer.h"
#include "local_commands.h"
#include "local_latencies.h"
#include "session_transactions.h"

namespace keyshift::proxy {

using command::Reply;
using command::Scope;

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
  KEYSHIFT_CHECK(!transactions_->is_whole(), "a transaction broke off in the middle of its burst");
  return taken;
}

size_t Session::parse_requests(std::string_view bytes) {
  using Status = resp::RequestParser::Status;
  size_t taken = 0;
  entry_->query_bytes.store(bytes.size(), std::memory_order_relaxed);
  // The end of a streamed request is seen without a further byte.
  while ((taken < bytes.size() || streaming_) && !finishing_ && !buried_ && !entry_->killed) {
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
  silent_ = replies_ != Replies::kOn;
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
    forget_caching(request);
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
  if (transactions_->is_open() && row.scope != Scope::kTransaction && row.name != "quit" &&
      row.name != "reset") {
    return transactions_->queue(row, request);
  }
  switch (row.scope) {
    case Scope::kShared:
      return forward(row, request);
    case Scope::kBlocks:
      return forward_blocking(row, request);
    case Scope::kTransaction:
      return transactions_->take(row, request);
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

}  // namespace keyshift::proxy
