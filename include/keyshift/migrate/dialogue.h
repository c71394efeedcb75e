// Dialogue: questions to a Redis and their answers, one after the other, for code that has nothing else to do.
//
//   Dialogue dialogue({.address = ..., .password = ...});
//   if (auto opened = dialogue.open(); !opened) ...           "Connection refused"
//   auto reply = dialogue.ask({"DBSIZE"});                    reply->integer == 7
//   dialogue.send({"PTTL", "a"}, take); dialogue.send({"PTTL", "b"}, take);
//   dialogue.wait();                                          both in one round trip
//
// It owns an event loop and one connection of net::RedisClient (RESP2, replies up to seven levels deep). An error reply
// is a value; a lost connection or an answer that does not come is a failure, after which every call fails with the
// same reason. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>

#include "keyshift/base/address.h"
#include "keyshift/base/result.h"
#include "keyshift/net/loop.h"
#include "keyshift/net/redis_client.h"
#include "keyshift/net/timer.h"

namespace keyshift::migrate {

class Dialogue {
 public:
  struct Options {
    Address address;
    std::string username;  // empty: the default user
    std::string password;  // empty: no AUTH
    int64_t connect_timeout_ms = 2'000;
    int64_t reply_timeout_ms = 30'000;  // 0: none
  };
  using Answer = net::RedisClient::Answer;

  explicit Dialogue(Options options);

  // Connects and logs in; fails with the reason.
  Result<void> open();
  // Asks one question and waits.
  Result<net::Reply> ask(std::initializer_list<std::string_view> words);
  // Asks without waiting: `answer` is called in wait(), in the order of the questions, unless the connection is lost.
  void send(std::initializer_list<std::string_view> words, Answer answer);
  // Waits until everything that was sent is answered.
  Result<void> wait();
  // Does nothing for so long.
  void pause(int64_t ms);

 private:
  Result<void> wait_for(int64_t timeout_ms);

  Options options_;
  size_t unanswered_ = 0;
  std::string lost_;  // why; empty as long as nothing is
  net::Loop loop_;
  net::RedisClient client_;
  net::Timer timer_;
};

}  // namespace keyshift::migrate
