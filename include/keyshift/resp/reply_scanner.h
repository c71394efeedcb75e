// ReplyScanner: where one reply of the upstream ends, and nothing more.
//
// It sits between an upstream connection and the sessions that wait on it: bytes of a frame are passed on as
// they come; only a reply whose plan maps keys is decoded (reply_cursor.h). RESP2 and RESP3:
//
//   + - : , ( # _      a line           $ ! =       a bulk of n bytes        * ~ >  n values     % |  2n
//   values
//
//   ReplyScanner scanner(limits);
//   scanner.scan("*2\r\n$3\r\nfo")        kIncomplete, consumed 10
//   scanner.scan("o\r\n$-1\r\n+OK\r\n")   kComplete, consumed 8: the frame is over, "+OK\r\n" is the next one
//   scanner.type() == '*', scanner.number() == 2, scanner.nulls() == 1
//
// Any split is fine, within a header too; bodies and long lines are passed over, not collected. Nesting costs
// nothing: the only memory of it is how many values are still owed, so a million nested "*1\r\n" are a long
// frame, and more than Limits::max_reply_elements owed are an error. Attributes ("|") belong to the value
// behind them, which is the one that counts. Numbers follow parse_integer and the CRLF behind headers and
// bulks is checked; a line ends at its first CRLF and its text is not judged. Streamed RESP3 types ("$?") are
// refused: Redis does not send them. Nothing is allocated. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "keyshift/resp/limits.h"

namespace keyshift::resp {

class ReplyScanner {
 public:
  enum class Status : uint8_t {
    kIncomplete,  // all bytes belong to the frame, and more will
    kComplete,    // the frame ends with `consumed`
    kError,       // what begins at `consumed` is not RESP: the connection is lost
  };
  struct Scan {
    Status status;
    size_t consumed;  // of the bytes given to this call
  };

  // Requires: limits.max_reply_elements <= 2^62.
  explicit ReplyScanner(const Limits& limits = {}) : max_elements_(limits.max_reply_elements) {}

  // Goes on with the frame under way, or begins the next one after kComplete. After kError: kError until
  // reset().
  Scan scan(std::string_view bytes);
  // True between frames: nothing of the next one was seen.
  bool at_boundary() const { return state_ == State::kBoundary; }
  void reset() { state_ = State::kBoundary; }

  // The rest is about the frame under way or, after kComplete, the finished one; valid until the next scan().

  // First byte of the reply itself (behind its attributes); 0 as long as that was not seen.
  char type() const { return type_; }
  // First number of the reply: an integer's value, a bulk's length, an aggregate's count as sent; -1 for
  // "$-1", "*-1" and "_"; 0 for other lines. Valid once the header has been read.
  int64_t number() const { return number_; }
  // The reply itself is null.
  bool is_null() const { return number_ == -1 && type_ != ':' && type_ != 0; }
  // Values directly in the reply: n for "*n", 2n for "%n", 0 if it is no aggregate.
  uint64_t elements() const { return elements_; }
  // Nulls in the reply, at any depth, itself included: of MGET, the misses.
  uint64_t nulls() const { return nulls_; }

 private:
  enum class State : uint8_t {
    kBoundary,
    kType,
    kNumber,
    kNumberLf,
    kLine,
    kLineLf,
    kBody,
    kBodyCr,
    kBodyLf,
    kError
  };

  Scan resume(std::string_view bytes, const char* p);
  const char* pass_plain_values(const char* p, const char* end);
  bool begin_value(char type);
  bool number_read();
  void value_done();
  Scan complete(ptrdiff_t consumed);

  uint64_t max_elements_;
  uint64_t remaining_ = 0;  // values owed, the one under way included
  uint64_t body_left_ = 0;
  uint64_t value_ = 0;  // of the number under way
  int64_t number_ = 0;
  uint64_t elements_ = 0;
  uint64_t nulls_ = 0;
  State state_ = State::kBoundary;
  uint8_t digits_ = 0;
  bool negative_ = false;
  bool is_reply_ = false;  // the value under way is the reply itself, not a part of it or of an attribute
  char current_ = 0;       // type of the value under way
  char type_ = 0;
};

}  // namespace keyshift::resp
