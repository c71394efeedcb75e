// RequestParser: finds the requests in what a client sends, however it is cut into reads, and never looks at
// a byte twice.
//
// First step in the life of a request. The session holds the bytes (a Buffer); the parser holds only how far
// it came: each call gets a view whose first byte is the first byte of the frame under way and whose tail has
// grown since. The block may have moved in between.
//
//   RequestParser parser(limits);
//   parser.parse("*2\r\n$3\r\nGET\r\n$5\r\nke")          kIncomplete
//   parser.parse("*2\r\n$3\r\nGET\r\n$5\r\nkey:1\r\n*1")  kRequest, frame_size() == 24, request(bytes)[1] ==
//   "key:1" buffer.consume(parser.frame_size()); parser.next();
//
// It accepts and refuses what networking.c of Redis 7.0 does, in its words, with these consequences:
//   - A header ends at the first '\r' and swallows one more byte, whatever it is; two bytes of any value end
//   a bulk.
//     A '\0' in a header or an inline line hides what follows, so it can only end as "too big ...".
//   - "*0\r\n", "*-5\r\n" and an empty line are no request and get no answer: kEmpty.
//   - An inline line is split by the rules of quotes and escapes ("\x41", 'it\'s'); its Request is in the
//   form of a
//     multibulk one, in a block that the parser owns.
//   - First word POST or Host: (any case) is a browser that was tricked into speaking to us: kForeign, close
//   silently.
//   - One difference: a line that is too big is refused at its length, not by luck of how it was read.
//
// Large arguments. When an argument is longer than Limits::stream_threshold_bytes and not here whole, parse()
// returns kLarge: request(bytes) holds the arguments before it. The session then calls collect() and goes on
// as before, or stream() and drains the rest of the frame by next_event():
//
//   *5..$4..MSET..$1..a..$9000000..xxxx              kLarge: 2 args here, announced_arguments() == 5,
//   large_length() parser.stream(); buffer.consume(large_body_offset()); xxxx                        kBody
//   "xxxx"         next_event(buffer.view()), consume(event.consumed), again... xxxx..$1..b..$1..c.. kBody
//   "xxxx" last, kArgument 3 "b", kArgument 4 "c", kEnd; then next()
//
// Memory: the list of arguments grows with arrived arguments only, never by an announced count, and is
// reused; both it and the inline block are given back when a request made them big. Nothing throws. Not
// thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "keyshift/resp/limits.h"
#include "keyshift/resp/request.h"

namespace keyshift::resp {

// One step through the rest of a streamed request.
struct StreamEvent {
  enum class Kind : uint8_t {
    kIncomplete,   // more bytes are needed; consumed may still be > 0
    kBody,         // `bytes` are the next piece of large argument `index`; `last` if it ends with them
    kArgument,     // `bytes` are the whole of small argument `index`
    kLargeBegins,  // argument `index` of `length` bytes begins; its kBody events follow
    kEnd,          // the request is complete
    kError,        // error() says why
  };
  Kind kind = Kind::kIncomplete;
  bool last = false;
  uint32_t index = 0;
  uint64_t length = 0;     // of the argument that the event is about
  std::string_view bytes;  // borrowed from the view that was given
  size_t consumed = 0;     // bytes to drop from the front before the next call
};

class RequestParser {
 public:
  enum class Status : uint8_t {
    kIncomplete,  // nothing wrong, not here yet
    kRequest,     // frame_size() and request() are valid
    kEmpty,       // frame_size() bytes that say nothing: drop them, next(), no answer
    kLarge,       // a large argument is on its way: collect() or stream()
    kError,       // answer error(), then close
    kForeign,     // close, without an answer
  };

  static constexpr size_t kKeepArguments = 256;    // entries kept between requests
  static constexpr size_t kKeepBlockBytes = 4096;  // inline block kept between requests

  // Requires: limits.max_request_bytes < 4 GiB.
  explicit RequestParser(const Limits& limits = {});

  // While false, Redis's limits for clients that have not logged in hold: 10 arguments of 16 KiB. True at
  // first.
  void set_authenticated(bool authenticated) { authenticated_ = authenticated; }

  // Goes on where it stopped. `bytes` begins with the first byte of the frame and contains all that was given
  // before. After kRequest, kEmpty, kError and kForeign the same answer is repeated until next().
  Status parse(std::string_view bytes);

  // Bytes of the frame as the client sent it. After kRequest and kEmpty.
  size_t frame_size() const { return position_; }
  // The request after kRequest; after kLarge, what came before the large argument. `bytes` as
  // for parse(). Valid until next() or until `bytes` change.
  Request request(std::string_view bytes) const;
  // "ERR Protocol error: ...", without '-' and CRLF. After kError; valid until next().
  std::string_view error() const { return scratch_; }
  // Forgets the frame and is ready for the next. The caller has consumed frame_size() bytes.
  void next() {
    args_.clear();
    scratch_.clear();
    if (args_.capacity() > kKeepArguments || scratch_.capacity() > kKeepBlockBytes) give_back();
    position_ = scanned_ = 0;
    index_ = 0;
    state_ = State::kStart;
    hidden_ = is_inline_ = false;
  }

  // After kLarge.
  uint32_t announced_arguments() const { return announced_; }
  // Index of the large argument; as many arguments came before it.
  uint32_t large_index() const { return index_; }
  uint64_t large_length() const { return body_left_; }
  // Where its body begins in the frame.
  size_t large_body_offset() const { return position_; }
  // The large argument will be collected like a small one: keep calling parse(). A request that then exceeds
  // max_request_bytes is an error of the next parse().
  void collect();
  // The rest of the request comes by next_event(), whose first view begins at large_body_offset() of the
  // frame.
  void stream();
  // Requires: stream() was called, kEnd and kError not yet seen. `unconsumed` begins where the last event
  // stopped.
  StreamEvent next_event(std::string_view unconsumed);

  // Bytes of memory held, for accounting.
  size_t capacity_bytes() const { return args_.capacity() * sizeof(Arg) + scratch_.capacity(); }

 private:
  enum class State : uint8_t {
    kStart,         // first byte not seen
    kInline,        // in an inline line
    kCount,         // in "*n\r\n"
    kLength,        // in "$n\r\n"
    kBody,          // in a bulk that is collected
    kLarge,         // at the body of a large argument that nobody decided about
    kStream,        // in the body of a large argument that is streamed
    kStreamTail,    // in the two bytes behind it
    kStreamLength,  // in "$n\r\n" of a later argument
    kStreamSmall,   // in a small argument's body
    kDone,
  };
  enum class Line : uint8_t { kIncomplete, kComplete, kTooBig };

  Status parse_inline(std::string_view bytes);
  Status parse_count(std::string_view bytes);
  Status parse_arguments(std::string_view bytes);
  void pass_plain_arguments(std::string_view bytes);
  Status read_length(std::string_view bytes, size_t begin, size_t& line_end);
  bool length_allowed();
  Line find_line(std::string_view bytes, size_t begin, char end_byte, size_t& end);
  bool first_word_is_foreign(std::string_view block) const;
  StreamEvent stream_argument(std::string_view unconsumed, size_t skipped);
  Status done(Status status);
  void give_back();
  Status fail(std::string_view reason);

  Limits limits_;
  uint64_t plain_bytes_;  // an argument of so many bytes is within every limit
  std::vector<Arg> args_;
  std::string scratch_;     // the decoded block of an inline request, or the text of an error
  size_t position_ = 0;     // everything before it is understood
  size_t scanned_ = 0;      // everything before it was searched for the end of the line at position_
  uint64_t body_left_ = 0;  // of the bulk at position_
  uint32_t announced_ = 0;
  uint32_t index_ = 0;  // of the argument under way
  State state_ = State::kStart;
  Status status_ = Status::kIncomplete;
  bool authenticated_ = true;
  bool hidden_ = false;  // a '\0' hides the end of this line
  bool is_inline_ = false;
};

}  // namespace keyshift::resp
