// Session: transactions, from WATCH to EXEC.
//
//   MULTI .. EXEC whole in the buffer    one contiguous burst on the session's connection: the loop lets nobody in between
//   MULTI .. pieces .. EXEC              a lease, and each command is sent to it when it comes
//   WATCH                                a lease until EXEC, DISCARD or UNWATCH: what is watched belongs to the connection
//
// In both forms each command is planned and sent by itself, and the server's QUEUED, or what it has against the
// command, is the client's reply to it; EXEC's reply goes through plan::ExecMapper. A transaction that Keyshift must
// stop (a command that it refuses, a lost connection) gets a DISCARD in EXEC's place: it is executed whole or not at
// all.
#include "session_transactions.h"

#include <string>
#include <utility>

#include "keyshift/base/ascii.h"
#include "keyshift/proxy/errors.h"
#include "keyshift/proxy/session.h"
#include "keyshift/proxy/worker.h"
#include "keyshift/resp/number.h"
#include "keyshift/resp/own_words.h"
#include "keyshift/resp/writer.h"
#include "local_commands.h"
#include "session_tracking.h"

namespace keyshift::proxy {

using command::Scope;

namespace {

// A burst is written to a connection that others share whatever waits there: what is larger takes a lease.
constexpr size_t kMaxBurstRequests = 1'000;
constexpr size_t kMaxBurstBytes = 256 << 10;

constexpr std::string_view kQueued = "+QUEUED\r\n";

void append_word(Buffer& out, std::string_view word) {
  resp::append_array(out, 1);
  resp::append_bulk(out, word);
}

}  // namespace

Session::Transactions::Transactions(Session& session) : session_(session), worker_(session.worker_) {}

bool Session::Transactions::take(const command::Row& row, const resp::Request& request) {
  const bool ends = row.name == "exec" || row.name == "discard";
  if (ends && !open_) return session_.forward(row, request);  // the server says what is wrong
  if (row.name == "exec") return exec(row, request);
  if (row.name == "discard") {
    discard();
    return session_.answer_ok(row);
  }
  if (open_) return row.name == "unwatch" ? queue(row, request) : ask_server(row, request);
  if (row.name == "multi") return multi(row, request);
  if (row.name == "watch") return watch(row, request);
  unwatch();
  return session_.answer_ok(row);
}

// ---- WATCH

bool Session::Transactions::watch(const command::Row& row, const resp::Request& request) {
  const bool is_first = !session_.holds(Hold::kWatch);
  if (!session_.take_lease(Hold::kWatch)) return false;
  if (session_.lease_ == nullptr) {
    session_.answer_error(errors::no_lease(row.name));
    return true;
  }
  if (is_first) {
    watched_in_life_ = session_.lease_->life();
    watched_by_ = worker_.settings().rules;
  }
  if (!session_.lease_->usable()) {
    session_.answer_unreachable(*session_.lease_);
    session_.release(Hold::kWatch);
    return true;
  }
  // A server that is busy with a script refuses SELECT, but not WATCH: other keys would be watched.
  session_.lease_->require(session_.context().upstream());
  return session_.send(*session_.lease_, row, request, worker_.loop().now_ns());
}

void Session::Transactions::break_watch() {
  watch_broken_ = session_.holds(Hold::kWatch);
}

// Nothing is watched any more.
void Session::Transactions::unwatch() {
  watch_broken_ = false;
  if (!session_.holds(Hold::kWatch)) return;
  if (session_.lease_->usable() && session_.lease_->life() == watched_in_life_) {
    append_word(session_.lease_->out(), resp::own::kUnwatch);
    session_.lease_->expect({.started_ns = worker_.loop().now_ns()});
    session_.lease_->submit();
  }
  session_.release(Hold::kWatch);
}

// What is watched may have changed, and nobody would know: the server that knew of it is lost, or other rules give the keys
// other names.
bool Session::Transactions::watch_is_lost() const {
  if (watch_broken_) return true;
  return session_.holds(Hold::kWatch) &&
         (session_.lease_->life() != watched_in_life_ || watched_by_ != worker_.settings().rules);
}

// ---- MULTI

// Whether what is at hand behind MULTI reaches to the transaction's end, and has nothing in it that could have to wait. Each
// byte is looked at once: a MULTI that is found to come in pieces is not asked about again.
bool Session::Transactions::comes_whole(const resp::Request& multi) const {
  if (multi.is_inline()) return false;
  const bool apart =
      worker_.options().scripts_on_leases || worker_.facts().writes_are_paused(worker_.loop().now_ns());
  std::string_view rest = session_.at_hand_.substr(
      static_cast<size_t>(multi.block().data() - session_.at_hand_.data()) + multi.block().size(),
      kMaxBurstBytes);
  resp::RequestParser& parser = worker_.lookahead();
  parser.next();
  for (size_t requests = 0; requests < kMaxBurstRequests && !rest.empty();) {
    using Status = resp::RequestParser::Status;
    const Status status = parser.parse(rest);
    if (status == Status::kRequest) {
      const resp::Request request = parser.request(rest);
      if (is_word(request[0], "exec") || is_word(request[0], "discard")) return request.size() == 1;
      if (is_word(request[0], "quit") || is_word(request[0], "reset")) return false;
      if (apart && session_.may_go_apart(request)) return false;
      ++requests;
    } else if (status != Status::kEmpty) {
      return false;
    }
    rest.remove_prefix(parser.frame_size());
    parser.next();
  }
  return false;
}

bool Session::Transactions::multi(const command::Row& row, const resp::Request& request) {
  // Where the upstream may refuse MULTI itself, nothing must be on its way behind it.
  // Who is subscribed is told what EXEC brings behind all that was answered before: EXEC waits for it.
  const bool whole =
      !in_pieces_ && !session_.listener().asks_upstream && !session_.is_subscribed() && comes_whole(request);
  in_pieces_ = !whole;
  if (!whole && !session_.take_lease(Hold::kTransaction)) return false;
  if (whole) session_.avoid_stuck(true);
  upstream::Connection* const connection = whole ? &session_.target() : session_.lease_;
  const bool usable = connection != nullptr && connection->usable();
  if (usable && session_.must_wait_for(*connection)) return false;
  in_pieces_ = false;
  if (connection != nullptr && connection->needs_login()) {
    session_.answer_unreachable(*connection);
    session_.release(Hold::kTransaction);
    return true;
  }
  open_ =
      std::make_unique<Transaction>(connection, worker_.generation(), session_.database_, whole && usable);
  show(true);
  if (!usable) {
    open_->break_off(connection == nullptr ? errors::no_lease(row.name)
                                           : errors::upstream_down(connection->failure()));
    return session_.answer_ok(row);
  }
  worker_.counters().commands[static_cast<size_t>(row.family)].add();
  if (session_.tracking_) session_.tracking_->renew();
  if (worker_.options().client_names) connection->call(session_.entry_->name);
  const Begun begun = session_.say_caching(*connection);
  connection->out().append(request.block());
  session_.end_begun(*connection, begun, true);
  await(row, whole ? Pending::Kind::kQueued : Pending::Kind::kMulti, *connection);
  const int upstream = session_.context().upstream();
  if (!connection->is_surely_in(upstream)) {
    // Within, not before: if it is refused (BUSY), so is the transaction, and nothing is executed in another database.
    resp::append_array(connection->out(), 2);
    resp::append_bulk(connection->out(), "SELECT");
    resp::append_bulk_integer(connection->out(), upstream);
    connection->expect({.started_ns = worker_.loop().now_ns()});
    open_->add_own_select();
  }
  connection->submit();
  // If the server refuses it, what follows is no transaction.
  session_.selecting_ = !whole;
  return true;
}

// The reply of what was just written comes to the session, which makes of it what its kind says.
void Session::Transactions::await(const command::Row& row, Pending::Kind kind,
                                  upstream::Connection& connection) {
  Pending& pending = session_.pending_.emplace_back();
  pending.row = &row;
  pending.kind = kind;
  pending.steps_left = 1;
  pending.silent = session_.silent_;
  connection.expect(
      {.waiter = &session_, .started_ns = worker_.loop().now_ns(), .delivery = upstream::Delivery::kStream});
}

// ---- between MULTI and EXEC

// Returns true if the transaction goes on upstream; what stands in its way is the answer to the request under way.
bool Session::Transactions::goes_on() {
  Transaction& transaction = *open_;
  if (!transaction.is_broken() && !transaction.can_send()) transaction.break_off(errors::kTransactionLost);
  if (!transaction.is_broken()) return true;
  session_.refuse(transaction.reason());
  return false;
}

// MULTI and WATCH are no part of the transaction: the server says what it thinks of them there.
bool Session::Transactions::ask_server(const command::Row& row, const resp::Request& request) {
  if (!goes_on()) return true;
  upstream::Connection& connection = open_->connection();
  if (!open_->whole() && session_.must_wait_for(connection)) return false;
  connection.out().append(request.block());
  connection.submit();
  await(row, Pending::Kind::kQueued, connection);
  return true;
}

void Session::Transactions::fail() {
  if (open_) open_->fail();
}

bool Session::Transactions::queue(const command::Row& row, const resp::Request& request) {
  Transaction& transaction = *open_;
  if (transaction.bytes() + sizeof(Transaction::Command) > worker_.options().limits.max_request_bytes) {
    session_.refuse(errors::kLargeTransaction);
    return true;
  }
  switch (row.scope) {
    case Scope::kLocal:
      if (row.name == "select") break;
      if (row.name == "keyshift|reload") {
        session_.refuse(errors::outside_of_transaction(row.name));
      } else if (row.name == "auth" && session_.listener().asks_upstream) {
        session_.refuse(errors::kAuthInMulti);
      } else if (transaction.bytes() + request.block().size() > worker_.options().limits.max_request_bytes) {
        session_.refuse(errors::kLargeTransaction);
      } else if (goes_on()) {
        transaction.add_here(row, request);
        note_queued(row, request);
        session_.answer(kQueued);
      }
      return true;
    case Scope::kSubscribes:  // what can be answered at EXEC belongs to kLocal, and into on_answered_here()
    case Scope::kTracks:
      session_.refuse(errors::outside_of_transaction(row.name));
      return true;
    case Scope::kTunnels:
      session_.refuse(errors::kNotInTransaction);
      return true;
    case Scope::kNever:
      session_.refuse(errors::never_possible(row.name));
      return true;
    case Scope::kRefused:
      if (session_.is_allowed(row, request)) {
        session_.note_pause(row, request);
        break;
      }
      session_.refuse(errors::refused_command(row.name));
      return true;
    case Scope::kShared:
    case Scope::kBlocks:       // waits for nothing in a transaction
    case Scope::kFeeds:        // the server refuses it in its place
    case Scope::kTransaction:  // UNWATCH
      break;
  }
  if (!goes_on()) return true;
  if (!transaction.whole() && session_.must_wait_for(transaction.connection())) return false;
  queue_upstream(row, request);
  return true;
}

void Session::Transactions::queue_upstream(const command::Row& row, const resp::Request& request) {
  Transaction& transaction = *open_;
  upstream::Connection& connection = transaction.connection();
  plan::Plan& plan = worker_.plan();
  const Generation& generation = transaction.generation();
  plan::Context planned = session_.context_of(*generation.settings);
  planned.database = transaction.database();
  planned.may_block = true;
  planned.in_transaction = true;
  worker_.planner().make(row, request, planned, connection.out(), plan);
  connection.submit();
  if (plan.refusal == plan::Refusal::kMalformed) {
    // Redis finds it when it executes the command, and says so in its place.
    Buffer& reply = worker_.scratch();
    reply.clear();
    resp::append_error(reply, plan.error);
    transaction.add_answer(row, std::string(reply.view()));
    note_queued(row, request);
    session_.answer(kQueued);
    return;
  }
  if (plan.refusal != plan::Refusal::kNone) {
    if (plan.refusal == plan::Refusal::kUnmatched) session_.count_refused();
    session_.refuse(errors::refused_plan(plan, request, row.name));
    return;
  }
  for (const plan::PlannedKey& key : plan.keys) session_.count_key(generation, key, request[key.at]);
  if (row.runs_script()) session_.note_script(row, request);
  note_queued(row, request);
  // Of the steps of a command one tells the client that it is queued.
  bool told = false;
  for (const plan::Disposition step : plan.steps) {
    if (told || step == plan::Disposition::kDiscard) {
      connection.expect({.started_ns = worker_.loop().now_ns()});
    } else {
      await(row, Pending::Kind::kQueued, connection);
      told = true;
    }
  }
  int64_t selects = -1;
  if (row.name == "select" && (!resp::parse_integer(request[1], selects) || selects > INT32_MAX ||
                               !planned.rules->fold().has(static_cast<int>(selects))))
    selects = -1;
  if (selects >= 0 && session_.tracking_) session_.tracking_->note_database(static_cast<int>(selects));
  transaction.add(
      plan,
      {.row = &row,
       .domain = plan.keys.empty() ? generation.no_domain : &generation.domain(plan.keys.front().domain),
       .elements = row.hit == command::Hit::kElements ? session_.element_hits(plan, generation) : nullptr,
       .here = nullptr,
       .keys = static_cast<uint32_t>(plan.keys.size()),
       .selects = static_cast<int>(selects)},
      request.block().size());
}

void Session::Transactions::note_queued(const command::Row& row, const resp::Request& request) {
  worker_.counters().commands[static_cast<size_t>(row.family)].add();
  session_.entry_->queued.fetch_add(1, std::memory_order_relaxed);
  session_.entry_->queued_bytes.fetch_add(request.block().size(), std::memory_order_relaxed);
}

void Session::Transactions::show(bool open) {
  session_.entry_->queued.store(open ? 0 : -1, std::memory_order_relaxed);
  session_.entry_->queued_bytes.store(0, std::memory_order_relaxed);
}

// ---- EXEC and DISCARD

void Session::Transactions::discard() {
  if (!open_) return;
  if (open_->can_send()) {
    upstream::Connection& connection = open_->connection();
    append_word(connection.out(), resp::own::kDiscard);
    connection.expect({.started_ns = worker_.loop().now_ns()});
    connection.submit();
  }
  unwatch();
  forget();
}

void Session::Transactions::forget() {
  if (!open_) return;
  open_.reset();
  show(false);
  session_.release(Hold::kTransaction);
}

bool Session::Transactions::exec(const command::Row& row, const resp::Request& request) {
  Transaction& transaction = *open_;
  if (transaction.failed()) {
    session_.answer_error(errors::kExecAborted);
  } else if (watch_is_lost()) {
    Buffer& reply = worker_.scratch();
    reply.clear();
    resp::append_null_array(reply, session_.protocol_);
    session_.answer(reply.view());
  } else if (transaction.is_broken() || !transaction.can_send()) {
    session_.answer_error(errors::exec_aborted(
        transaction.is_broken() ? std::string_view(transaction.reason()) : errors::kTransactionLost));
  } else {
    upstream::Connection& connection = transaction.connection();
    if (!transaction.whole() && session_.must_wait_for(connection)) return false;
    worker_.counters().commands[static_cast<size_t>(row.family)].add();
    connection.out().append(request.block());
    connection.submit();
    await(row, Pending::Kind::kExec, connection);
    session_.pending_.back().held = session_.holding_ = session_.hold_back(row);
    if (transaction.selects()) connection.forget_database();
    session_.selecting_ = transaction.changes_session();
    executing_.push_back(std::move(open_));
    watch_broken_ = false;
    session_.release(Hold::kWatch);
    session_.release(Hold::kTransaction);
    return true;
  }
  discard();
  return true;
}

// ---- replies

// It is now that a command of the proxy's own is executed.
void Session::Transactions::on_answered_here(size_t index, Buffer& out) {
  const Transaction::Command& command = executing_.front()->command(index);
  if (command.here->args.empty()) return out.append(command.here->bytes);
  const resp::Request request(command.here->bytes, command.here->args);
  answers_exec_ = true;
  if (!LocalCommands::run(*command.row, request, session_, out))
    resp::append_error(out, errors::kNotInTransaction);
  answers_exec_ = false;
}

void Session::Transactions::on_piece(size_t index, std::string_view piece,
                                     const resp::ReplyScanner* finished) {
  Transaction& transaction = *executing_.front();
  const Transaction::Command& command = transaction.command(index);
  if (command.elements) command.elements->feed(piece);
  if (finished == nullptr) return;
  if (command.selects >= 0 && finished->type() == '+') transaction.note_selected(command.selects);
  if (command.row->hit != command::Hit::kNone && !command.elements)
    count_hits(*command.row, *command.domain, command.keys, *finished);
}

void Session::Transactions::on_reply(Pending& pending, std::string_view bytes,
                                     const resp::ReplyScanner* finished, uint64_t started_ns) {
  switch (pending.kind) {
    case Pending::Kind::kMulti:
    case Pending::Kind::kQueued:
      if (!pending.answered && !pending.silent) relay_queued(pending, bytes);
      break;
    case Pending::Kind::kExec:
      if (!pending.answered) relay_exec(pending, bytes);
      break;
    case Pending::Kind::kOrdinary:
      break;
  }
  if (finished == nullptr) {
    session_.check_output();
    return;
  }
  if (pending.kind == Pending::Kind::kMulti) {
    session_.selecting_ = false;
    if (finished->type() == '-') forget();
  } else if (pending.kind == Pending::Kind::kExec) {
    auto& durations = worker_.counters().durations[static_cast<size_t>(pending.row->family)];
    durations.record(worker_.loop().now_ns() - started_ns);
    end_exec();
  }
  session_.complete();
}

void Session::Transactions::relay_queued(Pending& pending, std::string_view bytes) {
  if (!pending.begun && !bytes.starts_with('+') && !bytes.starts_with('-')) {
    session_.answer_head(errors::kNotQueued);
    return;
  }
  pending.begun = true;
  session_.stream_->out().append(bytes);
  session_.stream_->mark_dirty();
}

void Session::Transactions::relay_exec(Pending& pending, std::string_view bytes) {
  Buffer unheard;
  Buffer& out = pending.silent ? unheard : pending.held ? session_.held_ : session_.stream_->out();
  const bool is_first = !pending.begun;
  const size_t size = out.size();
  pending.begun = !pending.held;
  if (!executing_.front()->mapper().map(bytes, *this, out)) {
    out.truncate(size);
    session_.refuse_foreign(is_first, errors::kForeignExec);
  }
  session_.stream_->mark_dirty();
}

// Nothing more of the open one is sent.
void Session::Transactions::on_lost(Pending& pending) {
  if (open_) open_->break_off(errors::kTransactionLost);
  if (pending.kind == Pending::Kind::kExec) end_exec();
  if (pending.kind != Pending::Kind::kMulti) return;
  session_.selecting_ = false;
  if (!open_) return;
  if (!pending.silent) {
    resp::append_simple(session_.stream_->out(), "OK");
    session_.stream_->mark_dirty();
  }
  pending.answered = true;
}

// EXEC is answered: what it has changed of the session holds for what follows.
void Session::Transactions::end_exec() {
  const std::unique_ptr<Transaction> transaction = executing_.pop_front();
  if (!open_) show(false);
  if (transaction->changes_session()) session_.selecting_ = false;
  if (transaction->selected() < 0) return;
  session_.pool().note_database(
      transaction->generation().settings->rules->fold().upstream(transaction->selected()));
  session_.set_database(transaction->selected());
}

}  // namespace keyshift::proxy
