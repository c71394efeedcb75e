// What hiredis's reader says of a frame: the oracle for all that it can parse. Debian's 0.14 knows RESP2 to a
// depth of 7.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <hiredis/hiredis.h>

namespace keyshift::resp {

// A reply as a flat list of its values, in the order of the bytes.
struct FlatValue {
  char type;  // + - : $ *; nulls are '_' here
  int64_t number = 0;
  std::string text;

  friend bool operator==(const FlatValue&, const FlatValue&) = default;
};

inline void flatten(const redisReply& reply, std::vector<FlatValue>& out) {
  const auto text = [&] { return std::string(reply.str, static_cast<size_t>(reply.len)); };
  switch (reply.type) {
    case REDIS_REPLY_STRING:
      out.push_back({'$', 0, text()});
      break;
    case REDIS_REPLY_STATUS:
      out.push_back({'+', 0, text()});
      break;
    case REDIS_REPLY_ERROR:
      out.push_back({'-', 0, text()});
      break;
    case REDIS_REPLY_INTEGER:
      out.push_back({':', reply.integer, ""});
      break;
    case REDIS_REPLY_NIL:
      out.push_back({'_', -1, ""});
      break;
    case REDIS_REPLY_ARRAY:
      out.push_back({'*', static_cast<int64_t>(reply.elements), ""});
      for (size_t i = 0; i < reply.elements; ++i) flatten(*reply.element[i], out);
      break;
    default:
      break;
  }
}

struct HiredisVerdict {
  enum Kind { kComplete, kIncomplete, kError } kind;
  std::vector<FlatValue> values;
};

// Judges `bytes` as one reply (what follows its end is not looked at).
inline HiredisVerdict ask_hiredis(std::string_view bytes) {
  const std::unique_ptr<redisReader, decltype(&redisReaderFree)> reader(redisReaderCreate(), redisReaderFree);
  redisReaderFeed(reader.get(), bytes.data(), bytes.size());
  void* reply = nullptr;
  if (redisReaderGetReply(reader.get(), &reply) != REDIS_OK) return {HiredisVerdict::kError, {}};
  if (reply == nullptr) return {HiredisVerdict::kIncomplete, {}};
  HiredisVerdict verdict{HiredisVerdict::kComplete, {}};
  flatten(*static_cast<redisReply*>(reply), verdict.values);
  freeReplyObject(reply);
  return verdict;
}

}  // namespace keyshift::resp
