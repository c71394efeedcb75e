#include "keyshift/resp/reply_scanner.h"

#include <algorithm>
#include <cstring>

#include "plain_number.h"

namespace keyshift::resp {
namespace {

// Where the line that begins at `p` ends, behind its CRLF; null unless it is short and here whole.
const char* end_of_short_line(const char* p, const char* end) {
  constexpr ptrdiff_t kShort = 32;
  if (end - p > kShort) end = p + kShort;
  while (p != end && *p != '\r') ++p;
  return end - p >= 2 && p[1] == '\n' ? p + 2 : nullptr;
}

}  // namespace

ReplyScanner::Scan ReplyScanner::scan(std::string_view bytes) {
  const char* p = bytes.data();
  if (state_ == State::kBoundary) {
    if (bytes.empty()) return {Status::kIncomplete, 0};
    remaining_ = 1;
    type_ = 0;
    p = pass_plain_values(p, p + bytes.size());
    if (remaining_ == 0) return {Status::kComplete, static_cast<size_t>(p - bytes.data())};
    if (type_ == 0) number_ = elements_ = nulls_ = 0;
    state_ = State::kType;
  }
  return resume(bytes, p);
}

// A flat machine over bytes. What is long (a body, a line's text) is passed over in one step; only headers are read
// byte by byte, into value_, so that they too may be cut anywhere.
ReplyScanner::Scan ReplyScanner::resume(std::string_view bytes, const char* p) {
  const char* const begin = bytes.data();
  const char* const end = begin + bytes.size();
  const auto stop = [&](Status status) { return Scan{status, static_cast<size_t>(p - begin)}; };
  const auto refuse = [&] {
    state_ = State::kError;
    return stop(Status::kError);
  };

  while (p != end) {
    switch (state_) {
      case State::kBoundary:  // left above
      case State::kType:
        p = pass_plain_values(p, end);
        if (remaining_ == 0) return complete(p - begin);
        if (p == end) break;
        if (!begin_value(*p)) return refuse();
        ++p;
        break;

      case State::kNumber:
        for (; p != end && static_cast<unsigned char>(*p - '0') <= 9; ++p) {
          // No leading zero; and 19 digits are the most that an int64_t has.
          if (digits_ != 0 && (value_ == 0 || digits_ == 19)) return refuse();
          value_ = value_ * 10 + static_cast<unsigned char>(*p - '0');
          ++digits_;
        }
        if (p == end) break;
        if (*p == '\r') {
          state_ = State::kNumberLf;
        } else if (*p == '-' && digits_ == 0 && !negative_) {
          negative_ = true;
        } else {
          return refuse();
        }
        ++p;
        break;

      case State::kNumberLf:
        if (*p != '\n' || !number_read()) return refuse();
        ++p;
        if (remaining_ == 0) return complete(p - begin);
        break;

      case State::kLine:
        p = static_cast<const char*>(std::memchr(p, '\r', static_cast<size_t>(end - p)));
        if (p == nullptr) {
          p = end;
        } else {
          ++p;
          state_ = State::kLineLf;
        }
        break;

      case State::kLineLf:
        if (*p == '\n') {
          value_done();
        } else if (*p != '\r') {
          state_ = State::kLine;
        }
        ++p;
        if (remaining_ == 0) return complete(p - begin);
        break;

      case State::kBody: {
        const size_t here = static_cast<size_t>(std::min<uint64_t>(body_left_, static_cast<size_t>(end - p)));
        p += here;
        body_left_ -= here;
        if (body_left_ == 0) state_ = State::kBodyCr;
        break;
      }

      case State::kBodyCr:
        if (*p != '\r') return refuse();
        ++p;
        state_ = State::kBodyLf;
        break;

      case State::kBodyLf:
        if (*p != '\n') return refuse();
        ++p;
        value_done();
        if (remaining_ == 0) return complete(p - begin);
        break;

      case State::kError:
        return refuse();
    }
  }
  return stop(state_ == State::kError ? Status::kError : Status::kIncomplete);
}

ReplyScanner::Scan ReplyScanner::complete(ptrdiff_t consumed) {
  state_ = State::kBoundary;
  return {Status::kComplete, static_cast<size_t>(consumed)};
}

// The quick way over values of the common types that are here whole; stops before the first that is anything else.
const char* ReplyScanner::pass_plain_values(const char* p, const char* end) {
  uint64_t remaining = remaining_;
  do {
    if (end - p < 3) break;
    const char type = *p;
    const char* next = nullptr;
    int64_t number = 0;
    uint64_t owed = 0;
    if (type == '$' || type == ':' || type == '*') {
      uint64_t read = 0;
      next = read_plain_number(p + 1, end, read);
      number = static_cast<int64_t>(read);
      if (next == nullptr) {
        if (type != '$' || end - p < 5 || std::memcmp(p, "$-1\r\n", 5) != 0) break;
        number = -1;
        next = p + 5;
      } else if (next[-1] != '\n') {
        break;
      } else if (type == '$') {
        if (static_cast<uint64_t>(end - next) < read + 2) break;
        next += read + 2;
        if (next[-2] != '\r' || next[-1] != '\n') break;
      } else if (type == '*') {
        owed = read;
        if (remaining - 1 + owed > max_elements_) break;
      }
    } else if (type == '+' || type == '-') {
      next = end_of_short_line(p + 1, end);
      if (next == nullptr) break;
    } else {
      break;
    }
    if (type_ == 0) {
      if (remaining != 1) break;  // within an attribute before the reply
      type_ = type;
      number_ = number;
      elements_ = owed;
      nulls_ = 0;
    }
    if (type == '$' && number < 0) ++nulls_;
    remaining += owed - 1;
    p = next;
  } while (remaining > 0);
  remaining_ = remaining;
  return p;
}

// A value is over: the next one begins, if any is owed.
void ReplyScanner::value_done() {
  --remaining_;
  state_ = State::kType;
}

bool ReplyScanner::begin_value(char type) {
  current_ = type;
  // While an attribute stands open before the reply, more than one value is owed.
  is_reply_ = type_ == 0 && remaining_ == 1 && type != '|';
  if (is_reply_) {
    type_ = type;
    nulls_ = 0;
  }
  switch (type) {
    case '_':
      ++nulls_;
      if (is_reply_) number_ = -1;
      state_ = State::kLine;
      return true;
    case '+':
    case '-':
    case ',':
    case '(':
    case '#':
      state_ = State::kLine;
      return true;
    case ':':
    case '$':
    case '!':
    case '=':
    case '*':
    case '~':
    case '>':
    case '%':
    case '|':
      state_ = State::kNumber;
      value_ = 0;
      digits_ = 0;
      negative_ = false;
      return true;
    default:
      return false;
  }
}

// The header "<type>[-]digits\r\n" is read. False if no such value exists or too many values would be owed.
bool ReplyScanner::number_read() {
  constexpr uint64_t kMax = INT64_MAX;
  if (digits_ == 0 || value_ > kMax + (negative_ ? 1 : 0) || (negative_ && value_ == 0)) return false;
  if (is_reply_) number_ = static_cast<int64_t>(negative_ ? 0 - value_ : value_);
  if (current_ == ':') {
    value_done();
    return true;
  }
  if (negative_) {
    if (value_ != 1 || (current_ != '$' && current_ != '*')) return false;
    ++nulls_;
    value_done();
    return true;
  }
  if (current_ == '$' || current_ == '!' || current_ == '=') {
    body_left_ = value_;
    state_ = value_ == 0 ? State::kBodyCr : State::kBody;
    return true;
  }
  if (value_ > max_elements_) return false;
  const bool pairs = current_ == '%' || current_ == '|';
  const uint64_t owed = pairs ? 2 * value_ : value_;
  if (is_reply_) elements_ = owed;
  remaining_ += owed;
  // An attribute belongs to the value behind it, and a push within a reply to nobody (EXEC of what pushes).
  const bool beside = current_ == '|' || (current_ == '>' && !is_reply_);
  if (!beside) --remaining_;
  state_ = State::kType;
  return remaining_ <= max_elements_;
}

}  // namespace keyshift::resp
