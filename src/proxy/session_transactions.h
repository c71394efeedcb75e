// Session::Transactions: what a client watches, the transaction that it is in, and those whose EXEC is not answered yet.
//
// Each command of a transaction is planned and sent by itself, and the server's QUEUED, or what it has against the command,
// is the client's reply to it; what is needed to take EXEC's reply apart is kept in a Transaction. Where one goes out,
// and how, session_transactions.cc says.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "keyshift/base/ring.h"
#include "keyshift/plan/exec_mapper.h"
#include "keyshift/proxy/session.h"
#include "keyshift/proxy/transaction.h"

namespace keyshift::proxy {

class Session::Transactions final : private plan::ExecMapper::Handler {
 public:
  explicit Transactions(Session& session);

  // MULTI was granted, and neither EXEC nor DISCARD has come.
  bool is_open() const { return open_ != nullptr; }
  // It leaves as one burst: what is at hand reaches to its end, and nothing may come between.
  bool is_whole() const { return is_open() && open_->whole(); }

  // WATCH, UNWATCH, MULTI, EXEC and DISCARD. Returns false if the request must be tried again later.
  bool take(const command::Row& row, const resp::Request& request);
  // Any other command while one is open. Returns false if the request must be tried again later; not in one that is whole.
  bool queue(const command::Row& row, const resp::Request& request);
  // A command was refused: the open one, if there is one, can only be aborted.
  void fail();
  // Gives the open one up, if there is one, and what is watched: nothing of it is executed.
  void discard();
  // The server knows nothing of the open one, or nothing any more.
  void forget();

  // Nobody watches the keys any more that are watched: EXEC must find them changed.
  void break_watch();
  // The client watches nothing.
  void forget_watch() { watch_broken_ = false; }

  // The reply, or a piece of it, to a request of a transaction; or it will not come.
  void on_reply(Pending& pending, std::string_view bytes, const resp::ReplyScanner* finished,
                uint64_t started_ns);
  void on_lost(Pending& pending);

  // A command of the proxy's own is being executed in EXEC's place for it.
  bool answers_exec() const { return answers_exec_; }
  // Of a value in EXEC's reply that must be whole to be mapped, what has come of it.
  size_t collected_bytes() const {
    return executing_.empty() ? 0 : executing_.front()->mapper().collected_bytes();
  }

 private:
  bool watch(const command::Row& row, const resp::Request& request);
  void unwatch();
  bool watch_is_lost() const;
  bool comes_whole(const resp::Request& multi) const;
  bool multi(const command::Row& row, const resp::Request& request);
  void await(const command::Row& row, Pending::Kind kind, upstream::Connection& connection);
  bool goes_on();
  bool ask_server(const command::Row& row, const resp::Request& request);
  void queue_upstream(const command::Row& row, const resp::Request& request);
  void note_queued(const command::Row& row, const resp::Request& request);
  void show(bool open);
  bool exec(const command::Row& row, const resp::Request& request);
  void on_answered_here(size_t command, Buffer& out) override;
  void on_piece(size_t command, std::string_view piece, const resp::ReplyScanner* finished) override;
  void relay_queued(Pending& pending, std::string_view bytes);
  void relay_exec(Pending& pending, std::string_view bytes);
  void end_exec();

  Session& session_;
  Worker& worker_;
  std::unique_ptr<Transaction> open_;             // from MULTI to EXEC or DISCARD
  Ring<std::unique_ptr<Transaction>> executing_;  // whose EXEC is not answered yet
  bool in_pieces_ = false;  // the MULTI that waits for a lease was found to come in pieces
  bool answers_exec_ = false;
  uint64_t watched_in_life_ = 0;                       // of the lease, since the first WATCH
  std::shared_ptr<const scheme::Ruleset> watched_by_;  // the rules that named what is watched
  bool watch_broken_ = false;
};

}  // namespace keyshift::proxy
