// ExecMapper: takes EXEC's reply apart, and makes the client's out of it.
//
// Between MULTI and EXEC every command is planned and sent like any other; the server only says that it queues it. What
// was planned for its reply is kept here until EXEC's comes, which holds one value for each step that was sent:
//
//   sent                                          steps      EXEC's reply     to the client
//   MULTI                                                    *4               *3
//   SADD analytics:writing_stats:.. x             relay      :1               :1
//   EXPIRE analytics:writing_stats:.. 3600 NX     discard    :1
//   LMPOP 1 work:jobs:id:7 LEFT                   map        *2 $14..         *2 $5..job:7..
//   (CLIENT ID: answered by the proxy)            -          -                :12
//   GET content:topics:user:u1                    relay      $5..             $5..
//   EXEC
//
// The reply is taken in pieces, as it arrives. What changes nothing goes straight through; only what must be mapped is
// collected, one value at a time.
//
// Owned by the session from MULTI on, until EXEC's reply is complete or the transaction is given up.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "keyshift/base/buffer.h"
#include "keyshift/plan/plan.h"
#include "keyshift/plan/reply_mapper.h"
#include "keyshift/resp/reply_scanner.h"

namespace keyshift::plan {

class ExecMapper {
 public:
  // Whose commands they are. Commands are numbered from 0, in the order in which they were added.
  class Handler {
   public:
    virtual ~Handler() = default;
    // Appends the answer to a command of the proxy's own. It is now that it is executed.
    virtual void on_answered_here(size_t command, Buffer& out) = 0;
    // A piece of the value of one of a command's steps that are not discarded, as the server said it. `finished` is the
    // scanner's word on the value once it is complete, else null.
    virtual void on_piece(size_t command, std::string_view piece, const resp::ReplyScanner* finished) = 0;
  };

  // A command of ours in front of all, which the client knows nothing of.
  void add_hidden() {
    steps_.push_back(Disposition::kDiscard);
    ++hidden_;
  }
  // A command that was planned and sent. Takes the plan's mapper.
  void add(Plan& plan);
  // A command that the proxy answers itself.
  void add_answered_here() { commands_.emplace_back(); }
  size_t commands() const { return commands_.size(); }
  // Of a value that must be whole to be mapped, what has come of it.
  size_t collected_bytes() const { return collected_.size(); }
  // Memory of what was added, but for what the mappers hold.
  size_t bytes() const { return commands_.capacity() * sizeof(Command) + steps_.capacity(); }

  // Takes the next piece of EXEC's reply and appends what there is of the client's to `out`. An error or a null goes
  // through as it is. Returns false if the reply is not one to these commands; what was appended before stays.
  bool map(std::string_view piece, Handler& handler, Buffer& out);

 private:
  enum class State : uint8_t { kHead, kValues, kAsItIs };
  struct Command {
    std::unique_ptr<ReplyMapper> mapper;
    uint32_t steps = 0;  // none: answered by the proxy
  };

  bool read_head(std::string_view& piece, Handler& handler, Buffer& out);
  bool take_value(std::string_view& piece, Handler& handler, Buffer& out);
  bool relay_value(std::string_view value, Buffer& out);
  void answer_here(Handler& handler, Buffer& out);

  std::vector<Command> commands_;
  std::vector<Disposition> steps_;  // of all commands, behind the hidden ones
  size_t hidden_ = 0;

  State state_ = State::kHead;
  std::string head_;
  resp::ReplyScanner scanner_;
  Buffer collected_;
  bool collecting_ = false;
  bool pushed_ = false;       // what is scanned is a push among the values
  size_t command_ = 0;        // that the next value belongs to
  size_t step_ = 0;           // that the next value answers
  uint32_t steps_taken_ = 0;  // of that command
};

}  // namespace keyshift::plan
