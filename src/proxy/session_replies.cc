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

  if (row.hit == command::Hit::kElements && plan.keys.size() > 1)
    pending.element_domains = element_domains(row, plan);
  pending.held = holding_ = hold_back(row);
  const bool whole = pending.own != nullptr || pending.element_domains != nullptr || pending.held;
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
  if (pending.kind != Pending::Kind::kOrdinary) {
    on_transaction_reply(pending, bytes, finished, started_ns);
    return;
  }
  if (!pending.answered && !pending.silent) relay(pending, bytes, finished != nullptr);
  if (finished == nullptr) {
    check_output();
    return;
  }
  if (pending.selects >= 0 && finished->type() == '+') {
    pool().note_database(pending.selects);
    set_database(pending.selects);
  }
  if (pending.row->scope == command::Scope::kTracks) settle_tracking(finished->type() != '-');
  if (streaming_)
    streaming_->lost = true;  // an answer before the request's end: nothing of the rest may be sent
  if (pending.row->hit != command::Hit::kNone && !pending.answered) {
    count_hits(*pending.row, *pending.domain, pending.keys, pending.element_domains.get(), bytes, *finished);
  }
  if (--pending.steps_left > 0) return;
  // How long a command waited for others says nothing about us.
  if (started_ns != upstream::Connection::kNoDeadline) {
    auto& durations = worker_.counters().durations[static_cast<size_t>(pending.row->family)];
    durations.record(worker_.loop().now_ns() - started_ns);
  }
  complete();
}

void Session::relay(Pending& pending, std::string_view bytes, bool finished) {
  Buffer& out = pending.held ? held_ : stream_->out();
  if (pending.map) {
    pending.mapper->map(bytes, out);
  } else if (pending.own && pending.own->info) {
    append_info(bytes, worker_, pending.own->section, protocol_, out);
  } else if (pending.own) {
    worker_.latencies().merge(bytes, pending.own->commands, worker_.table(), protocol_, out);
  } else if (pending.mapper && (bytes.starts_with('-') || !error_.empty()) && !pending.begun) {
    error_.append(bytes);
    if (!finished) return;
    pending.mapper->map_error(error_.view(), out);
    error_.clear();
  } else {
    pending.begun = !pending.held;
    out.append(bytes);
  }
  stream_->mark_dirty();
}

// Null if all elements of the reply are about keys of one domain. Then the reply need not be whole to be counted.
ElementDomains Session::element_domains(const command::Row& row, const plan::Plan& plan) const {
  const auto& keys = plan.keys;
  const Generation& generation = *worker_.generation();
  const auto domain_of = [&generation](const plan::PlannedKey& key) {
    return &generation.domain(key.domain);
  };
  if (row.hit != command::Hit::kElements ||
      std::ranges::all_of(keys, [&](const auto& key) { return domain_of(key) == domain_of(keys.front()); })) {
    return nullptr;
  }
  auto domains = std::make_unique<std::vector<telemetry::DomainStats*>>();
  for (const auto& key : keys) domains->push_back(domain_of(key));
  return domains;
}

// `reply` is whole if there are `element_domains`.
void Session::count_hits(const command::Row& row, telemetry::DomainStats& domain, uint32_t keys,
                         const std::vector<telemetry::DomainStats*>* element_domains, std::string_view reply,
                         const resp::ReplyScanner& scanner) {
  if (element_domains == nullptr || scanner.type() != '*') {
    const plan::HitCount count = plan::count_hits(row.hit, scanner, keys);
    domain.hits.add(count.hits);
    domain.misses.add(count.misses);
    return;
  }
  resp::ReplyCursor cursor(reply);
  cursor.next();
  for (telemetry::DomainStats* const each : *element_domains) {
    if (cursor.done()) break;
    (cursor.next().is_null ? each->misses : each->hits).add();
  }
}

// The request at the head is answered: it leaves, and the local replies that waited for it with it.
void Session::complete() {
  if (pending_.front().selects >= 0) selecting_ = false;
  if (pending_.pop_front().held) subscriber_->fence();
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
    if (transaction_) forget_transaction();
  }
  on_transaction_lost(pending);
  answer_head(wants_login ? std::string(errors::kNoAuth) : errors::upstream_lost(loss, reason));
  if (streaming_) streaming_->lost = true;
  if (--pending.steps_left > 0) return;
  if (pending.row->scope == command::Scope::kTracks) settle_tracking(false);
  complete();
}

}  // namespace keyshift::proxy
