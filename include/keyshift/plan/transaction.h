// Transaction: what a client has queued since MULTI, and what EXEC makes of it.
//
// Nothing of a transaction goes upstream before EXEC: its commands wait here, in the bytes in which they came, and then
// leave as one burst, MULTI to EXEC, that nothing comes between on a shared connection. So a transaction costs no
// connection and no round trip of its own, and steps that a plan adds to a command are executed with it.
//
//   MULTI; SADD writing_stats:u1:30d x; GET topics:u1:list; EXEC          with a default expiry
//     MULTI                                      kMap    +OK
//     SADD analytics:writing_stats:...           kMap    +QUEUED
//     EXPIRE analytics:writing_stats:... NX      kMap    +QUEUED
//     GET content:topics:user:u1                 kMap    +QUEUED
//     EXEC                                       kMap    *3 :1 :1 $5..      ->   *2 :1 $5..
//
// Commands that the proxy answers itself take no part upstream: their answers are put into the reply in their places.
// Owned by the session; its memory is bounded by the session (bytes()).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "keyshift/base/buffer.h"
#include "keyshift/command/row.h"
#include "keyshift/plan/planner.h"
#include "keyshift/plan/reply_mapper.h"
#include "keyshift/resp/request.h"

namespace keyshift::plan {

class Transaction {
 public:
  // Queues a command. `row` outlives the transaction.
  void add(const command::Row& row, const resp::Request& request);
  // A command was refused: EXEC will be, too.
  void fail() { failed_ = true; }
  bool failed() const { return failed_; }

  size_t size() const { return queued_.size(); }
  // Memory of the queued commands.
  size_t bytes() const { return bytes_.size() + args_.size() * sizeof(resp::Arg); }
  const command::Row& row(size_t index) const { return *queued_[index].row; }
  // Valid until the next add().
  resp::Request request(size_t index) const;
  // The answer to a command of the proxy's own, for its place in EXEC's reply.
  void set_answer(size_t index, std::string_view reply) { queued_[index].answer = reply; }

 private:
  struct Queued {
    const command::Row* row;
    size_t offset;  // in bytes_
    size_t length;
    size_t first_arg;  // in args_
    size_t arg_count;
    std::string answer;
  };

  friend class ExecPlanner;

  Buffer bytes_;
  std::vector<resp::Arg> args_;
  std::vector<Queued> queued_;
  bool failed_ = false;
};

// Writes a transaction as one burst, MULTI to EXEC, and fills `plan`: all its replies go through its mapper. The database of
// `context` changes for what stands behind a SELECT. On a refusal `out` is as before.
void plan_exec(Planner& planner, const Transaction& transaction, const Context& context, Buffer& out,
               Plan& plan);

// Makes EXEC's reply out of the replies to the burst.
class ExecMapper final : public ReplyMapper {
 public:
  struct Element {
    std::vector<Disposition> steps;       // none: `answer` stands in its place
    std::unique_ptr<ReplyMapper> mapper;  // of those steps
    std::string answer;
    int selects = -1;  // the database that it selects
  };

  ExecMapper(std::vector<Element> elements, size_t replies)
      : ReplyMapper(command::Reply::kExec), elements_(std::move(elements)), replies_left_(replies) {}

  void map(std::string_view reply, Buffer& out) override;
  // Whether a command in it selects a database.
  bool selects() const;
  // The database that the client is in behind EXEC; -1: the one before.
  int selected() const { return selected_; }

 private:
  void map_exec(std::string_view reply, Buffer& out);

  std::vector<Element> elements_;
  size_t replies_left_;  // the last one is EXEC's own
  std::string refusal_;  // the first error among those to the queued commands
  int selected_ = -1;
};

}  // namespace keyshift::plan
