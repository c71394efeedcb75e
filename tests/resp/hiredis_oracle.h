// What hiredis's reader says of a frame: the oracle for all that it can parse. Debian's 0.14 knows RESP2 to a
// depth of 7.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
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

// Notes each value as the reader meets it, in place of a tree: a header that promises a thousand million elements costs
// a tree its memory, and a visit to each of them when it is freed.
inline void* note(const redisReadTask* task, FlatValue value) {
  static_cast<std::vector<FlatValue>*>(task->privdata)->push_back(std::move(value));
  return task->privdata;
}

inline void* note_text(const redisReadTask* task, char* text, size_t size) {
  const char type = task->type == REDIS_REPLY_STRING ? '$' : task->type == REDIS_REPLY_STATUS ? '+' : '-';
  return note(task, {type, 0, std::string(text, size)});
}

struct HiredisVerdict {
  enum Kind { kComplete, kIncomplete, kError } kind;
  std::vector<FlatValue> values;
};

// Judges `bytes` as one reply (what follows its end is not looked at).
inline HiredisVerdict ask_hiredis(std::string_view bytes) {
  static redisReplyObjectFunctions notes{.createString = note_text,
                                         .createArray =
                                             [](const redisReadTask* task, int size) {
                                               return note(task, {'*', size, ""});
                                             },
                                         .createInteger =
                                             [](const redisReadTask* task, long long number) {
                                               return note(task, {':', number, ""});
                                             },
                                         .createNil =
                                             [](const redisReadTask* task) {
                                               return note(task, {'_', -1, ""});
                                             },
                                         .freeObject = [](void*) {}};
  HiredisVerdict verdict{HiredisVerdict::kComplete, {}};
  const std::unique_ptr<redisReader, decltype(&redisReaderFree)> reader(
      redisReaderCreateWithFunctions(&notes), redisReaderFree);
  reader->privdata = &verdict.values;
  redisReaderFeed(reader.get(), bytes.data(), bytes.size());
  void* reply = nullptr;
  if (redisReaderGetReply(reader.get(), &reply) != REDIS_OK) return {HiredisVerdict::kError, {}};
  if (reply == nullptr) return {HiredisVerdict::kIncomplete, {}};
  return verdict;
}

}  // namespace keyshift::resp
