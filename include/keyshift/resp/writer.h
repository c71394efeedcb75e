// Writer: appends requests and replies to a Buffer, in RESP2 or RESP3.
//
// Requests to the upstream and the replies that Keyshift gives itself are written with it.
//
//   append_array(out, 2);          *2\r\n
//   append_bulk(out, "GET");       $3\r\nGET\r\n
//   append_bulk(out, "key:1");     $5\r\nkey:1\r\n
//
// Nothing is allocated beyond the Buffer's own growth. What is a map, set, push, double or verbatim string in
// RESP3 has the RESP2 form that Redis 7 gives it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "keyshift/base/buffer.h"
#include "keyshift/resp/number.h"
#include "keyshift/resp/protocol.h"

namespace keyshift::resp {

// "*n\r\n": n values follow.
void append_array(Buffer& out, uint64_t count);
// n pairs follow: "%n\r\n", or "*2n\r\n" in RESP2.
void append_map(Buffer& out, uint64_t pairs, Protocol protocol);
// n values follow: "~n\r\n", or "*n\r\n" in RESP2.
void append_set(Buffer& out, uint64_t count, Protocol protocol);
// n values follow: ">n\r\n", or "*n\r\n" in RESP2.
void append_push(Buffer& out, uint64_t count, Protocol protocol);

// "$n\r\n<body>\r\n"
void append_bulk(Buffer& out, std::string_view body);
// A bulk of the integer's digits: ":5" as an argument is "$1\r\n5\r\n".
void append_bulk_integer(Buffer& out, int64_t value);
// "$n\r\n" alone: n bytes of body and a CRLF follow.
void append_bulk_header(Buffer& out, uint64_t length);

// ":n\r\n"
void append_integer(Buffer& out, int64_t value);
// "+text\r\n". A CR or LF in text becomes a blank, as in Redis.
void append_simple(Buffer& out, std::string_view text);
// "-text\r\n", text with its code: "ERR unknown command". A CR or LF in text becomes a blank.
void append_error(Buffer& out, std::string_view text);
// "_\r\n", or "$-1\r\n" in RESP2.
void append_null(Buffer& out, Protocol protocol);
// "_\r\n", or "*-1\r\n" in RESP2, where Redis says null for a whole array (EXEC, BLPOP, XREAD).
void append_null_array(Buffer& out, Protocol protocol);
// "#t\r\n", "#f\r\n", or ":1\r\n", ":0\r\n" in RESP2.
void append_boolean(Buffer& out, bool value, Protocol protocol);
// ",3.25\r\n", or a bulk of the same text in RESP2; the shortest text that reads back as the value; "inf"
// "-inf" "nan".
void append_double(Buffer& out, double value, Protocol protocol);
// "=15\r\ntxt:Some string\r\n", or a bulk without the format in RESP2. Requires: format has three bytes.
void append_verbatim(Buffer& out, std::string_view format, std::string_view text, Protocol protocol);

// Bytes of "$n\r\n<n bytes>\r\n", and of its header alone.
constexpr size_t bulk_header_size(uint64_t length) {
  return 1 + decimal_digits(length) + 2;
}
constexpr size_t bulk_size(uint64_t length) {
  return bulk_header_size(length) + length + 2;
}
// Bytes of "*n\r\n".
constexpr size_t array_header_size(uint64_t count) {
  return 1 + decimal_digits(count) + 2;
}

}  // namespace keyshift::resp
