// Answer: writes the reply to a command of our own, names and values, in the client's protocol.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "keyshift/base/buffer.h"
#include "keyshift/resp/writer.h"

namespace keyshift::proxy {

class Answer {
 public:
  Answer(Buffer& out, resp::Protocol protocol) : out_(out), protocol_(protocol) {}

  void list(size_t count) { resp::append_array(out_, count); }
  void map(size_t fields) { resp::append_map(out_, fields, protocol_); }
  void name(std::string_view name) { resp::append_bulk(out_, name); }
  void text(std::string_view text) { resp::append_bulk(out_, text); }
  void number(double value) { resp::append_double(out_, value, protocol_); }
  void integer(int64_t number) { resp::append_integer(out_, number); }
  void null() { resp::append_null(out_, protocol_); }
  void error(std::string_view text) { resp::append_error(out_, text); }

  void field(std::string_view name, std::string_view value) {
    resp::append_bulk(out_, name);
    resp::append_bulk(out_, value);
  }
  void field(std::string_view name, uint64_t value) {
    resp::append_bulk(out_, name);
    resp::append_integer(out_, static_cast<int64_t>(value));
  }
  void optional(std::string_view name, const std::optional<std::string>& value) {
    resp::append_bulk(out_, name);
    if (value) {
      text(*value);
    } else {
      null();
    }
  }

 private:
  Buffer& out_;
  const resp::Protocol protocol_;
};

}  // namespace keyshift::proxy
