#include "keyshift/resp/reply_cursor.h"

#include "keyshift/base/check.h"
#include "keyshift/resp/number.h"

namespace keyshift::resp {

Token ReplyCursor::next() {
  if (done()) return {};
  const size_t line_end = frame_.find("\r\n", position_ + 1);
  KEYSHIFT_CHECK(line_end != std::string_view::npos, "a reply that no scanner accepted");
  Token token;
  token.type = frame_[position_];
  const std::string_view line = frame_.substr(position_ + 1, line_end - position_ - 1);
  size_t end = line_end + 2;
  switch (token.type) {
    case '+':
    case '-':
    case ':':
    case ',':
    case '(':
    case '#':
      token.text = line;
      break;
    case '_':
      token.is_null = true;
      break;
    default: {
      int64_t number = 0;
      KEYSHIFT_CHECK(parse_integer(line, number) && number >= -1, "a reply that no scanner accepted");
      if (number == -1) {
        token.is_null = true;
      } else if (token.type == '$' || token.type == '!' || token.type == '=') {
        const size_t length = static_cast<size_t>(number);
        KEYSHIFT_CHECK(length + 2 <= frame_.size() - end, "a reply that no scanner accepted");
        token.text = frame_.substr(end, length);
        end += length + 2;
      } else {
        token.count = static_cast<uint64_t>(number) * (token.type == '%' || token.type == '|' ? 2 : 1);
      }
    }
  }
  token.raw = frame_.substr(position_, end - position_);
  position_ = end;
  return token;
}

Token ReplyCursor::peek() const {
  ReplyCursor ahead = *this;
  return ahead.next();
}

std::string_view ReplyCursor::skip() {
  const size_t begin = position_;
  for (uint64_t owed = 1; owed > 0 && !done();) {
    const bool within = position_ != begin;
    const Token token = next();
    owed += token.count;
    // An attribute belongs to the value behind it, and a push within a value to nobody.
    const bool beside = token.type == '|' || (token.type == '>' && within);
    if (!beside) --owed;
  }
  return frame_.substr(begin, position_ - begin);
}

}  // namespace keyshift::resp
