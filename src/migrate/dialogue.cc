#include "keyshift/migrate/dialogue.h"

#include <utility>

#include <fmt/format.h>

namespace keyshift::migrate {

using net::Reply;

Dialogue::Dialogue(Options options)
    : options_(std::move(options)),
      client_(&loop_, options_.address,
              [this](std::string_view reason) {
                if (lost_.empty()) lost_ = reason;
                loop_.stop();
              }),
      timer_(&loop_, [this] { loop_.stop(); }) {}

Result<void> Dialogue::open() {
  client_.open();
  std::string refused;
  const auto answer = [&refused](const Reply& reply) {
    if (reply.is_error()) refused = reply.text;
  };
  if (options_.password.empty()) {
    // Any answer will do: whoever wants a password says so to the first real question.
    send({"PING"}, [](const Reply&) {});
  } else if (options_.username.empty()) {
    send({"AUTH", options_.password}, answer);
  } else {
    send({"AUTH", options_.username, options_.password}, answer);
  }
  if (auto opened = wait_for(options_.connect_timeout_ms); !opened) return opened;
  if (!refused.empty()) lost_ = refused;
  return refused.empty() ? Result<void>() : fail(refused);
}

Result<Reply> Dialogue::ask(std::initializer_list<std::string_view> words) {
  Reply value;
  send(words, [&value](const Reply& reply) { value = reply; });
  if (auto waited = wait(); !waited) return tl::make_unexpected(waited.error());
  return value;
}

void Dialogue::send(std::initializer_list<std::string_view> words, Answer answer) {
  if (!lost_.empty()) return;
  ++unanswered_;
  client_.request(words, [this, answer = std::move(answer)](const Reply& reply) {
    --unanswered_;
    if (reply.type == Reply::Type::kLost) {
      if (lost_.empty()) lost_ = reply.text;
    } else if (lost_.empty()) {
      answer(reply);
    }
    if (unanswered_ == 0) loop_.stop();
  });
}

Result<void> Dialogue::wait() {
  return wait_for(options_.reply_timeout_ms);
}

Result<void> Dialogue::wait_for(int64_t timeout_ms) {
  if (lost_.empty() && unanswered_ != 0) {
    if (timeout_ms > 0) timer_.start(static_cast<uint64_t>(timeout_ms));
    loop_.run();
    timer_.stop();
    if (lost_.empty() && unanswered_ != 0) {
      lost_ = fmt::format("no answer within {} ms", timeout_ms);
      client_.close();
    }
  }
  return lost_.empty() ? Result<void>() : fail(lost_);
}

void Dialogue::pause(int64_t ms) {
  if (ms <= 0 || !lost_.empty()) return;
  timer_.start(static_cast<uint64_t>(ms));
  loop_.run();
}

}  // namespace keyshift::migrate
