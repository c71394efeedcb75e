#include "keyshift/plan/keyed_reply_mapper.h"

#include "keyshift/resp/reply_cursor.h"

namespace keyshift::plan {

namespace {

// Longer than any header: a type, a number, the line's end.
constexpr size_t kLongestHeader = 32;

}  // namespace

bool KeyedReplyMapper::is_for(command::Reply shape) {
  return shape == command::Reply::kStreams || shape == command::Reply::kKeyedPop;
}

bool KeyedReplyMapper::pass(std::string_view piece, Buffer& out) {
  while (!piece.empty()) {
    switch (state_) {
      case State::kReply:
        if (!take_line(piece)) return held_.size() <= kLongestHeader;
        if (!begin_reply(out)) return false;
        held_.clear();
        break;
      case State::kPair:
        if (!take_line(piece)) return held_.size() <= kLongestHeader;
        if (held_ != "*2\r\n") return false;
        out.append(held_);
        held_.clear();
        state_ = State::kKey;
        break;
      case State::kKey:
        if (!take_key(piece, out)) return false;
        break;
      case State::kValue:
        pass_value(piece, out);
        break;
      case State::kRest:
        out.append(piece);
        return true;
    }
  }
  return true;
}

// Moves bytes of `piece` into held_, up to the end of the line. Returns false if that is still to come.
bool KeyedReplyMapper::take_line(std::string_view& piece) {
  const size_t end = piece.find('\n');
  const size_t taken = end == std::string_view::npos ? piece.size() : end + 1;
  held_.append(piece.substr(0, taken));
  piece.remove_prefix(taken);
  return end != std::string_view::npos;
}

bool KeyedReplyMapper::begin_reply(Buffer& out) {
  const bool is_error = held_.front() == '!';  // RESP3's long form; others do not come here
  const bool is_null = held_ == "*-1\r\n" || held_ == "_\r\n" || held_ == "$-1\r\n";
  const bool is_map = held_.front() == '%' && shape() == command::Reply::kStreams;
  if (!is_error && !is_null && held_.front() != '*' && !is_map) return false;
  const bool is_paired = shape() == command::Reply::kStreams && !is_map;
  at_next_key_ = is_paired ? State::kPair : State::kKey;
  const bool is_empty = is_error || is_null || resp::ReplyCursor(held_).next().count == 0;
  state_ = is_empty ? State::kRest : at_next_key_;
  out.append(held_);
  return true;
}

// Returns false if what comes is no key.
bool KeyedReplyMapper::take_key(std::string_view& piece, Buffer& out) {
  const resp::ReplyScanner::Scan scan = scanner_.scan(piece);
  held_.append(piece.substr(0, scan.consumed));
  piece.remove_prefix(scan.consumed);
  if (held_.front() != '$' || held_.size() > longest_physical() + kLongestHeader) return false;
  if (scan.status != resp::ReplyScanner::Status::kComplete) return true;
  if (scanner_.is_null()) return false;
  append_used(resp::ReplyCursor(held_).next().text, out);
  held_.clear();
  state_ = shape() == command::Reply::kStreams ? State::kValue : State::kRest;
  return true;
}

void KeyedReplyMapper::pass_value(std::string_view& piece, Buffer& out) {
  const resp::ReplyScanner::Scan scan = scanner_.scan(piece);
  out.append(piece.substr(0, scan.consumed));
  piece.remove_prefix(scan.consumed);
  if (scan.status == resp::ReplyScanner::Status::kComplete) state_ = at_next_key_;
}

}  // namespace keyshift::plan
