// Session: requests with an argument that is too large to be collected. They are relayed while they arrive, on a connection
// that is borrowed for them; what only the arguments behind the large one can tell is plan::StreamedTail's.
#include <utility>

#include "keyshift/proxy/errors.h"
#include "keyshift/proxy/session.h"
#include "keyshift/proxy/worker.h"
#include "keyshift/resp/writer.h"
#include "session_tracking.h"
#include "session_transactions.h"

namespace keyshift::proxy {

using command::Scope;

// Begins to relay the request whose first large argument is on its way. Returns false if it is to be collected: what
// becomes of it is then decided like that of any other.
bool Session::begin_large(std::string_view bytes) {
  const resp::Request prefix = parser_.request(bytes);
  if (prefix.empty() || transactions_->is_open() || feed_ || is_subscribed()) return false;
  const command::Match match =
      worker_.table().find(prefix[0], prefix.size() > 1 ? prefix[1] : std::string_view());
  if (match.outcome != command::Match::Outcome::kFound || match.row->scope != Scope::kShared ||
      !match.row->takes(parser_.announced_arguments()) || !authenticated_) {
    return false;
  }
  // A lease keeps what the server is to know of this request.
  borrowed_ = lease_ != nullptr ? lease_ : pool().borrow(protocol_);
  if (borrowed_ == nullptr) return false;
  if (!borrowed_->usable()) {
    end_borrowing();
    return false;
  }
  const Begun begun = begin_on(*borrowed_, context().upstream());
  plan::Plan& plan = worker_.plan();
  auto tail = worker_.planner().make_streamed(*match.row, prefix, parser_.announced_arguments(), context(),
                                              borrowed_->out(), plan);
  borrowed_->submit();
  end_begun(*borrowed_, begun, tail != nullptr);
  if (!tail) {
    // The injected SELECT may be under way; its reply is dropped wherever the connection goes.
    end_borrowing();
    return false;
  }
  forget_caching(prefix);
  silent_ = replies_ != Replies::kOn;
  if (replies_ == Replies::kSkipNext) replies_ = Replies::kOn;
  entry_->command.store(match.row->name.data(), std::memory_order_relaxed);
  const Generation& generation = *worker_.generation();
  for (const plan::PlannedKey& key : plan.keys) count_key(generation, key, prefix[key.at]);
  if (match.row->runs_script()) note_script(*match.row, prefix);
  expect(*match.row, prefix, plan, upstream::Connection::kNoDeadline);
  streaming_ = std::make_unique<Streaming>();
  streaming_->tail = std::move(tail);
  streaming_->generation = worker_.generation();
  return true;
}

void Session::end_borrowing() {
  if (borrowed_ != lease_) pool().give_back(borrowed_);
  borrowed_ = nullptr;
}

// Relays what is there of a large request. Returns false when more must arrive, or what is there must be sent, first.
bool Session::take_streamed(std::string_view bytes, size_t& taken) {
  using Kind = resp::StreamEvent::Kind;
  if (!streaming_->lost && must_wait_for(*borrowed_)) {
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
  if (tracking_) tracking_->renew();
  parser_.next();
  if (pending_.empty()) end_borrowing();
}

}  // namespace keyshift::proxy
