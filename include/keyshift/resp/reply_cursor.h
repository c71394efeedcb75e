// ReplyCursor: walks over one complete reply, value by value, for the reply mapper.
//
//   ReplyCursor cursor("*2\r\n$1\r\n0\r\n*1\r\n$3\r\nk:1\r\n");        a SCAN reply
//   cursor.next()   {'*', count 2, raw "*2\r\n"}
//   cursor.next()   {'$', text "0", raw "$1\r\n0\r\n"}
//   cursor.skip()   "*1\r\n$3\r\nk:1\r\n"                             the whole array, unread
//   cursor.done()   true
//
// Tokens come in the order of the bytes: the header of an aggregate, then its values. Whoever needs the
// structure counts (an aggregate's `count`); the cursor keeps nothing per level. The raw bytes of all tokens,
// one after the other, are the frame, so what is not changed is copied as it stands.
//
// Requires: the frame was found by ReplyScanner. What it accepts can be walked; anything else is our own bug
// and aborts. All views are borrowed from the frame.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace keyshift::resp {

struct Token {
  char type = 0;         // the first byte: + - : , ( # _ $ ! = * ~ > % |
  bool is_null = false;  // "$-1", "*-1", "_"
  uint64_t count = 0;    // values that follow and belong to it: n for * ~ >, 2n for % and |
  std::string_view
      text;  // of a line, what follows its type; of a bulk, its body ("=" with "txt:"); else empty
  std::string_view raw;  // the token's bytes; of an aggregate, its header only

  bool is_aggregate() const {
    return type == '*' || type == '~' || type == '>' || type == '%' || type == '|';
  }
  bool is_string() const { return type == '$' && !is_null; }
  bool is_error() const { return type == '-' || type == '!'; }
};

class ReplyCursor {
 public:
  explicit ReplyCursor(std::string_view frame) : frame_(frame) {}

  bool done() const { return position_ == frame_.size(); }
  // The next token; one of no type behind the end, which a peer decides and not the caller.
  Token next();
  // The token that next() would return, without moving.
  Token peek() const;
  // Moves over a whole value, attributes before it and values in it included; returns its bytes.
  std::string_view skip();

  // Offset of the next token.
  size_t position() const { return position_; }
  // The bytes that were not walked over yet.
  std::string_view rest() const { return frame_.substr(position_); }

 private:
  std::string_view frame_;
  size_t position_ = 0;
};

}  // namespace keyshift::resp
