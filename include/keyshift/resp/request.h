// Request: one client command, as one block of bytes and the places of its arguments in it.
//
// It is what RequestParser hands out, the command table reads and the planner rewrites. Nothing is copied and
// nothing points: an argument is an offset and a length, so the block may move (a session's Buffer grows) and
// still fit.
//
//   0         1         2         3
//   01234567890123456789012345678901234
//   *3..$3..SET..$5..key:1..$2..42..          one block, frame [0,32)
//           ^-^      ^---^      ^^            args {8,3} {17,5} {28,2}
//
// A Request borrows: block and arguments are valid until the bytes behind the block change or the parser goes
// on (RequestParser::next). An inline request ("SET key:1 42\r\n") looks the same: its block is the
// "*3..$3..SET.." form, owned by the parser.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace keyshift::resp {

// Relative to the first byte of the frame.
struct Arg {
  uint32_t offset = 0;
  uint32_t length = 0;

  friend bool operator==(const Arg&, const Arg&) = default;
};

class Request {
 public:
  Request() = default;
  // Requires: every arg lies within block.
  Request(std::string_view block, std::span<const Arg> args, bool is_inline = false)
      : block_(block), args_(args), is_inline_(is_inline) {}

  // The whole frame, "*3\r\n$3\r\nSET...".
  std::string_view block() const { return block_; }
  std::span<const Arg> args() const { return args_; }
  // Number of arguments, the command's name included.
  size_t size() const { return args_.size(); }
  bool empty() const { return args_.empty(); }
  // Requires: i < size().
  std::string_view operator[](size_t i) const { return {block_.data() + args_[i].offset, args_[i].length}; }
  // True if it came as an inline line: then block() is not what the client sent but what it meant.
  bool is_inline() const { return is_inline_; }

 private:
  std::string_view block_;
  std::span<const Arg> args_;
  bool is_inline_ = false;
};

}  // namespace keyshift::resp
