#include "keyshift/plan/exec_mapper.h"

#include <utility>

#include "keyshift/base/check.h"
#include "keyshift/resp/number.h"
#include "keyshift/resp/writer.h"

namespace keyshift::plan {

void ExecMapper::add(Plan& plan) {
  steps_.insert(steps_.end(), plan.steps.begin(), plan.steps.end());
  commands_.push_back({std::move(plan.mapper), static_cast<uint32_t>(plan.steps.size())});
}

bool ExecMapper::map(std::string_view piece, Handler& handler, Buffer& out) {
  if (state_ == State::kHead && !read_head(piece, handler, out)) return false;
  if (state_ == State::kAsItIs) {
    out.append(piece);
  } else {
    while (!piece.empty()) {
      if (!take_value(piece, handler, out)) return false;
    }
  }
  return true;
}

// Takes the header off `piece`, or what is there of it.
bool ExecMapper::read_head(std::string_view& piece, Handler& handler, Buffer& out) {
  if (head_.empty() && !piece.starts_with('*')) {
    state_ = State::kAsItIs;
    return piece.starts_with('-') || piece.starts_with('_') || piece.starts_with('!');
  }
  const size_t end = piece.find('\n');
  const size_t taken = end == std::string_view::npos ? piece.size() : end + 1;
  head_.append(piece.substr(0, taken));
  piece.remove_prefix(taken);
  if (end == std::string_view::npos) return true;
  int64_t count = 0;
  if (!resp::parse_integer(std::string_view(head_).substr(1, head_.size() - 3), count)) return false;
  if (count == -1) {
    state_ = State::kAsItIs;
    out.append(head_);
    return true;
  }
  if (static_cast<uint64_t>(count) != steps_.size()) return false;
  state_ = State::kValues;
  resp::append_array(out, commands_.size());
  answer_here(handler, out);
  return true;
}

// Returns false if what comes is no reply to its command.
bool ExecMapper::take_value(std::string_view& piece, Handler& handler, Buffer& out) {
  if (scanner_.at_boundary()) pushed_ = piece.starts_with('>');
  if (pushed_) {
    const resp::ReplyScanner::Scan scan = scanner_.scan(piece);
    out.append(piece.substr(0, scan.consumed));
    piece.remove_prefix(scan.consumed);
    return true;
  }
  KEYSHIFT_CHECK(step_ < steps_.size(), "EXEC answers more than was sent");
  const bool shown = steps_[step_] != Disposition::kDiscard;
  if (scanner_.at_boundary()) {
    collecting_ = shown && (steps_[step_] == Disposition::kMap ||
                            (commands_[command_].mapper && piece.starts_with('-')));
  }
  const resp::ReplyScanner::Scan scan = scanner_.scan(piece);
  KEYSHIFT_CHECK(scan.status != resp::ReplyScanner::Status::kError, "half of a reply is no reply");
  const bool complete = scan.status == resp::ReplyScanner::Status::kComplete;
  std::string_view value = piece.substr(0, scan.consumed);
  piece.remove_prefix(scan.consumed);
  if (shown) handler.on_piece(command_, value, complete ? &scanner_ : nullptr);
  if (collecting_ && (!complete || !collected_.empty())) {
    collected_.append(value);
    value = collected_.view();
  }
  if (shown && (complete || !collecting_) && !relay_value(value, out)) return false;
  if (!complete) return true;
  collected_.clear();
  if (step_++ < hidden_ || ++steps_taken_ < commands_[command_].steps) return true;
  steps_taken_ = 0;
  ++command_;
  answer_here(handler, out);
  return true;
}

bool ExecMapper::relay_value(std::string_view value, Buffer& out) {
  const Command& command = commands_[command_];
  if (steps_[step_] == Disposition::kMap) return command.mapper->map(value, out);
  if (command.mapper && collecting_) {
    command.mapper->map_error(value, out);
  } else if (command.mapper) {
    return command.mapper->pass(value, out);
  } else {
    out.append(value);
  }
  return true;
}

// The commands that come next and have no value in the reply.
void ExecMapper::answer_here(Handler& handler, Buffer& out) {
  for (; command_ < commands_.size() && commands_[command_].steps == 0; ++command_)
    handler.on_answered_here(command_, out);
}

}  // namespace keyshift::plan
