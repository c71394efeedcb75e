#include "keyshift/resp/writer.h"

#include <charconv>
#include <cmath>
#include <cstring>

#include "keyshift/base/check.h"

namespace keyshift::resp {
namespace {

constexpr size_t kNumberBytes = 20;  // the longest 64-bit integer, with its sign
constexpr size_t kHeaderBytes = 1 + kNumberBytes + 2;

template <class Integer>
char* put_number_line(char* at, char type, Integer number) {
  *at++ = type;
  if (number >= 0 && number < 100) {  // nearly all
    if (number >= 10) *at++ = static_cast<char>('0' + number / 10);
    *at++ = static_cast<char>('0' + number % 10);
  } else {
    at = std::to_chars(at, at + kNumberBytes, number).ptr;
  }
  *at++ = '\r';
  *at++ = '\n';
  return at;
}

template <class Integer>
void append_number_line(Buffer& out, char type, Integer number) {
  char* const begin = out.reserve(kHeaderBytes);
  out.commit(static_cast<size_t>(put_number_line(begin, type, number) - begin));
}

void append_line(Buffer& out, char type, std::string_view text) {
  char* at = out.reserve(text.size() + 3);
  *at++ = type;
  for (const char c : text) *at++ = c == '\r' || c == '\n' ? ' ' : c;
  *at++ = '\r';
  *at++ = '\n';
  out.commit(text.size() + 3);
}

}  // namespace

void append_array(Buffer& out, uint64_t count) {
  append_number_line(out, '*', count);
}

void append_map(Buffer& out, uint64_t pairs, Protocol protocol) {
  const bool resp3 = protocol == Protocol::kResp3;
  append_number_line(out, resp3 ? '%' : '*', resp3 ? pairs : 2 * pairs);
}

void append_set(Buffer& out, uint64_t count, Protocol protocol) {
  append_number_line(out, protocol == Protocol::kResp3 ? '~' : '*', count);
}

void append_push(Buffer& out, uint64_t count, Protocol protocol) {
  append_number_line(out, protocol == Protocol::kResp3 ? '>' : '*', count);
}

void append_bulk(Buffer& out, std::string_view body) {
  char* const begin = out.reserve(kHeaderBytes + body.size() + 2);
  char* at = put_number_line(begin, '$', uint64_t{body.size()});
  if (!body.empty()) std::memcpy(at, body.data(), body.size());
  at += body.size();
  *at++ = '\r';
  *at++ = '\n';
  out.commit(static_cast<size_t>(at - begin));
}

void append_bulk_integer(Buffer& out, int64_t value) {
  char digits[kNumberBytes];
  const char* const end = std::to_chars(digits, digits + sizeof(digits), value).ptr;
  append_bulk(out, {digits, static_cast<size_t>(end - digits)});
}

void append_bulk_header(Buffer& out, uint64_t length) {
  append_number_line(out, '$', length);
}

void append_integer(Buffer& out, int64_t value) {
  append_number_line(out, ':', value);
}

void append_simple(Buffer& out, std::string_view text) {
  append_line(out, '+', text);
}

void append_error(Buffer& out, std::string_view text) {
  append_line(out, '-', text);
}

void append_null(Buffer& out, Protocol protocol) {
  out.append(protocol == Protocol::kResp3 ? "_\r\n" : "$-1\r\n");
}

void append_null_array(Buffer& out, Protocol protocol) {
  out.append(protocol == Protocol::kResp3 ? "_\r\n" : "*-1\r\n");
}

void append_boolean(Buffer& out, bool value, Protocol protocol) {
  const bool resp3 = protocol == Protocol::kResp3;
  out.append(value ? (resp3 ? "#t\r\n" : ":1\r\n") : (resp3 ? "#f\r\n" : ":0\r\n"));
}

void append_double(Buffer& out, double value, Protocol protocol) {
  char digits[32];
  const char* end = digits;
  if (std::isnan(value)) {
    std::memcpy(digits, "nan", 3);  // never "-nan"
    end += 3;
  } else {
    end = std::to_chars(digits, digits + sizeof(digits), value).ptr;
  }
  const std::string_view text(digits, static_cast<size_t>(end - digits));
  if (protocol == Protocol::kResp3) {
    append_line(out, ',', text);
  } else {
    append_bulk(out, text);
  }
}

void append_verbatim(Buffer& out, std::string_view format, std::string_view text, Protocol protocol) {
  if (protocol == Protocol::kResp2) return append_bulk(out, text);
  KEYSHIFT_CHECK(format.size() == 3, format);
  append_number_line(out, '=', text.size() + 4);
  out.append(format);
  out.push_back(':');
  out.append(text);
  out.append("\r\n");
}

}  // namespace keyshift::resp
