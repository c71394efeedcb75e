// Session: what is owed to the client, and what comes back for it. Replies leave in the order of the requests, and what is
// counted of a request is counted here.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "info_section.h"
#include "keyshift/plan/hits.h"
#include "keyshift/proxy/errors.h"
#include "keyshift/proxy/session.h"
#include "keyshift/proxy/worker.h"
#include "keyshift/resp/reply_cursor.h"
#include "keyshift/resp/writer.h"
#include "local_latencies.h"
#include "session_tracking.h"
#include "session_transactions.h"

namespace keyshift::proxy {

using command::Reply;

namespace {

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

void Session::count_refused() {
  worker_.counters().unmatched[static_cast<size_t>(telemetry::UnmatchedAction::kRefuse)].add();
}

void Session::count_key(const Generation& generation, const plan::PlannedKey& key, std::string_view name) {
  if (key.by_other_name) worker_.names_in_use().note_other(listener_);
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
  Pending& pending = pending_.emplace_back();
  pending.row = &row;
  pending.mapper = std::move(plan.mapper);
  pending.keys = static_cast<uint32_t>(plan.keys.size());
  pending.domain = plan.keys.empty() ? generation.no_domain : &generation.domain(plan.keys.front().domain);
  pending.silent = silent_;
  if (row.reply == Reply::kInfo) {
    pending.own = std::make_unique<OwnPart>(OwnPart{true, info_wants_ours(request), {}});
  } else if (row.reply == Reply::kHistograms) {
    pending.own = std::make_unique<OwnPart>(OwnPart{false, false, histogram_words(request)});
  }
  worker_.counters().commands[static_cast<size_t>(row.family)].add();

  if (row.hit == command::Hit::kElements) pending.elements = element_hits(plan, generation);
  pending.held = holding_ = hold_back(row);
  const bool whole = pending.own != nullptr || pending.held;
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

bool Session::answer_ok(const command::Row& row) {
  worker_.counters().commands[static_cast<size_t>(row.family)].add();
  answer("+OK\r\n");
  return true;
}

// Answers a command with an error; a transaction that it was for can only be aborted.
void Session::refuse(std::string_view text) {
  transactions_->fail();
  answer_error(text);
}

// Refuses a command before it is looked at any further. EXEC, too, ends its transaction then (rejectCommand() in Redis).
void Session::reject(const command::Row& row, std::string_view text) {
  if (row.reply != Reply::kExec) {
    refuse(text);
    return;
  }
  transactions_->discard();
  answer_error(errors::exec_aborted(text.starts_with("ERR ") ? text.substr(4) : text));
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
  if (pending.kind != Pending::Kind::kOrdinary) {
    transactions_->on_reply(pending, bytes, finished, started_ns);
    return;
  }
  if (pending.elements && !pending.answered) pending.elements->feed(bytes);
  // Its wait has been ended since it is killed: it does not live to hear of it, but what it has taken it gets.
  if (entry_->killed && holds(Hold::kBlocked) && finished != nullptr)
    pending.answered = pending.answered || finished->is_null() || finished->type() == ':';
  const bool fits = pending.answered || pending.silent || relay(pending, bytes, finished != nullptr);
  // Whoever else waits on the connection must not get the next reply that comes.
  upstream::Connection* const foreign = fits ? nullptr : borrowed_ != nullptr ? borrowed_ : &target();
  if (finished == nullptr || buried_) {
    if (foreign != nullptr) {
      foreign->abort("a reply does not fit its command");
    } else {
      check_output();
    }
    return;
  }
  if (pending.selects >= 0 && finished->type() == '+') {
    pool().note_database(pending.selects);
    set_database(pending.selects);
  }
  if (pending.row->scope == command::Scope::kTracks && !tracking_->settle(finished->type() != '-'))
    end_tracking();
  if (streaming_)
    streaming_->lost = true;  // an answer before the request's end: nothing of the rest may be sent
  if (pending.row->hit != command::Hit::kNone && !pending.elements && !pending.answered)
    count_hits(*pending.row, *pending.domain, pending.keys, *finished);
  if (--pending.steps_left > 0) {
    if (foreign != nullptr) foreign->abort("a reply does not fit its command");
    return;
  }
  // How long a command waited for others says nothing about us.
  if (started_ns != upstream::Connection::kNoDeadline) {
    auto& durations = worker_.counters().durations[static_cast<size_t>(pending.row->family)];
    durations.record(worker_.loop().now_ns() - started_ns);
  }
  complete();
  if (foreign != nullptr) foreign->abort("a reply does not fit its command");
}

// Returns false if the reply is none to this command: the client was told so, or is gone if half of a reply has left.
bool Session::relay(Pending& pending, std::string_view bytes, bool finished) {
  Buffer& out = pending.held ? held_ : stream_->out();
  if (pending.map) {
    if (!pending.mapper->map(bytes, out)) {
      refuse_foreign(true, errors::kForeignReply);
      return false;
    }
  } else if (pending.own && pending.own->info) {
    append_info(bytes, worker_, pending.own->section, protocol_, out);
  } else if (pending.own) {
    worker_.latencies().merge(bytes, pending.own->commands, worker_.table(), protocol_, out);
  } else if (pending.mapper && (bytes.starts_with('-') || !error_.empty()) && !pending.begun) {
    error_.append(bytes);
    if (!finished) return true;
    pending.mapper->map_error(error_.view(), out);
    error_.clear();
  } else {
    const bool is_first = !pending.begun;
    const size_t size = out.size();
    pending.begun = !pending.held;
    if (!pending.mapper) {
      out.append(bytes);
    } else if (!pending.mapper->pass(bytes, out)) {
      out.truncate(size);
      refuse_foreign(is_first, errors::kForeignReply);
      return false;
    }
  }
  stream_->mark_dirty();
  return true;
}

// What came for the request at the head is no reply to it. Where nothing of it has left, the client can be told so.
void Session::refuse_foreign(bool nothing_left, std::string_view text) {
  if (nothing_left) {
    answer_head(text);
  } else {
    worker_.counters().clients_dropped.add();
    kill();
  }
}

// Null if all elements of the reply are about keys of one domain.
std::unique_ptr<ElementHits> Session::element_hits(const plan::Plan& plan, const Generation& generation) {
  if (plan.keys.size() < 2) return nullptr;
  const auto domain_of = [&generation](const plan::PlannedKey& key) {
    return &generation.domain(key.domain);
  };
  telemetry::DomainStats* const first = domain_of(plan.keys.front());
  if (std::ranges::all_of(plan.keys, [&](const auto& key) { return domain_of(key) == first; }))
    return nullptr;
  std::vector<telemetry::DomainStats*> domains;
  for (const auto& key : plan.keys) domains.push_back(domain_of(key));
  return std::make_unique<ElementHits>(std::move(domains));
}

void Session::count_hits(const command::Row& row, telemetry::DomainStats& domain, uint32_t keys,
                         const resp::ReplyScanner& scanner) {
  const plan::HitCount count = plan::count_hits(row.hit, scanner, keys);
  domain.hits.add(count.hits);
  domain.misses.add(count.misses);
}

// The request at the head is answered: it leaves, and the local replies that waited for it with it.
void Session::complete() {
  if (pending_.front().selects >= 0) selecting_ = false;
  const bool held = pending_.front().held;
  pending_.drop_front();
  if (held) subscriber_->fence();
  expected_reply_bytes_ = std::max({expected_reply_bytes_ - expected_reply_bytes_ / kReplyMemory,
                                    std::exchange(reply_bytes_, 0), kSmallestReply});
  entry_->reply_bytes.store(expected_reply_bytes_, std::memory_order_relaxed);
  while (!pending_.empty() && pending_.front().row == nullptr) {
    const size_t size = pending_.pop_front().local_bytes;
    stream_->out().append(deferred_.view().substr(0, size));
    deferred_.consume(size);
    stream_->mark_dirty();
  }
  if (!pushes_.empty()) push(std::exchange(pushes_, {}).view());
  if (pending_.empty() && lease_ != nullptr) {
    if (holds(Hold::kBlocked)) show_blocked(false);
    drop_reason(Hold::kBlocked);
    release(Hold::kAnswer);
  }
  if (borrowed_ != nullptr && pending_.empty() && !streaming_) {
    // EXPIRE steps may still be owed; whoever borrows it next is served behind them.
    end_borrowing();
  }
  check_output();
  if (stalled_ && !must_wait()) resume();
  end_if_done();
}

// Answers the request at the head by an error of ours, unless it has been; what the upstream still says of it is dropped.
void Session::answer_head(std::string_view text) {
  Pending& pending = pending_.front();
  if (pending.held) held_.clear();
  if (!pending.answered && !pending.silent) {
    worker_.counters().client_errors.add();
    resp::append_error(stream_->out(), text);
    stream_->mark_dirty();
  }
  pending.answered = true;
}

void Session::push(std::string_view frame) {
  if (buried_) return;
  if (!pending_.empty() && pending_.front().begun) {
    pushes_.append(frame);
  } else {
    stream_->out().append(frame);
    stream_->mark_dirty();
  }
  check_output();
}

void Session::on_lost(upstream::Loss loss, std::string_view reason) {
  if (buried_) return;
  // The upstream has given up what the client waited for, since that has ended.
  if (end_passed_ns_ != 0 && holds(Hold::kBlocked)) {
    kill();
    return;
  }
  Pending& pending = pending_.front();
  if (pending.begun && !pending.silent) {
    // Half a reply has left: no error can be told from the rest of it.
    worker_.counters().clients_dropped.add();
    kill();
    return;
  }
  error_.clear();
  const bool wants_login = loss == upstream::Loss::kNotSent && !by_upstream_ && listener().asks_upstream &&
                           connection_ != nullptr && connection_->needs_login();
  if (wants_login) {
    set_authenticated(false);
    transactions_->forget();
  }
  transactions_->on_lost(pending);
  answer_head(wants_login ? std::string(errors::kNoAuth) : errors::upstream_lost(loss, reason));
  if (streaming_) streaming_->lost = true;
  if (--pending.steps_left > 0) return;
  if (pending.row->scope == command::Scope::kTracks && !tracking_->settle(false)) end_tracking();
  complete();
}

}  // namespace keyshift::proxy
