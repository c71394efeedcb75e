#include "keyshift/resp/request_parser.h"

#include <algorithm>
#include <cstring>

#include "keyshift/base/check.h"
#include "keyshift/resp/inline_line.h"
#include "keyshift/resp/number.h"
#include "plain_number.h"

namespace keyshift::resp {
namespace {

// Redis's limits for a client that has not logged in.
constexpr uint64_t kUnauthenticatedArguments = 10;
constexpr uint64_t kUnauthenticatedBulkBytes = 16384;

// `word` as strcasecmp sees it: up to a '\0', without case.
bool is_word(std::string_view argument, std::string_view word) {
  if (argument.size() < word.size()) return false;
  if (argument.size() > word.size() && argument[word.size()] != '\0') return false;
  return std::equal(word.begin(), word.end(), argument.begin(), [](char a, char b) {
    return a == (b >= 'A' && b <= 'Z' ? static_cast<char>(b - 'A' + 'a') : b);
  });
}

}  // namespace

RequestParser::RequestParser(const Limits& limits)
    : limits_(limits), plain_bytes_(std::min(limits.max_bulk_bytes, kUnauthenticatedBulkBytes)) {
  KEYSHIFT_CHECK(limits.max_request_bytes < uint64_t{1} << 32, "arguments are 32-bit offsets");
  KEYSHIFT_CHECK(limits.max_inline_bytes <= uint32_t{1} << 28, "a decoded line must fit 32-bit offsets");
}

RequestParser::Status RequestParser::parse(std::string_view bytes) {
  switch (state_) {
    case State::kStart:
      if (bytes.empty()) return Status::kIncomplete;
      state_ = bytes.front() == '*' ? State::kCount : State::kInline;
      return state_ == State::kCount ? parse_count(bytes) : parse_inline(bytes);
    case State::kInline:
      return parse_inline(bytes);
    case State::kCount:
      return parse_count(bytes);
    case State::kLength:
    case State::kBody:
    case State::kLarge:
      return parse_arguments(bytes);
    case State::kDone:
      return status_;
    case State::kStream:
    case State::kStreamTail:
    case State::kStreamLength:
    case State::kStreamSmall:
      break;
  }
  KEYSHIFT_CHECK(false, "parse() of a request that is streamed");
  return Status::kError;
}

Request RequestParser::request(std::string_view bytes) const {
  if (is_inline_) return {scratch_, args_, true};
  return {bytes.substr(0, position_), args_};
}

void RequestParser::give_back() {
  if (args_.capacity() > kKeepArguments) std::vector<Arg>().swap(args_);
  if (scratch_.capacity() > kKeepBlockBytes) std::string().swap(scratch_);
}

RequestParser::Status RequestParser::parse_inline(std::string_view bytes) {
  size_t end = 0;
  switch (find_line(bytes, 0, '\n', end)) {
    case Line::kIncomplete:
      return Status::kIncomplete;
    case Line::kTooBig:
      return fail("too big inline request");
    case Line::kComplete:
      break;
  }
  std::string_view line = bytes.substr(0, end);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  if (!decode_inline_line(line, scratch_, args_)) return fail("unbalanced quotes in request");
  position_ = end + 1;
  if (args_.empty()) return done(Status::kEmpty);
  is_inline_ = true;
  return done(first_word_is_foreign(scratch_) ? Status::kForeign : Status::kRequest);
}

RequestParser::Status RequestParser::parse_count(std::string_view bytes) {
  uint64_t announced = 0;
  if (const char* next = read_plain_number(bytes.data() + 1, bytes.data() + bytes.size(), announced)) {
    position_ = static_cast<size_t>(next - bytes.data());
  } else {
    size_t end = 0;
    const Line line = find_line(bytes, 0, '\r', end);
    if (line == Line::kTooBig) return fail("too big mbulk count string");
    if (line == Line::kIncomplete || end + 2 > bytes.size()) return Status::kIncomplete;
    int64_t count = 0;
    if (!parse_integer(bytes.substr(1, end - 1), count)) return fail("invalid multibulk length");
    announced = static_cast<uint64_t>(std::max<int64_t>(count, 0));
    position_ = end + 2;
  }
  if (announced > limits_.max_arguments) return fail("invalid multibulk length");
  if (announced > kUnauthenticatedArguments && !authenticated_)
    return fail("unauthenticated multibulk length");
  if (announced == 0) return done(Status::kEmpty);
  announced_ = static_cast<uint32_t>(announced);
  state_ = State::kLength;
  return parse_arguments(bytes);
}

// One turn an argument: its header, then its body if that is here. position_ stands before whichever is missing.
RequestParser::Status RequestParser::parse_arguments(std::string_view bytes) {
  const char* const data = bytes.data();
  const char* const end = data + bytes.size();
  if (args_.capacity() == 0) args_.reserve(8);
  for (; index_ < announced_; ++index_) {
    if (state_ == State::kLength) {
      pass_plain_arguments(bytes);
      if (index_ == announced_) break;
      const char* next = nullptr;
      const char* header = data + position_;
      if (header != end && *header == '$') next = read_plain_number(header + 1, end, body_left_);
      if (next == nullptr) {
        size_t line_end = 0;
        const Status status = read_length(bytes, position_, line_end);
        if (status != Status::kRequest) return status;
        next = data + line_end + 2;
      }
      if (!length_allowed()) return status_;
      position_ = static_cast<size_t>(next - data);
    }
    const bool whole = bytes.size() - position_ >= body_left_ + 2;
    if (!whole && body_left_ > limits_.stream_threshold_bytes && state_ != State::kBody) {
      if (index_ > 0 && first_word_is_foreign(bytes)) return done(Status::kForeign);
      state_ = State::kLarge;
      return Status::kLarge;
    }
    if (position_ + body_left_ + 2 > limits_.max_request_bytes) return fail("too big request");
    if (!whole) {
      state_ = State::kBody;
      return Status::kIncomplete;
    }
    args_.push_back({static_cast<uint32_t>(position_), static_cast<uint32_t>(body_left_)});
    position_ += body_left_ + 2;
    state_ = State::kLength;
  }
  return done(first_word_is_foreign(bytes) ? Status::kForeign : Status::kRequest);
}

// The quick way over arguments that are small and here whole; stops before the first that is anything else.
void RequestParser::pass_plain_arguments(std::string_view bytes) {
  const char* const data = bytes.data();
  const char* const end = data + std::min<uint64_t>(bytes.size(), limits_.max_request_bytes);
  const char* p = data + position_;
  const uint32_t announced = announced_;
  uint32_t index = index_;
  for (; index != announced && p < end && *p == '$'; ++index) {
    uint64_t length = 0;
    const char* const body = read_plain_number(p + 1, end, length);
    if (body == nullptr || length > plain_bytes_ || static_cast<uint64_t>(end - body) < length + 2) break;
    args_.push_back({static_cast<uint32_t>(body - data), static_cast<uint32_t>(length)});
    p = body + length + 2;
  }
  index_ = index;
  position_ = static_cast<size_t>(p - data);
}

// The careful way to read "$n\r?" at `begin` into body_left_. Returns kRequest when it is read, `line_end` then being
// the place of the '\r'.
RequestParser::Status RequestParser::read_length(std::string_view bytes, size_t begin, size_t& line_end) {
  const Line line = find_line(bytes, begin, '\r', line_end);
  if (line == Line::kTooBig) return fail("too big bulk count string");
  if (line == Line::kIncomplete || line_end + 2 > bytes.size()) return Status::kIncomplete;
  const char first = bytes[begin];
  if (first != '$') {
    char reason[] = "expected '$', got '?'";
    // Redis blanks line ends in every error reply.
    reason[sizeof(reason) - 3] = first == '\r' || first == '\n' ? ' ' : first;
    return fail(reason);
  }
  int64_t length = 0;
  if (!parse_integer(bytes.substr(begin + 1, line_end - begin - 1), length) || length < 0) {
    return fail("invalid bulk length");
  }
  body_left_ = static_cast<uint64_t>(length);
  return Status::kRequest;
}

// False, and error() says why, if no argument may be as long as body_left_.
bool RequestParser::length_allowed() {
  if (body_left_ > limits_.max_bulk_bytes) {
    fail("invalid bulk length");
  } else if (body_left_ > kUnauthenticatedBulkBytes && !authenticated_) {
    fail("unauthenticated bulk length");
  } else {
    return true;
  }
  return false;
}

// Finds the byte that ends the line at `begin`, looking only at what was not looked at before. As strchr in Redis, it
// does not see past a '\0'.
RequestParser::Line RequestParser::find_line(std::string_view bytes, size_t begin, char end_byte,
                                             size_t& end) {
  const size_t window = std::min(bytes.size(), begin + limits_.max_inline_bytes + 1);
  const size_t from = std::max(scanned_, begin);
  if (!hidden_ && from < window) {
    const char* const first = bytes.data() + from;
    const void* found = std::memchr(first, end_byte, window - from);
    const size_t stop =
        found == nullptr ? window : static_cast<size_t>(static_cast<const char*>(found) - bytes.data());
    hidden_ = std::memchr(first, '\0', stop - from) != nullptr;
    scanned_ = stop;
    if (found != nullptr && !hidden_) {
      end = stop;
      return Line::kComplete;
    }
  }
  return bytes.size() - begin > limits_.max_inline_bytes ? Line::kTooBig : Line::kIncomplete;
}

// Browsers can be made to send a page's bytes to any port; Redis does not talk to one.
bool RequestParser::first_word_is_foreign(std::string_view block) const {
  const std::string_view word = block.substr(args_.front().offset, args_.front().length);
  if (word.empty()) return false;
  switch (word.front()) {
    case 'P':
    case 'p':
      return is_word(word, "post");
    case 'H':
    case 'h':
      return is_word(word, "host:");
    default:
      return false;
  }
}

RequestParser::Status RequestParser::done(Status status) {
  state_ = State::kDone;
  return status_ = status;
}

RequestParser::Status RequestParser::fail(std::string_view reason) {
  scratch_ = "ERR Protocol error: ";
  scratch_ += reason;
  is_inline_ = false;
  return done(Status::kError);
}

void RequestParser::collect() {
  KEYSHIFT_CHECK(state_ == State::kLarge, "collect() without kLarge");
  state_ = State::kBody;
}

void RequestParser::stream() {
  KEYSHIFT_CHECK(state_ == State::kLarge, "stream() without kLarge");
  state_ = State::kStream;
  scanned_ = 0;
}

// From here on positions are relative to what is given, since the caller drops what was reported.
StreamEvent RequestParser::next_event(std::string_view unconsumed) {
  StreamEvent event;
  event.index = index_;
  switch (state_) {
    case State::kStream:
      if (unconsumed.empty()) return event;
      event.kind = StreamEvent::Kind::kBody;
      event.consumed = static_cast<size_t>(std::min<uint64_t>(body_left_, unconsumed.size()));
      event.bytes = unconsumed.substr(0, event.consumed);
      body_left_ -= event.consumed;
      if (body_left_ == 0) {
        event.last = true;
        body_left_ = 2;
        state_ = State::kStreamTail;
      }
      return event;
    case State::kStreamTail:
      event.consumed = static_cast<size_t>(std::min<uint64_t>(body_left_, unconsumed.size()));
      body_left_ -= event.consumed;
      if (body_left_ > 0) return event;
      ++index_;
      state_ = State::kStreamLength;
      return stream_argument(unconsumed, event.consumed);
    case State::kStreamLength:
    case State::kStreamSmall:
      return stream_argument(unconsumed, 0);
    default:
      break;
  }
  KEYSHIFT_CHECK(false, "next_event() of a request that is not streamed");
  return event;
}

// The header of a later argument, and its body if it is small. `skipped` bytes of `unconsumed` are done with.
StreamEvent RequestParser::stream_argument(std::string_view unconsumed, size_t skipped) {
  StreamEvent event;
  event.index = index_;
  event.consumed = skipped;
  std::string_view rest = unconsumed.substr(skipped);
  if (state_ == State::kStreamLength) {
    if (index_ == announced_) {
      event.kind = StreamEvent::Kind::kEnd;
      done(Status::kRequest);
      return event;
    }
    size_t line_end = 0;
    Status status = read_length(rest, 0, line_end);
    if (status == Status::kRequest && !length_allowed()) status = Status::kError;
    if (status == Status::kError) event.kind = StreamEvent::Kind::kError;
    if (status != Status::kRequest) return event;
    scanned_ = 0;
    event.consumed += line_end + 2;
    rest.remove_prefix(line_end + 2);
    event.length = body_left_;
    if (body_left_ > limits_.stream_threshold_bytes) {
      event.kind = StreamEvent::Kind::kLargeBegins;
      state_ = State::kStream;
      return event;
    }
    state_ = State::kStreamSmall;
  }
  event.length = body_left_;
  if (rest.size() < body_left_ + 2) return event;
  event.kind = StreamEvent::Kind::kArgument;
  event.bytes = rest.substr(0, static_cast<size_t>(body_left_));
  event.consumed += static_cast<size_t>(body_left_) + 2;
  ++index_;
  state_ = State::kStreamLength;
  return event;
}

}  // namespace keyshift::resp
