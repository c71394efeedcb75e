#include "keyshift/net/stream.h"

#include <functional>
#include <memory>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

#include "keyshift/net/listener.h"
#include "keyshift/net/loop.h"
#include "keyshift/net/redis_client.h"
#include "keyshift/net/timer.h"

namespace keyshift::net {
namespace {

class Peer : public StreamHandler {
 public:
  void take(std::unique_ptr<Stream> connected) {
    stream = std::move(connected);
    stream->start(this);
  }
  void on_bytes(std::string_view bytes) override {
    ++reads;
    received += bytes;
  }
  void on_end(std::string_view reason) override {
    ended = true;
    end_reason = reason;
  }
  void on_drained() override { ++drains; }

  std::unique_ptr<Stream> stream;
  std::string received;
  std::string end_reason;
  int reads = 0;
  int drains = 0;
  bool ended = false;
};

// A client and a server end of one connection on one loop.
class StreamTest : public ::testing::Test {
 protected:
  void until(const std::function<bool()>& holds) {
    bool late = false;
    Timer watch(&loop_, [&] {
      if (holds()) loop_.stop();
    });
    Timer deadline(&loop_, [&] {
      late = true;
      loop_.stop();
    });
    watch.start(0, 1);
    deadline.start(10'000);
    loop_.run();
    EXPECT_FALSE(late);
  }
  void connect(const std::string& address) {
    auto socket = bind_socket(*Address::parse(address));
    ASSERT_TRUE(socket.has_value()) << socket.error().text;
    socket_ = std::make_unique<BoundSocket>(std::move(*socket));
    listener_ = std::make_unique<Listener>(&loop_, *socket_,
                                           [this](auto stream) { server_.take(std::move(stream)); });
    connecting_ = std::make_unique<Connecting>(&loop_, socket_->address(), [this](auto stream) {
      ASSERT_TRUE(stream.has_value()) << stream.error().text;
      client_.take(std::move(*stream));
    });
    until([this] { return client_.stream && server_.stream; });
  }

  Loop loop_;
  std::unique_ptr<BoundSocket> socket_;
  std::unique_ptr<Listener> listener_;
  std::unique_ptr<Connecting> connecting_;
  Peer client_, server_;
};

TEST_F(StreamTest, WhatIsAppendedInOneTurnLeavesInOneWrite) {
  connect("127.0.0.1:0");
  for (int i = 0; i < 100; ++i) {
    client_.stream->out().append("0123456789");
    client_.stream->mark_dirty();
  }
  until([this] { return server_.received.size() == 1000; });
  EXPECT_EQ(server_.reads, 1);
  EXPECT_EQ(client_.drains, 1);
  EXPECT_EQ(client_.stream->sent_bytes(), 1000u);
}

TEST_F(StreamTest, MoreThanTheSocketTakesIsWrittenAsItDrains) {
  connect("[::1]:0");
  server_.stream->pause_reading();
  const std::string large(32 << 20, 'x');
  client_.stream->out().append(large);
  client_.stream->mark_dirty();
  until([this] { return client_.stream->unsent_bytes() < (32u << 20); });
  EXPECT_GT(client_.stream->unsent_bytes(), 0u);
  server_.stream->resume_reading();
  until([&] { return server_.received.size() == large.size(); });
  until([this] { return client_.stream->unsent_bytes() == 0; });
}

TEST_F(StreamTest, AClosedStreamIsWrittenOutFirst) {
  std::string folder = ::testing::TempDir() + "keyshift-net-XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  connect("unix:" + folder + "/s");
  server_.stream->pause_reading();
  const std::string large(8 << 20, 'x');
  client_.stream->out().append(large);
  Stream::close_when_sent(std::move(client_.stream));
  until([] { return true; });
  server_.stream->resume_reading();
  until([this] { return server_.ended; });
  EXPECT_EQ(server_.received.size(), large.size());
  EXPECT_EQ(server_.end_reason, "");
  socket_.reset();
  EXPECT_EQ(rmdir(folder.c_str()), 0) << "the socket's file was left behind";
}

TEST_F(StreamTest, ALoopThatEndsTakesLingeringStreamsWithIt) {
  auto socket = bind_socket(*Address::parse("127.0.0.1:0"));
  Peer server;
  {
    Loop loop;
    Listener listener(&loop, *socket, [&](auto stream) {
      stream->out().append(std::string(32 << 20, 'x'));
      Stream::close_when_sent(std::move(stream));
      loop.stop();
    });
    Peer client;
    Connecting connecting(&loop, socket->address(), [&](auto stream) { client.stream = std::move(*stream); });
    loop.run();
  }
}

TEST_F(StreamTest, ATakenPortIsAnErrorThatNamesIt) {
  const auto first = bind_socket(*Address::parse("127.0.0.1:0"));
  const auto second = bind_socket(first->address());
  ASSERT_FALSE(second.has_value());
  EXPECT_NE(second.error().text.find(first->address().text()), std::string::npos);
}

TEST_F(StreamTest, ACancelledConnectCallsNobody) {
  auto socket = bind_socket(*Address::parse("127.0.0.1:0"));
  {
    Connecting cancelled(&loop_, socket->address(), [](auto) { FAIL(); });
  }
  until([] { return true; });
}

TEST_F(StreamTest, PostedTasksRunOnTheLoop) {
  bool ran = false;
  loop_.post([&] { ran = true; });
  until([&] { return ran; });
}

TEST(RedisClient, ARefusedConnectIsNoticed) {
  Loop loop;
  // Bound and closed again: nobody listens there.
  const Address address = bind_socket(*Address::parse("127.0.0.1:0"))->address();
  std::string reason;
  Reply answer;
  RedisClient client(&loop, address, [&](std::string_view why) {
    reason = why;
    loop.stop();
  });
  client.open();
  client.request({"PING"}, [&](const Reply& reply) { answer = reply; });
  loop.run();
  EXPECT_NE(reason, "");
  EXPECT_EQ(answer.type, Reply::Type::kLost);
  EXPECT_FALSE(client.is_open());
}

TEST(Address, IsReadAsAnOperatorWritesIt) {
  EXPECT_EQ(Address::parse("127.0.0.1:6380")->text(), "127.0.0.1:6380");
  EXPECT_EQ(Address::parse("[::1]:6380")->text(), "[::1]:6380");
  EXPECT_EQ(Address::parse("unix:/run/k.sock")->text(), "unix:/run/k.sock");
  EXPECT_EQ(Address::parse("unix:///run/k.sock")->path, "/run/k.sock");
  EXPECT_TRUE(Address::parse(":6380")->host.empty());
  for (const char* wrong : {"", "6380", "::1:6380", "host:65536", "host:", "host:x", "unix:"}) {
    EXPECT_FALSE(Address::parse(wrong).has_value()) << wrong;
  }
}

}  // namespace
}  // namespace keyshift::net
