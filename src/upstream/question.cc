#include "keyshift/upstream/question.h"

#include <utility>

#include "keyshift/base/check.h"
#include "keyshift/resp/writer.h"

namespace keyshift::upstream {

Question::~Question() {
  if (connection_ != nullptr) connection_->abandon(this);
}

bool Question::ask(Connection& connection, std::span<const std::string_view> words, uint64_t now_ns,
                   Callback callback) {
  KEYSHIFT_CHECK(connection_ == nullptr, "a question is asked once");
  if (!connection.usable()) return false;
  connection_ = &connection;
  callback_ = std::move(callback);
  Buffer& out = connection.out();
  resp::append_array(out, words.size());
  for (const std::string_view word : words) resp::append_bulk(out, word);
  connection.expect({.waiter = this, .started_ns = now_ns, .delivery = Delivery::kWhole});
  connection.submit();
  return true;
}

void Question::on_reply(std::string_view bytes, const resp::ReplyScanner*, uint64_t) {
  tell({.reply = bytes});
}

void Question::on_lost(Loss loss, std::string_view reason) {
  tell({.loss = loss, .reason = reason});
}

void Question::tell(const Answer& answer) {
  connection_ = nullptr;
  const Callback callback = std::exchange(callback_, nullptr);
  callback(answer);
}

}  // namespace keyshift::upstream
