#include "keyshift/upstream/health_check.h"

#include <utility>

#include <fmt/format.h>

#include "keyshift/base/log.h"
#include "keyshift/net/info.h"
#include "keyshift/resp/own_words.h"
#include "keyshift/resp/writer.h"

namespace keyshift::upstream {

using net::info_field;
namespace own = resp::own;

namespace {

constexpr uint64_t kEveryMs = 1000;

}  // namespace

HealthCheck::HealthCheck(net::Loop* loop, const ConnectionOptions& options, Callbacks callbacks)
    : loop_(loop),
      options_(options),
      callbacks_(std::move(callbacks)),
      client_(loop, options.address,
              [this](std::string_view reason) {
                asking_ = false;
                asked_for_commands_ = false;
                set(false, fmt::format("cannot reach {}: {}", options_.address.text(), reason));
              }),
      timer_(loop, [this] { ask(); }),
      stats_(0) {
  timer_.start(0, kEveryMs);
}

HealthCheck::~HealthCheck() {
  if (command_query_) command_query_->abandon(this);
}

void HealthCheck::ask() {
  if (asking_) {
    // No answer since the last time: whoever hangs is not ready.
    set(false, fmt::format("{} does not answer", options_.address.text()));
    asking_ = false;
    asked_for_commands_ = false;
    client_.close();
  }
  if (!client_.is_open()) {
    client_.open();
    if (!client_.is_open()) return;
    login_refused_ = false;
    if (!options_.password.empty()) {
      const auto answer = [this](const net::Reply& reply) {
        login_refused_ = reply.type == net::Reply::Type::kError;
        if (login_refused_) set(false, fmt::format("the upstream refused the login: {}", reply.text));
      };
      if (options_.username.empty()) {
        client_.request({std::string(own::kAuth), options_.password}, answer);
      } else {
        client_.request({std::string(own::kAuth), options_.username, options_.password}, answer);
      }
    }
  }
  asking_ = true;
  client_.request({std::string(own::kInfo)}, [this](const net::Reply& reply) {
    asking_ = false;
    if (reply.type == net::Reply::Type::kText) {
      read_info(reply.text);
    } else if (reply.type == net::Reply::Type::kError && !login_refused_) {
      set(false, reply.text);
    }
  });
}

void HealthCheck::read_info(const std::string& info) {
  if (!asked_for_commands_) ask_for_commands();
  health_.version = info_field(info, "redis_version");
  health_.mode = info_field(info, "redis_mode");
  const std::string role(info_field(info, "role"));
  const bool turned = std::exchange(health_.role, role) != role;
  if (turned) callbacks_.changed(health_);
  if (info_field(info, "loading") == "1") {
    set(false, "the upstream is loading its data");
  } else if (role == "slave" && info_field(info, "master_link_status") == "down") {
    set(false, "the upstream is a replica that has lost its master");
  } else if (role == "slave" && info_field(info, "slave_read_only") == "1") {
    set(false, "the upstream is a replica and takes no writes");
  } else {
    set(true, "");
  }
}

void HealthCheck::ask_for_commands() {
  asked_for_commands_ = true;
  if (command_query_) command_query_->abandon(this);
  command_query_ = std::make_unique<Connection>(loop_, options_, &stats_);
  command_query_->open();
  resp::append_array(command_query_->out(), 1);
  resp::append_bulk(command_query_->out(), own::kCommand);
  command_query_->expect({.waiter = this, .started_ns = loop_->now_ns(), .delivery = Delivery::kWhole});
  command_query_->submit();
}

void HealthCheck::on_reply(std::string_view bytes, const resp::ReplyScanner*, uint64_t) {
  callbacks_.commands(bytes);
  loop_->post([this, alive = std::weak_ptr<int>(alive_)] {
    if (!alive.expired()) command_query_.reset();
  });
}

void HealthCheck::on_lost(Loss, std::string_view) {
  // The control connection will notice too, and ask again on its next.
  loop_->post([this, alive = std::weak_ptr<int>(alive_)] {
    if (!alive.expired()) command_query_.reset();
  });
}

void HealthCheck::set(bool ready, std::string reason) {
  const bool was = health_.ready;
  if (was == ready && health_.reason == reason) return;
  health_.ready = ready;
  health_.reason = std::move(reason);
  if (ready && !was) log::info("upstream {} is ready, version {}", options_.address.text(), health_.version);
  if (!ready) log::warn("upstream is not ready: {}", health_.reason);
  callbacks_.changed(health_);
}

}  // namespace keyshift::upstream
