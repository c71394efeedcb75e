// Connection: from the socket to a connection that requests are sent on.
//
//   HELLO 3 AUTH user secret    or AUTH, or what a client has said to log in: judged by the upstream
//   SELECT 5                    the database that its requests begin in, if it is not 0
//   CLIENT SETNAME keyshift     who we are, for the operator of the upstream
//   CLIENT ID                   the number that CLIENT UNBLOCK and REDIRECT want to know
#include <array>
#include <utility>

#include <fmt/format.h>

#include "connection_words.h"
#include "keyshift/base/log.h"
#include "keyshift/upstream/connection.h"

namespace keyshift::upstream {

namespace own = resp::own;

namespace {

// How a server refuses what it cannot do while a script runs.
constexpr std::string_view kBusy = "-BUSY ";

}  // namespace

// HELLO and AUTH go first, alone: a request that ran before AUTH would be answered NOAUTH to a client that did
// nothing wrong.
void Connection::handshake() {
  Buffer& out = stream_->out();
  greeted_in_ = options_.protocol;
  const bool resp3 = options_.protocol == resp::Protocol::kResp3;
  const bool logs_in = options_.logs_in || !options_.password.empty();
  password_is_new_ = false;
  const std::string_view user = options_.username.empty() ? "default" : std::string_view(options_.username);
  handshake_replies_ = 0;
  if (!login_request_.empty()) {
    out.append(std::exchange(login_request_, {}));
    ++handshake_replies_;
  } else if (resp3) {
    resp::append_array(out, logs_in ? 5 : 2);
    resp::append_bulk(out, own::kHello);
    resp::append_bulk(out, "3");
    if (logs_in) {
      resp::append_bulk(out, "AUTH");
      resp::append_bulk(out, user);
      resp::append_bulk(out, options_.password);
    }
    ++handshake_replies_;
  } else if (logs_in) {
    resp::append_array(out, options_.username.empty() ? 2 : 3);
    resp::append_bulk(out, own::kAuth);
    if (!options_.username.empty()) resp::append_bulk(out, user);
    resp::append_bulk(out, options_.password);
    ++handshake_replies_;
  }
  if (options_.database != 0) {
    append_select(out, own::kSelect, options_.database);
    ++handshake_replies_;
  }
  introduce();
  handshake_replies_ += 2;
  stream_->mark_dirty();
}

// A name tells the operator of the Redis who holds these connections. The answer to it does not matter.
void Connection::introduce() {
  introduced_ = true;
  Buffer& out = stream_->out();
  append_name(out, kOurName);
  resp::append_array(out, 2);
  resp::append_bulk(out, own::kClient);
  resp::append_bulk(out, "ID");
}

// A server that is busy with a script lets us in all the same, since it has to be told to kill it; it refuses what is not
// needed for that, and is asked again when it is not.
void Connection::introduced(std::string_view reply) {
  if (scanner_.type() == ':') server_id_ = static_cast<int64_t>(scanner_.number());
  introduced_ = !reply.starts_with(kBusy);
}

// Returns false if the connection was given up.
bool Connection::on_handshake_reply(std::string_view reply) {
  --handshake_replies_;
  const bool is_login = handshake_replies_ >= 2;
  if (is_login && reply.starts_with(kBusy)) {
    must_select_ = true;
  } else if (scanner_.type() == '-' && is_login) {
    refuse_login(reply.substr(1, reply.size() - 3));
    return false;
  }
  // Errors that say more than that names are not welcome.
  if (reply.starts_with("-NOAUTH")) {
    needs_login_ = true;
    go_down(
        "the upstream wants a password: set upstream.password, REDIS_PASSWORD or the password in its URL");
    return false;
  }
  if (reply.starts_with("-ERR max number of clients")) {
    go_down("the upstream has reached its maxclients");
    return false;
  }
  if (handshake_replies_ > 0) return true;
  introduced(reply);
  become_ready();
  return true;
}

// A server that is full or loading has not said anything about the login.
void Connection::refuse_login(std::string_view error) {
  constexpr std::array<std::string_view, 4> kPassing = {"ERR max number of clients", "LOADING", "BUSY",
                                                        "MASTERDOWN"};
  const bool passing = std::ranges::any_of(kPassing, [error](auto word) { return error.starts_with(word); });
  if (!passing) refusal_ = error;
  const auto refused = passing || password_is_new_ ? nullptr : options_.refused;
  go_down(fmt::format("the upstream refused the login: {}", error));
  if (refused) loop_->post(refused);
}

void Connection::set_password(std::string_view password) {
  if (options_.password == password) return;
  options_.password = password;
  password_is_new_ = true;
}

void Connection::become_ready() {
  state_ = State::kReady;
  pause_ms_ = 0;
  failure_.clear();
  stats_->upstream_connected.add();
  stats_->upstream_connects.add();
  log::debug("upstream {} connected", options_.address.text());
  if (std::exchange(must_select_, false)) select_first();
  stream_->out().append(queued_.view());
  queued_.release();
  stream_->mark_dirty();
  if (finishing_) stream_->finish_sending();
  if (listener_ != nullptr) listener_->on_connected();
}

// The database was refused at login. What waits was written for it: a SELECT goes before it, in the same write.
void Connection::select_first() {
  Ring<Expectation> waiting;
  std::swap(waiting, expected_);
  append_select(stream_->out(), own::kSelect, options_.database);
  expected_.push_back({.started_ns = loop_->now_ns(), .own = Own::kSelect});
  stats_->upstream_waiting.add();
  ++selects_owed_;
  while (!waiting.empty()) expected_.push_back(waiting.pop_front());
}

void Connection::check_introduction(uint64_t now_ns) {
  if (state_ != State::kReady || introduced_ || !expected_.empty()) return;
  introduce();
  name_ = kOurName;
  expect({.started_ns = now_ns});
  expect({.started_ns = now_ns, .own = Own::kId});
  submit();
}

}  // namespace keyshift::upstream
