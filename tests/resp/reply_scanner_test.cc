#include "keyshift/resp/reply_scanner.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "reply_frames.h"

namespace keyshift::resp {
namespace {

using Status = ReplyScanner::Status;
using namespace std::string_literals;

// Whole, byte by byte and at every split, alone and with the next frame's bytes behind it.
void expect_frame(const std::string& frame, const Facts& facts) {
  for (const std::string& bytes : {frame, frame + "+next\r\n"}) {
    for (size_t cut = 0; cut <= bytes.size(); ++cut) {
      const ScanOutcome outcome = scan_in_pieces({}, bytes, {cut});
      EXPECT_EQ(outcome.status, Status::kComplete) << bytes << " cut at " << cut;
      EXPECT_EQ(outcome.size, frame.size()) << bytes << " cut at " << cut;
      EXPECT_EQ(outcome.facts, facts) << bytes << " cut at " << cut;
    }
    const ScanOutcome outcome = scan_in_pieces({}, bytes, every_byte(bytes));
    EXPECT_EQ(outcome.status, Status::kComplete) << bytes;
    EXPECT_EQ(outcome.size, frame.size()) << bytes;
    EXPECT_EQ(outcome.facts, facts) << bytes;
  }
}

// Refused at the same byte however it comes.
void expect_error(const std::string& bytes, size_t at) {
  for (size_t cut = 0; cut <= bytes.size(); ++cut) {
    const ScanOutcome outcome = scan_in_pieces({}, bytes, {cut});
    EXPECT_EQ(outcome.status, Status::kError) << bytes << " cut at " << cut;
    EXPECT_EQ(outcome.size, at) << bytes << " cut at " << cut;
  }
  EXPECT_EQ(scan_in_pieces({}, bytes, every_byte(bytes)).status, Status::kError) << bytes;
}

TEST(ReplyScanner, LinesEndAtTheirFirstCrlf) {
  expect_frame("+OK\r\n", {'+', 0, 0, 0});
  expect_frame("+\r\n", {'+', 0, 0, 0});
  expect_frame("-ERR a\rb\nc\r\r\n", {'-', 0, 0, 0});
  expect_frame(",3.25\r\n", {',', 0, 0, 0});
  expect_frame("(3492890328409238509324850943850943825024385\r\n", {'(', 0, 0, 0});
  expect_frame("#t\r\n", {'#', 0, 0, 0});
  expect_frame("_\r\n", {'_', -1, 0, 1});
}

TEST(ReplyScanner, IntegersGiveTheirValue) {
  expect_frame(":0\r\n", {':', 0, 0, 0});
  expect_frame(":-1\r\n", {':', -1, 0, 0});
  expect_frame(":1234\r\n", {':', 1234, 0, 0});
  expect_frame(":9223372036854775807\r\n", {':', INT64_MAX, 0, 0});
  expect_frame(":-9223372036854775808\r\n", {':', INT64_MIN, 0, 0});
}

TEST(ReplyScanner, BulksArePassedOver) {
  expect_frame("$0\r\n\r\n", {'$', 0, 0, 0});
  expect_frame("$5\r\nhello\r\n", {'$', 5, 0, 0});
  expect_frame("$4\r\n\r\n\r\n\r\n", {'$', 4, 0, 0});
  expect_frame("$-1\r\n", {'$', -1, 0, 1});
  expect_frame("!5\r\nERR a\r\n", {'!', 5, 0, 0});
  expect_frame("=8\r\ntxt:text\r\n", {'=', 8, 0, 0});
}

TEST(ReplyScanner, AggregatesOweTheirValues) {
  expect_frame("*0\r\n", {'*', 0, 0, 0});
  expect_frame("*-1\r\n", {'*', -1, 0, 1});
  expect_frame("*2\r\n$3\r\nfoo\r\n$-1\r\n", {'*', 2, 2, 1});
  expect_frame("*2\r\n*1\r\n:7\r\n*0\r\n", {'*', 2, 2, 0});
  expect_frame("*3\r\n_\r\n*-1\r\n$-1\r\n", {'*', 3, 3, 3});
  expect_frame("%2\r\n+a\r\n:1\r\n+b\r\n_\r\n", {'%', 2, 4, 1});
  expect_frame("~1\r\n#f\r\n", {'~', 1, 1, 0});
  expect_frame(">3\r\n+message\r\n+ch\r\n$2\r\nhi\r\n", {'>', 3, 3, 0});
}

TEST(ReplyScanner, AttributesBelongToTheValueBehindThem) {
  expect_frame("|1\r\n+ttl\r\n:3600\r\n$5\r\nhello\r\n", {'$', 5, 0, 0});
  expect_frame("|1\r\n+a\r\n_\r\n|0\r\n:9\r\n", {':', 9, 0, 0});
  expect_frame("*2\r\n|1\r\n+a\r\n|1\r\n+b\r\n+c\r\n+d\r\n:1\r\n:2\r\n", {'*', 2, 2, 0});
  expect_frame("|1\r\n*1\r\n:5\r\n%1\r\n:1\r\n:2\r\n*1\r\n$-1\r\n", {'*', 1, 1, 1});
}

TEST(ReplyScanner, PushesWithinAReplyAnswerNothing) {
  for (const std::string_view reply :
       {"*1\r\n>2\r\n+a\r\n:1\r\n$1\r\nx\r\n", "%1\r\n>1\r\n+a\r\n+k\r\n>0\r\n+v\r\n"}) {
    for (size_t at = 0; at < reply.size(); ++at) {
      const ScanOutcome outcome = scan_in_pieces({}, std::string(reply) + "+OK\r\n", {at});
      EXPECT_EQ(outcome.status, Status::kComplete) << reply;
      EXPECT_EQ(outcome.size, reply.size()) << reply;
    }
  }
  EXPECT_EQ(scan_in_pieces({}, ">1\r\n+a\r\n", {}).status, Status::kComplete) << "by itself it is a frame";
}

TEST(ReplyScanner, WhatIsNoRespIsRefusedWhereItStands) {
  expect_error("x", 0);
  expect_error("\r\n", 0);
  expect_error("$\r\n", 3 - 1);
  expect_error("$-2\r\n", 4);
  expect_error("$01\r\n", 2);
  expect_error("$+1\r\n", 1);
  expect_error("$1x\r\n", 2);
  expect_error("$--1\r\n", 2);
  expect_error("$?\r\n", 1);
  expect_error("$1\rx", 3);
  expect_error("$1\r\nab", 5);
  expect_error("$1\r\na\rb", 6);
  expect_error("%-1\r\n", 4);
  expect_error("=-1\r\n", 4);
  expect_error(":\r\n", 2);
  expect_error(":-0\r\n", 4);
  expect_error(":9223372036854775808\r\n", 21);
  expect_error(":12345678901234567890\r\n", 20);
  expect_error("*2\r\n:1\r\nGET\r\n", 8);
}

TEST(ReplyScanner, ErrorLastsUntilReset) {
  ReplyScanner scanner;
  EXPECT_EQ(scanner.scan("x").status, Status::kError);
  EXPECT_EQ(scanner.scan("+OK\r\n").status, Status::kError);
  EXPECT_EQ(scanner.scan("").status, Status::kError);
  scanner.reset();
  EXPECT_EQ(scanner.scan("+OK\r\n").status, Status::kComplete);
}

TEST(ReplyScanner, BoundaryIsWhereNothingOfAFrameWasSeen) {
  ReplyScanner scanner;
  EXPECT_TRUE(scanner.at_boundary());
  EXPECT_EQ(scanner.scan("").status, Status::kIncomplete);
  EXPECT_TRUE(scanner.at_boundary());
  scanner.scan("+");
  EXPECT_FALSE(scanner.at_boundary());
  scanner.scan("OK\r\n");
  EXPECT_TRUE(scanner.at_boundary());
  EXPECT_EQ(scanner.type(), '+') << "facts stay until the next scan";
}

TEST(ReplyScanner, AMillionNestedArraysAreOnlyALongFrame) {
  ReplyScanner scanner;
  for (int i = 0; i < 1000000; ++i) ASSERT_EQ(scanner.scan("*1\r\n").status, Status::kIncomplete);
  EXPECT_EQ(scanner.scan(":1\r\n").status, Status::kComplete);
}

TEST(ReplyScanner, MoreValuesOwedThanTheLimitAreRefused) {
  Limits limits;
  limits.max_reply_elements = 1000;
  EXPECT_EQ(scan_in_pieces(limits, "*1001\r\n", {}).status, Status::kError);
  EXPECT_EQ(scan_in_pieces(limits, "%501\r\n", {}).status, Status::kError);
  EXPECT_EQ(scan_in_pieces(limits, "*1000\r\n", {}).status, Status::kIncomplete);
  EXPECT_EQ(scan_in_pieces(limits, "*1000\r\n*2\r\n", {}).status, Status::kError);
  EXPECT_EQ(scan_in_pieces({}, "*9223372036854775807\r\n", {}).status, Status::kError);
  EXPECT_EQ(scan_in_pieces({}, "%9223372036854775807\r\n", {}).status, Status::kError);
}

TEST(ReplyScanner, RandomRepliesEndWhereTheyWereMadeToEnd) {
  std::mt19937 random(7);
  for (int round = 0; round < 4000; ++round) {
    std::string frame;
    Facts facts = append_random_reply(frame, random, 6, round % 2 == 0 ? Protocol::kResp2 : Protocol::kResp3);
    const std::string bytes = frame + "*1\r\n+more\r\n";
    std::vector<size_t> cuts;
    for (size_t at = random() % 30; at < bytes.size(); at += 1 + random() % 30) cuts.push_back(at);
    for (const ScanOutcome& outcome : {scan_in_pieces({}, bytes, {}), scan_in_pieces({}, bytes, cuts)}) {
      ASSERT_EQ(outcome.status, Status::kComplete) << frame;
      ASSERT_EQ(outcome.size, frame.size()) << frame;
      ASSERT_EQ(outcome.facts, facts) << frame;
    }
  }
}

TEST(ReplyScanner, RandomRepliesAgreeWithHiredis) {
  std::mt19937 random(8);
  for (int round = 0; round < 4000; ++round) {
    std::string frame;
    append_random_reply(frame, random, 6, Protocol::kResp2);
    ASSERT_EQ(ask_hiredis(frame).kind, HiredisVerdict::kComplete) << frame;
    const size_t cut = random() % frame.size();
    ASSERT_EQ(ask_hiredis(frame.substr(0, cut)).kind, HiredisVerdict::kIncomplete) << frame;
    ASSERT_EQ(scan_in_pieces({}, std::string_view(frame).substr(0, cut), {}).status, Status::kIncomplete)
        << frame;
  }
}

TEST(ReplyScanner, DamagedRepliesAgreeWithHiredis) {
  std::mt19937 random(9);
  for (int round = 0; round < 4000; ++round) {
    std::string frame;
    append_random_reply(frame, random, 3, Protocol::kResp2);
    frame[random() % frame.size()] = "0123456789-\r\n$*:+_x"[random() % 19];
    const std::string complaint = disagreement_with_hiredis(frame);
    ASSERT_EQ(complaint, "") << frame;
  }
}

}  // namespace
}  // namespace keyshift::resp
