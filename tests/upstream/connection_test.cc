#include "upstream_fixture.h"

namespace keyshift::upstream {
namespace {

using ConnectionTest = UpstreamTest;
constexpr uint64_t kSecondNs = 1'000'000'000;

TEST_F(ConnectionTest, RepliesGoToWhoAskedInTheOrderOfAsking) {
  connect_to_ready();
  ask("1", &a_);
  ask("2", &b_);
  ask("3", &a_);
  until([this] { return redis_->received == "123"; });
  redis_->say("+one\r\n$3\r\ntwo\r\n:3\r\n");
  until([this] { return a_.replies.size() == 2; });
  EXPECT_EQ(a_.replies, (std::vector<std::string>{"+one\r\n", ":3\r\n"}));
  EXPECT_EQ(b_.replies, std::vector<std::string>{"$3\r\ntwo\r\n"});
  EXPECT_EQ(connection_->owed(), 0u);
}

TEST_F(ConnectionTest, AStreamedReplyIsHandedOnAsItComesAndAWholeOneOnce) {
  connect_to_ready();
  ask("1", &a_, Delivery::kStream);
  ask("2", &b_, Delivery::kWhole);
  redis_->say("$6\r\nabc");
  until([this] { return a_.open == "$6\r\nabc"; });
  redis_->say("def\r\n*2\r\n$1\r\nx");
  until([this] { return a_.replies.size() == 1; });
  EXPECT_EQ(b_.open, "");
  redis_->say("\r\n:1\r\n");
  until([this] { return b_.replies.size() == 1; });
  EXPECT_EQ(b_.replies[0], "*2\r\n$1\r\nx\r\n:1\r\n");
}

TEST_F(ConnectionTest, DroppedRepliesReachNobody) {
  connect_to_ready();
  ask("1", nullptr, Delivery::kDrop);
  ask("2", &a_);
  redis_->say(":1\r\n:2\r\n");
  until([this] { return a_.replies.size() == 1; });
  EXPECT_EQ(a_.replies[0], ":2\r\n");
}

TEST_F(ConnectionTest, SelectIsInjectedWhenTheDatabaseChanges) {
  connect_to_ready();
  for (const int database : {0, 3, 3, 0}) {
    connection_->begin(database);
    ask("x", &a_);
  }
  const std::string select3 = "*2\r\n$6\r\nSelect\r\n$1\r\n3\r\n";
  const std::string select0 = "*2\r\n$6\r\nSelect\r\n$1\r\n0\r\n";
  until([&] { return redis_->received == "x" + select3 + "xx" + select0 + "x"; });
  redis_->say(":1\r\n+OK\r\n:2\r\n:3\r\n+OK\r\n:4\r\n");
  until([this] { return a_.replies.size() == 4; });
}

TEST_F(ConnectionTest, ARefusedSelectIsRepeatedBeforeTheNextRequest) {
  const std::string select3 = "*2\r\n$6\r\nSelect\r\n$1\r\n3\r\n";
  connect_to_ready();
  connection_->begin(3);
  ask("x", &a_);
  until([&] { return redis_->received == select3 + "x"; });
  redis_->say("-BUSY a script\r\n-BUSY a script\r\n");
  until([this] { return a_.replies.size() == 1; });

  connection_->begin(3);
  ask("y", &a_);
  connection_->begin(3);
  ask("z", &a_);
  until([&] { return redis_->received == select3 + "x" + select3 + "yz"; });
  redis_->say("+OK\r\n:1\r\n:2\r\n");
  until([this] { return a_.replies.size() == 3; });
}

TEST_F(ConnectionTest, ALaterSelectDecidesWhatARefusedOneLeftOpen) {
  const std::string select3 = "*2\r\n$6\r\nSelect\r\n$1\r\n3\r\n";
  const std::string select5 = "*2\r\n$6\r\nSelect\r\n$1\r\n5\r\n";
  connect_to_ready();
  connection_->begin(3);
  ask("x", &a_);
  connection_->begin(5);
  ask("y", &a_);
  until([&] { return redis_->received == select3 + "x" + select5 + "y"; });
  redis_->say("-BUSY a script\r\n-BUSY a script\r\n");
  until([this] { return a_.replies.size() == 1; });
  redis_->say("+OK\r\n:1\r\n");
  until([this] { return a_.replies.size() == 2; });
  connection_->begin(5);
  ask("z", &a_);
  until([&] { return redis_->received == select3 + "x" + select5 + "yz"; });
  redis_->say(":2\r\n");
  until([this] { return a_.replies.size() == 3; });
}

TEST_F(ConnectionTest, ATimedOutRequestLeavesATombstoneThatSwallowsTheLateReply) {
  options_.reply_timeout_ms = 1000;
  connect_to_ready();
  ask("1", &a_);
  connection_->check_deadlines(loop_.now_ns() + 2 * kSecondNs);
  EXPECT_EQ(a_.losses, std::vector<Loss>{Loss::kTimeout});
  ask("2", &b_);
  redis_->say("$4\r\nlate\r\n$6\r\nintime\r\n");
  until([this] { return b_.replies.size() == 1; });
  EXPECT_EQ(b_.replies[0], "$6\r\nintime\r\n");
  EXPECT_TRUE(a_.replies.empty());
  EXPECT_EQ(connection_->state(), Connection::State::kReady);
}

TEST_F(ConnectionTest, AnUpstreamThatHangsTwiceAsLongIsGivenUp) {
  options_.reply_timeout_ms = 1000;
  connect_to_ready();
  ask("1", &a_);
  redis_->say("*4294967296\r\n");  // a frame without an end
  until([this] { return a_.open != ""; });
  connection_->check_deadlines(loop_.now_ns() + 2 * kSecondNs - kSecondNs / 2);
  EXPECT_EQ(a_.losses, std::vector<Loss>{Loss::kTimeout});
  ask("2", &b_);
  connection_->check_deadlines(loop_.now_ns() + 3 * kSecondNs);
  EXPECT_EQ(b_.losses, std::vector<Loss>{Loss::kDisconnected});
  until([this] { return redis_->accepted == 2; });
}

TEST_F(ConnectionTest, AFrameThatNobodyExpectsClosesTheConnection) {
  connect_to_ready();
  redis_->say("+surprise\r\n");
  until([this] { return connection_->state() != Connection::State::kReady; });
  EXPECT_NE(connection_->failure(), "");
}

TEST_F(ConnectionTest, WhatIsNotRespClosesTheConnectionAndFailsWhatItOwed) {
  connect_to_ready();
  ask("1", &a_);
  ask("2", &b_);
  redis_->say("$x\r\n");
  until([this] { return b_.losses.size() == 1; });
  EXPECT_EQ(a_.losses, std::vector<Loss>{Loss::kDisconnected});
  EXPECT_EQ(b_.losses, std::vector<Loss>{Loss::kDisconnected});
}

TEST_F(ConnectionTest, ALostConnectionFailsEveryRequestOnceAndComesBack) {
  connect_to_ready();
  ask("1", &a_);
  ask("2", &a_);
  until([this] { return redis_->received == "12"; });
  redis_->hang_up();
  until([this] { return a_.losses.size() == 2; });
  until([this] { return redis_->accepted == 2; });
  redis_->received.clear();
  redis_->say("+OK\r\n:7\r\n");
  until([this] { return connection_->state() == Connection::State::kReady; });
  EXPECT_EQ(connection_->failure(), "");
  EXPECT_EQ(a_.losses.size(), 2u);
}

TEST_F(ConnectionTest, RequestsThatCameWhileConnectingLeaveAfterTheLogin) {
  options_.password = "secret";
  start_redis();
  connect();
  ask("request", &a_);
  const std::string auth = "*2\r\n$4\r\nAuth\r\n$6\r\nsecret\r\n";
  until([&] { return redis_->received == auth + kGreeting; });
  redis_->say("+OK\r\n");
  redis_->say("+OK\r\n:7\r\n");
  until([&] { return redis_->received == auth + kGreeting + "request"; });
  redis_->say("+done\r\n");
  until([this] { return a_.replies.size() == 1; });
}

TEST_F(ConnectionTest, ARefusedLoginFailsWhatWaitedUnsent) {
  options_.password = "wrong";
  start_redis();
  connect();
  ask("request", &a_);
  until([this] { return redis_->accepted == 1; });
  redis_->say("-WRONGPASS invalid\r\n");
  until([this] { return a_.losses.size() == 1; });
  EXPECT_EQ(a_.losses[0], Loss::kNotSent);
  EXPECT_NE(connection_->failure().find("WRONGPASS"), std::string::npos);
  EXPECT_EQ(redis_->received.find("request"), std::string::npos);
}

TEST_F(ConnectionTest, WhoWaitsTooLongForTheConnectionIsToldSo) {
  options_.queue_timeout_ms = 1000;
  options_.connect_timeout_ms = 60'000;
  start_redis();
  connect();
  ask("request", &a_);
  until([this] { return redis_->accepted == 1; });  // and does not answer the greeting
  connection_->check_deadlines(loop_.now_ns() + 2 * kSecondNs);
  EXPECT_EQ(a_.losses, std::vector<Loss>{Loss::kNotSent});
  EXPECT_EQ(connection_->state(), Connection::State::kConnecting);
}

TEST_F(ConnectionTest, NobodyListensThenEveryRequestFailsAndTheReasonIsKept) {
  connect();
  ask("request", &a_);
  until([this] { return a_.losses.size() == 1; });
  EXPECT_EQ(connection_->state(), Connection::State::kDown);
  EXPECT_NE(connection_->failure().find("connect"), std::string::npos);
  start_redis();
  until([this] { return redis_->accepted == 1; });
}

TEST_F(ConnectionTest, AnAbandonedWaiterIsNotCalledAgain) {
  connect_to_ready();
  ask("1", &a_);
  ask("2", &b_);
  connection_->abandon(&a_);
  redis_->say("+1\r\n+2\r\n");
  until([this] { return b_.replies.size() == 1; });
  EXPECT_TRUE(a_.replies.empty());
}

TEST_F(ConnectionTest, WhoWaitsForRoomIsCalledWhenEverythingHasLeft) {
  options_.buffer_mark_bytes = 10;
  connect_to_ready();
  ask("0123456789abcdef", &a_);
  EXPECT_TRUE(connection_->congested());
  connection_->wait_for_room(&b_);
  until([this] { return b_.rooms == 1; });
  EXPECT_FALSE(connection_->congested());
}

// What is said unasked.

TEST_F(ConnectionTest, APushGoesToWhoListensBetweenAnyReplies) {
  connect_to_ready();
  connection_->listen(&b_);
  ask("1", &a_);
  redis_->say(">1\r\n+x\r\n:1\r\n>1\r\n$3\r\na");
  until([this] { return a_.replies.size() == 1; });
  redis_->say("bc\r\n+line\r\n");
  until([this] { return b_.pushes.size() == 3; });
  EXPECT_EQ(b_.pushes, (std::vector<std::string>{">1\r\n+x\r\n", ">1\r\n$3\r\nabc\r\n", "+line\r\n"}));
  EXPECT_EQ(a_.replies[0], ":1\r\n");
}

TEST_F(ConnectionTest, WithNoListenerAPushIsForWhoseReplyIsNext) {
  connect_to_ready();
  ask("1", &a_);
  ask("2", &b_);
  redis_->say(":1\r\n>1\r\n+x\r\n:2\r\n>1\r\n+nobody\r\n");
  until([this] { return b_.replies.size() == 1; });
  EXPECT_TRUE(a_.pushes.empty());
  EXPECT_EQ(b_.pushes, std::vector<std::string>{">1\r\n+x\r\n"});
  ask("3", &a_);
  redis_->say(":3\r\n");
  until([this] { return a_.replies.size() == 2; });
  EXPECT_EQ(connection_->state(), Connection::State::kReady);
}

TEST_F(ConnectionTest, WhoListensHearsOfUpsAndDowns) {
  start_redis();
  connect();
  connection_->listen(&a_);
  until([this] { return redis_->received == kGreeting; });
  redis_->say("+OK\r\n:7\r\n");
  until([this] { return a_.life == "up "; });
  redis_->hang_up();
  until([this] { return a_.life == "up down "; });
  connection_->abandon(&a_);
}

// Another protocol.

TEST_F(ConnectionTest, AnotherProtocolIsSpokenFromTheNextRequestOn) {
  connect_to_ready();
  ask("1", &a_);
  connection_->speak(resp::Protocol::kResp3);
  connection_->speak(resp::Protocol::kResp3);
  ask("2", &a_);
  until([this] { return redis_->received == "1*2\r\n$5\r\nHello\r\n$1\r\n3\r\n2"; });
  redis_->say("$-1\r\n%0\r\n_\r\n");
  until([this] { return a_.replies.size() == 2; });
  EXPECT_EQ(a_.replies, (std::vector<std::string>{"$-1\r\n", "_\r\n"}));
  EXPECT_EQ(connection_->protocol(), resp::Protocol::kResp3);
}

TEST_F(ConnectionTest, AProtocolThatIsRefusedEndsTheConnection) {
  connect_to_ready();
  connection_->speak(resp::Protocol::kResp3);
  ask("2", &a_);
  redis_->say("-NOPERM this user has no permissions\r\n$-1\r\n");
  until([this] { return a_.losses.size() == 1; });
  EXPECT_NE(connection_->failure().find("NOPERM"), std::string::npos);
}

}  // namespace
}  // namespace keyshift::upstream
