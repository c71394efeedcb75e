// Session: transactions, from WATCH to EXEC.
//
//   MULTI .. EXEC whole in the buffer    one contiguous burst on the session's connection: the loop lets nobody in between
//   MULTI .. pieces .. EXEC              a lease, and each command is sent to it when it comes
//   WATCH                                a lease until EXEC, DISCARD or UNWATCH: what is watched belongs to the connection
//
// In both forms each command is planned and sent by itself, and the server's QUEUED, or what it has against the command, is
// the client's reply to it; EXEC's reply goes through plan::ExecMapper. A transaction that Keyshift must stop (a command that
// it refuses, a lost connection) gets a DISCARD in EXEC's place: it is executed whole or not at all.
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

bool Session::transaction_command(const command::Row& row, const resp::Request& request) {
  const bool ends = row.name == "exec" || row.name == "discard";
  if (ends && !transaction_) return forward(row, request);  // the server says what is wrong
  if (row.name == "exec") return exec(row, request);
  if (row.name == "discard") {
    leave_transaction("DISCARD");
    return answer_ok(row);
  }
  if (transaction_) return row.name == "unwatch" ? queue(row, request) : ask_in_transaction(row, request);
  if (row.name == "multi") return multi(row, request);
  if (row.name == "watch") return watch(row, request);
  unwatch();
  return answer_ok(row);
}

bool Session::answer_ok(const command::Row& row) {
  worker_.counters().commands[static_cast<size_t>(row.family)].add();
  answer("+OK\r\n");
  return true;
}

// ---- WATCH

bool Session::watch(const command::Row& row, const resp::Request& request) {
  const bool is_first = !holds(Hold::kWatch);
  if (!take_lease(Hold::kWatch)) return false;
  if (lease_ == nullptr) {
    answer_error(errors::no_lease(row.name));
    return true;
  }
  if (is_first) {
    watched_in_life_ = lease_->life();
    watched_by_ = worker_.settings().rules;
  }
  if (!lease_->usable()) {
    answer_unreachable(*lease_);
    release(Hold::kWatch);
    return true;
  }
  // A server that is busy with a script refuses SELECT, but not WATCH: other keys would be watched.
  lease_->require(context().upstream());
  return send(*lease_, row, request, worker_.loop().now_ns());
}

// Nothing is watched any more.
void Session::unwatch() {
  watch_broken_ = false;
  if (!holds(Hold::kWatch)) return;
  if (lease_->usable() && lease_->life() == watched_in_life_) {
    append_word(lease_->out(), resp::own::kUnwatch);
    lease_->expect({.started_ns = worker_.loop().now_ns()});
    lease_->submit();
  }
  release(Hold::kWatch);
}

// What is watched may have changed, and nobody would know: the server that knew of it is lost, or other rules give the keys
// other names.
bool Session::watch_is_lost() const {
  if (watch_broken_) return true;
  return holds(Hold::kWatch) &&
         (lease_->life() != watched_in_life_ || watched_by_ != worker_.settings().rules);
}

// ---- MULTI

// Whether what is at hand behind MULTI reaches to the transaction's end, and has nothing in it that could have to wait. Each
// byte is looked at once: a MULTI that is found to come in pieces is not asked about again.
bool Session::comes_whole(const resp::Request& multi) const {
  if (multi.is_inline()) return false;
  const bool apart =
      worker_.options().scripts_on_leases || worker_.facts().writes_are_paused(worker_.loop().now_ns());
  std::string_view rest = at_hand_.substr(
      static_cast<size_t>(multi.block().data() - at_hand_.data()) + multi.block().size(), kMaxBurstBytes);
  resp::RequestParser& parser = worker_.lookahead();
  parser.next();
  for (size_t requests = 0; requests < kMaxBurstRequests && !rest.empty();) {
    using Status = resp::RequestParser::Status;
    const Status status = parser.parse(rest);
    if (status == Status::kRequest) {
      const resp::Request request = parser.request(rest);
      if (is_word(request[0], "exec") || is_word(request[0], "discard")) return request.size() == 1;
      if (is_word(request[0], "quit") || is_word(request[0], "reset")) return false;
      if (apart && may_go_apart(request)) return false;
      ++requests;
    } else if (status != Status::kEmpty) {
      return false;
    }
    rest.remove_prefix(parser.frame_size());
    parser.next();
  }
  return false;
}

bool Session::multi(const command::Row& row, const resp::Request& request) {
  // Where the upstream may refuse MULTI itself, nothing must be on its way behind it.
  // Who is subscribed is told what EXEC brings behind all that was answered before: EXEC waits for it.
  const bool whole = !in_pieces_ && !listener().asks_upstream && !is_subscribed() && comes_whole(request);
  in_pieces_ = !whole;
  if (!whole && !take_lease(Hold::kTransaction)) return false;
  if (whole) avoid_stuck(true);
  upstream::Connection* const connection = whole ? &target() : lease_;
  const bool usable = connection != nullptr && connection->usable();
  if (usable && must_wait_for(*connection)) return false;
  in_pieces_ = false;
  if (connection != nullptr && connection->needs_login()) {
    answer_unreachable(*connection);
    release(Hold::kTransaction);
    return true;
  }
  transaction_ = std::make_unique<Transaction>(connection, worker_.generation(), database_, whole && usable);
  show_transaction(true);
  if (!usable) {
    transaction_->break_off(connection == nullptr ? errors::no_lease(row.name)
                                                  : errors::upstream_down(connection->failure()));
    return answer_ok(row);
  }
  worker_.counters().commands[static_cast<size_t>(row.family)].add();
  if (tracking_) tracking_->renew();
  if (worker_.options().client_names) connection->call(entry_->name);
  const Begun begun = say_caching(*connection);
  connection->out().append(request.block());
  end_begun(*connection, begun, true);
  await(row, whole ? Pending::Kind::kQueued : Pending::Kind::kMulti, *connection);
  const int upstream = context().upstream();
  if (!connection->is_surely_in(upstream)) {
    // Within, not before: if it is refused (BUSY), so is the transaction, and nothing is executed in another database.
    resp::append_array(connection->out(), 2);
    resp::append_bulk(connection->out(), "SELECT");
    resp::append_bulk_integer(connection->out(), upstream);
    connection->expect({.started_ns = worker_.loop().now_ns()});
    transaction_->add_own_select();
  }
  connection->submit();
  // If the server refuses it, what follows is no transaction.
  selecting_ = !whole;
  return true;
}

// The reply of what was just written comes to the session, which makes of it what its kind says.
void Session::await(const command::Row& row, Pending::Kind kind, upstream::Connection& connection) {
  Pending& pending = pending_.emplace_back();
  pending.row = &row;
  pending.kind = kind;
  pending.steps_left = 1;
  pending.silent = silent_;
  connection.expect(
      {.waiter = this, .started_ns = worker_.loop().now_ns(), .delivery = upstream::Delivery::kStream});
}

// ---- between MULTI and EXEC

// Returns true if the transaction goes on upstream; what stands in its way is the answer to the request under way.
bool Session::transaction_goes_on() {
  Transaction& transaction = *transaction_;
  if (!transaction.is_broken() && !transaction.can_send()) transaction.break_off(errors::kTransactionLost);
  if (!transaction.is_broken()) return true;
  refuse(transaction.reason());
  return false;
}

// MULTI and WATCH are no part of the transaction: the server says what it thinks of them there.
bool Session::ask_in_transaction(const command::Row& row, const resp::Request& request) {
  if (!transaction_goes_on()) return true;
  upstream::Connection& connection = transaction_->connection();
  if (!transaction_->whole() && must_wait_for(connection)) return false;
  connection.out().append(request.block());
  connection.submit();
  await(row, Pending::Kind::kQueued, connection);
  return true;
}

// Returns false if the request must be tried again later; not in a transaction that is whole.
bool Session::queue(const command::Row& row, const resp::Request& request) {
  Transaction& transaction = *transaction_;
  if (transaction.bytes() + sizeof(Transaction::Command) > worker_.options().limits.max_request_bytes) {
    refuse(errors::kLargeTransaction);
    return true;
  }
  switch (row.scope) {
    case Scope::kLocal:
      if (row.name == "select") break;
      if (row.name == "keyshift|reload") {
        refuse(errors::outside_of_transaction(row.name));
      } else if (row.name == "auth" && listener().asks_upstream) {
        refuse(errors::kAuthInMulti);
      } else if (transaction.bytes() + request.block().size() > worker_.options().limits.max_request_bytes) {
        refuse(errors::kLargeTransaction);
      } else if (transaction_goes_on()) {
        transaction.add_here(row, request);
        note_queued(row, request);
        answer(kQueued);
      }
      return true;
    case Scope::kSubscribes:  // what can be answered at EXEC belongs to kLocal, and into answer_in_exec()
    case Scope::kTracks:
      refuse(errors::outside_of_transaction(row.name));
      return true;
    case Scope::kTunnels:
      refuse(errors::kNotInTransaction);
      return true;
    case Scope::kNever:
      refuse(errors::never_possible(row.name));
      return true;
    case Scope::kRefused:
      if (is_allowed(row, request)) {
        note_pause(row, request);
        break;
      }
      refuse(errors::refused_command(row.name));
      return true;
    case Scope::kShared:
    case Scope::kBlocks:       // waits for nothing in a transaction
    case Scope::kFeeds:        // the server refuses it in its place
    case Scope::kTransaction:  // UNWATCH
      break;
  }
  if (!transaction_goes_on()) return true;
  if (!transaction.whole() && must_wait_for(transaction.connection())) return false;
  queue_upstream(row, request);
  return true;
}

void Session::queue_upstream(const command::Row& row, const resp::Request& request) {
  Transaction& transaction = *transaction_;
  upstream::Connection& connection = transaction.connection();
  plan::Plan& plan = worker_.plan();
  const Generation& generation = transaction.generation();
  plan::Context planned = context_of(*generation.settings);
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
    answer(kQueued);
    return;
  }
  if (plan.refusal != plan::Refusal::kNone) {
    if (plan.refusal == plan::Refusal::kUnmatched) count_refused();
    refuse(errors::refused_plan(plan, request, row.name));
    return;
  }
  for (const plan::PlannedKey& key : plan.keys) count_key(generation, key, request[key.at]);
  if (row.runs_script()) note_script(row, request);
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
  if (selects >= 0 && tracking_) tracking_->note_database(static_cast<int>(selects));
  transaction.add(
      plan,
      {.row = &row,
       .domain = plan.keys.empty() ? generation.no_domain : &generation.domain(plan.keys.front().domain),
       .elements = element_hits(row, plan, generation),
       .here = nullptr,
       .keys = static_cast<uint32_t>(plan.keys.size()),
       .selects = static_cast<int>(selects)},
      request.block().size());
}

void Session::note_queued(const command::Row& row, const resp::Request& request) {
  worker_.counters().commands[static_cast<size_t>(row.family)].add();
  entry_->queued.fetch_add(1, std::memory_order_relaxed);
  entry_->queued_bytes.fetch_add(request.block().size(), std::memory_order_relaxed);
}

void Session::show_transaction(bool open) {
  entry_->queued.store(open ? 0 : -1, std::memory_order_relaxed);
  entry_->queued_bytes.store(0, std::memory_order_relaxed);
}

// ---- EXEC and DISCARD

// Gives the transaction up, and what is watched: the server executes nothing of it.
void Session::leave_transaction(std::string_view word) {
  if (transaction_->can_send()) {
    upstream::Connection& connection = transaction_->connection();
    append_word(connection.out(), word);
    connection.expect({.started_ns = worker_.loop().now_ns()});
    connection.submit();
  }
  unwatch();
  forget_transaction();
}

// The server knows nothing of it, or nothing any more.
void Session::forget_transaction() {
  transaction_.reset();
  show_transaction(false);
  release(Hold::kTransaction);
}

bool Session::exec(const command::Row& row, const resp::Request& request) {
  Transaction& transaction = *transaction_;
  if (transaction.failed()) {
    answer_error(errors::kExecAborted);
  } else if (watch_is_lost()) {
    Buffer& reply = worker_.scratch();
    reply.clear();
    resp::append_null_array(reply, protocol_);
    answer(reply.view());
  } else if (transaction.is_broken() || !transaction.can_send()) {
    answer_error(errors::exec_aborted(transaction.is_broken() ? std::string_view(transaction.reason())
                                                              : errors::kTransactionLost));
  } else {
    upstream::Connection& connection = transaction.connection();
    if (!transaction.whole() && must_wait_for(connection)) return false;
    worker_.counters().commands[static_cast<size_t>(row.family)].add();
    connection.out().append(request.block());
    connection.submit();
    await(row, Pending::Kind::kExec, connection);
    pending_.back().held = holding_ = hold_back(row);
    if (transaction.selects()) connection.forget_database();
    selecting_ = transaction.changes_session();
    executing_.push_back(std::move(transaction_));
    watch_broken_ = false;
    release(Hold::kWatch);
    release(Hold::kTransaction);
    return true;
  }
  leave_transaction(resp::own::kDiscard);
  return true;
}

// ---- replies

// The session as the commands of a transaction see it when EXEC's reply comes.
class Session::Executing final : public plan::ExecMapper::Handler {
 public:
  Executing(Session& session, Transaction& transaction) : session_(session), transaction_(transaction) {}

  void on_answered_here(size_t index, Buffer& out) override {
    const Transaction::Command& command = transaction_.command(index);
    if (command.here->args.empty()) {
      out.append(command.here->bytes);
    } else {
      session_.answer_in_exec(*command.row, {command.here->bytes, command.here->args}, out);
    }
  }

  void on_piece(size_t index, std::string_view piece, const resp::ReplyScanner* finished) override {
    const Transaction::Command& command = transaction_.command(index);
    if (command.elements) command.elements->feed(piece);
    if (finished == nullptr) return;
    if (command.selects >= 0 && finished->type() == '+') transaction_.note_selected(command.selects);
    if (command.row->hit != command::Hit::kNone && !command.elements)
      count_hits(*command.row, *command.domain, command.keys, *finished);
  }

 private:
  Session& session_;
  Transaction& transaction_;
};

// Executes a command of the proxy's own in EXEC's place for it, and appends its answer.
void Session::answer_in_exec(const command::Row& row, const resp::Request& request, Buffer& out) {
  answers_exec_ = true;
  if (!LocalCommands::run(row, request, *this, out)) resp::append_error(out, errors::kNotInTransaction);
  answers_exec_ = false;
}

// Takes a reply, or a piece of one, to a request of a transaction.
void Session::on_transaction_reply(Pending& pending, std::string_view bytes,
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
    check_output();
    return;
  }
  if (pending.kind == Pending::Kind::kMulti) {
    selecting_ = false;
    if (finished->type() == '-') forget_transaction();
  } else if (pending.kind == Pending::Kind::kExec) {
    auto& durations = worker_.counters().durations[static_cast<size_t>(pending.row->family)];
    durations.record(worker_.loop().now_ns() - started_ns);
    end_exec();
  }
  complete();
}

void Session::relay_queued(Pending& pending, std::string_view bytes) {
  if (!pending.begun && !bytes.starts_with('+') && !bytes.starts_with('-')) {
    answer_head(errors::kNotQueued);
    return;
  }
  pending.begun = true;
  stream_->out().append(bytes);
  stream_->mark_dirty();
}

void Session::relay_exec(Pending& pending, std::string_view bytes) {
  Transaction& transaction = *executing_.front();
  Executing handler(*this, transaction);
  Buffer unheard;
  Buffer& out = pending.silent ? unheard : pending.held ? held_ : stream_->out();
  const bool is_first = !pending.begun;
  const size_t size = out.size();
  pending.begun = !pending.held;
  if (!transaction.mapper().map(bytes, handler, out))
    refuse_foreign(is_first && out.size() == size, errors::kForeignExec);
  stream_->mark_dirty();
}

// The reply of the request at the head will not come; if it is one of a transaction, nothing more of that is sent.
void Session::on_transaction_lost(Pending& pending) {
  if (transaction_) transaction_->break_off(errors::kTransactionLost);
  if (pending.kind == Pending::Kind::kExec) end_exec();
  if (pending.kind != Pending::Kind::kMulti) return;
  selecting_ = false;
  if (!transaction_) return;
  if (!pending.silent) {
    resp::append_simple(stream_->out(), "OK");
    stream_->mark_dirty();
  }
  pending.answered = true;
}

// EXEC is answered: what it has changed of the session holds for what follows.
void Session::end_exec() {
  const std::unique_ptr<Transaction> transaction = executing_.pop_front();
  if (!transaction_) show_transaction(false);
  if (transaction->changes_session()) selecting_ = false;
  if (transaction->selected() < 0) return;
  pool().note_database(transaction->generation().settings->rules->fold().upstream(transaction->selected()));
  set_database(transaction->selected());
}

}  // namespace keyshift::proxy
