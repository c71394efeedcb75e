// Question: one request of our own to the upstream, and what is done with its answer.
//
//   Question question;
//   question.ask(connection, {"AUTH", "app", "secret"}, now_ns, [](const Question::Answer& answer) { ... });
//
// The callback comes at most once, from within a call of the connection's or, where that is not usable, never: ask() says
// so. Destroying the question, also from within its callback, takes it back.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "keyshift/upstream/connection.h"

namespace keyshift::upstream {

class Question final : private Waiter {
 public:
  struct Answer {
    std::string_view reply = {};  // as it came, "+OK\r\n"; empty: none will come
    Loss loss = Loss::kDisconnected;
    std::string_view reason = {};  // of the loss
  };
  using Callback = std::function<void(const Answer&)>;

  Question() = default;
  ~Question() override;
  Question(const Question&) = delete;
  Question& operator=(const Question&) = delete;

  // Requires: nothing is asked yet. False if the connection is not usable.
  bool ask(Connection& connection, std::span<const std::string_view> words, uint64_t now_ns,
           Callback callback);

 private:
  void on_reply(std::string_view bytes, const resp::ReplyScanner* finished, uint64_t started_ns) override;
  void on_lost(Loss loss, std::string_view reason) override;
  void on_room() override {}
  void tell(const Answer& answer);

  Connection* connection_ = nullptr;  // while an answer is to come
  Callback callback_;
};

}  // namespace keyshift::upstream
