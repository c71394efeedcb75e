// A loop, a Redis that does what the test says, and a waiter that writes down what it is told.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "keyshift/net/listener.h"
#include "keyshift/net/loop.h"
#include "keyshift/net/timer.h"
#include "keyshift/resp/writer.h"
#include "keyshift/upstream/connection.h"

namespace keyshift::upstream {

// Accepts connections on a Unix socket; the test decides what is answered, and when.
class FakeRedis : private net::StreamHandler {
 public:
  explicit FakeRedis(net::Loop* loop, const Address& address)
      : socket_(std::move(*net::bind_socket(address))), listener_(loop, socket_, [this](auto stream) {
          ++accepted;
          stream_ = std::move(stream);
          stream_->start(this);
        }) {}

  void say(std::string_view bytes) {
    stream_->out().append(bytes);
    stream_->mark_dirty();
  }
  void hang_up() { stream_.reset(); }

  std::string received;
  int accepted = 0;

 private:
  void on_bytes(std::string_view bytes) override { received += bytes; }
  void on_end(std::string_view) override { stream_.reset(); }

  net::BoundSocket socket_;
  net::Listener listener_;
  std::unique_ptr<net::Stream> stream_;
};

class Recorder : public Waiter {
 public:
  void on_reply(std::string_view bytes, const resp::ReplyScanner* finished, uint64_t) override {
    open += bytes;
    if (finished == nullptr) return;
    replies.push_back(std::exchange(open, ""));
  }
  void on_lost(Loss loss, std::string_view) override { losses.push_back(loss); }
  void on_push(std::string_view frame) override { pushes.emplace_back(frame); }
  void on_connected() override { life += "up "; }
  void on_disconnected(std::string_view) override { life += "down "; }
  void on_room() override { ++rooms; }

  std::string open;  // of a reply under way
  std::vector<std::string> replies;
  std::vector<Loss> losses;
  std::vector<std::string> pushes;
  std::string life;  // of what it listens to
  int rooms = 0;
};

class UpstreamTest : public ::testing::Test {
 protected:
  static constexpr const char* kGreeting =
      "*3\r\n$6\r\nClient\r\n$7\r\nSETNAME\r\n$8\r\nkeyshift\r\n*2\r\n$6\r\nClient\r\n$2\r\nID\r\n";

  UpstreamTest() {
    std::string folder = ::testing::TempDir() + "keyshift-upstream-XXXXXX";
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    address_.path = folder + "/s";
    options_.address = address_;
    options_.reconnect_min_ms = 1;
    options_.reconnect_max_ms = 2;
  }
  ~UpstreamTest() override {
    connection_.reset();
    redis_.reset();
    rmdir(folder_.c_str());
  }

  // Runs the loop until `holds`, for at most ten seconds.
  void until(const std::function<bool()>& holds) {
    bool late = false;
    net::Timer watch(&loop_, [&] {
      if (holds()) loop_.stop();
    });
    net::Timer deadline(&loop_, [&] {
      late = true;
      loop_.stop();
    });
    watch.start(0, 1);
    deadline.start(10'000);
    loop_.run();
    EXPECT_FALSE(late) << "the state that the test waits for did not come";
  }

  void start_redis() { redis_ = std::make_unique<FakeRedis>(&loop_, address_); }
  void connect() {
    connection_ = std::make_unique<Connection>(&loop_, options_, &stats_);
    connection_->open();
  }
  // Connected and past the greeting.
  void connect_to_ready() {
    start_redis();
    connect();
    until([this] { return redis_->received == kGreeting; });
    redis_->received.clear();
    redis_->say("+OK\r\n:7\r\n");
    until([this] { return connection_->state() == Connection::State::kReady; });
  }
  void ask(std::string_view request, Waiter* waiter, Delivery delivery = Delivery::kStream) {
    connection_->out().append(request);
    connection_->expect({.waiter = waiter, .started_ns = loop_.now_ns(), .delivery = delivery});
    connection_->submit();
  }

  net::Loop loop_;
  telemetry::LoopStats stats_{1};
  std::string folder_;
  Address address_;
  ConnectionOptions options_;
  std::unique_ptr<FakeRedis> redis_;
  std::unique_ptr<Connection> connection_;
  Recorder a_, b_;
};

}  // namespace keyshift::upstream
