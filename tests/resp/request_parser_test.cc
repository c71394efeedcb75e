#include "keyshift/resp/request_parser.h"

#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "hiredis_oracle.h"
#include "keyshift/resp/writer.h"
#include "request_stream.h"

namespace keyshift::resp {
namespace {

using Status = RequestParser::Status;
using Words = std::vector<std::string>;
using namespace std::string_literals;

std::string multibulk(const Words& words) {
  Buffer out;
  append_array(out, words.size());
  for (const std::string& word : words) append_bulk(out, word);
  return std::string(out.view());
}

// Whole, byte by byte, and at every split into two: one outcome.
void expect_outcomes(const std::string& bytes, const std::vector<Outcome>& expected,
                     const Limits& limits = {}, bool authenticated = true) {
  for (const Large large : {Large::kCollect, Large::kStream}) {
    EXPECT_EQ(parse_in_pieces(limits, bytes, {}, large, authenticated), expected) << bytes;
    EXPECT_EQ(parse_in_pieces(limits, bytes, every_byte(bytes), large, authenticated), expected) << bytes;
    for (size_t cut = 1; cut < bytes.size(); ++cut) {
      EXPECT_EQ(parse_in_pieces(limits, bytes, {cut}, large, authenticated), expected)
          << bytes << " cut at " << cut;
    }
  }
}

void expect_request(const std::string& bytes, const Words& words) {
  expect_outcomes(bytes, {{Status::kRequest, words, "", bytes.size()}});
}

void expect_error(const std::string& bytes, const std::string& reason, const Limits& limits = {},
                  bool authenticated = true) {
  expect_outcomes(bytes, {{Status::kError, {}, "ERR Protocol error: " + reason, 0}}, limits, authenticated);
}

TEST(RequestParser, MultibulkIsCutIntoItsArguments) {
  expect_request("*1\r\n$4\r\nPING\r\n", {"PING"});
  expect_request("*3\r\n$3\r\nSET\r\n$5\r\nkey:1\r\n$2\r\n42\r\n", {"SET", "key:1", "42"});
  expect_request("*2\r\n$0\r\n\r\n$3\r\n\r\n\0\r\n"s, {"", "\r\n\0"s});
  expect_request("*2\r\n$4\r\nECHO\r\n$12\r\nhello, world\r\n", {"ECHO", "hello, world"});
  expect_request(multibulk({"SET", "k", std::string(1000, 'v')}), {"SET", "k", std::string(1000, 'v')});
}

TEST(RequestParser, ArgumentsAreOffsetsIntoTheFrame) {
  const std::string bytes = "*3\r\n$3\r\nSET\r\n$5\r\nkey:1\r\n$2\r\n42\r\n";
  RequestParser parser;
  ASSERT_EQ(parser.parse(bytes + "*1\r\n"), Status::kRequest);
  const std::string moved = bytes + "*1\r\n$";
  const Request request = parser.request(moved);
  EXPECT_EQ(parser.frame_size(), bytes.size());
  EXPECT_EQ(request.block(), bytes);
  EXPECT_FALSE(request.is_inline());
  ASSERT_EQ(request.size(), 3u);
  EXPECT_EQ(request.args()[0], (Arg{8, 3}));
  EXPECT_EQ(request.args()[1], (Arg{17, 5}));
  EXPECT_EQ(request.args()[2], (Arg{28, 2}));
  EXPECT_EQ(parser.parse(moved), Status::kRequest) << "until next(), the answer is the same";
}

TEST(RequestParser, PipelinedRequestsComeOneByOne) {
  expect_outcomes("*1\r\n$4\r\nPING\r\nGET a\r\n\r\n*0\r\n*-1\r\n*2\r\n$3\r\nGET\r\n$1\r\nb\r\n",
                  {{Status::kRequest, {"PING"}, "", 14},
                   {Status::kRequest, {"GET", "a"}, "", 21},
                   {Status::kEmpty, {}, "", 23},
                   {Status::kEmpty, {}, "", 27},
                   {Status::kEmpty, {}, "", 32},
                   {Status::kRequest, {"GET", "b"}, "", 52}});
}

TEST(RequestParser, BytesBehindHeadersAndBulksAreNotJudgedAsInRedis) {
  expect_request("*1\rX$4\r!PING??", {"PING"});
}

TEST(RequestParser, InlineLineIsSplitByQuotesAndEscapes) {
  expect_request("PING\r\n", {"PING"});
  expect_request("PING\n", {"PING"});
  expect_request("  SET \t key\v1  42 \r\n", {"SET", "key\v1", "42"});
  expect_request("\v\fGET k\r\r\n", {"GET", "k"});
  expect_request("SET \"a\\x41\\n\\r\\t\\b\\a\\q\\\"\" 'it\\'s \\n' b\r\n",
                 {"SET", "aA\n\r\t\b\aq\"", "it's \\n", "b"});
  expect_request("GET \"\\x4\\xzz\"\n", {"GET", "x4xzz"});
  expect_request("GET fo\"o b\"\va'r'\n", {"GET", "foo b", "ar"});
  expect_request("GET \"\" ''\n", {"GET", "", ""});
  expect_request("GET \"\\x00\"\n", {"GET", "\0"s});
}

TEST(RequestParser, InlineRequestHasTheFormOfAMultibulkOne) {
  RequestParser parser;
  const std::string bytes = "SET 'key 1' \"\\x00\" 0123456789\r\nrest";
  ASSERT_EQ(parser.parse(bytes), Status::kRequest);
  const Request request = parser.request(bytes);
  EXPECT_TRUE(request.is_inline());
  EXPECT_EQ(request.block(), multibulk({"SET", "key 1", "\0"s, "0123456789"}));
  EXPECT_EQ(words_of(request), (Words{"SET", "key 1", "\0"s, "0123456789"}));
  EXPECT_EQ(parser.frame_size(), bytes.size() - 4);
}

TEST(RequestParser, EmptyRequestsAreDropped) {
  for (const std::string& bytes :
       {"\r\n"s, "\n"s, "  \t \r\n"s, "*0\r\n"s, "*-1\r\n"s, "*-2147483649\r\n"s}) {
    expect_outcomes(bytes, {{Status::kEmpty, {}, "", bytes.size()}});
  }
}

TEST(RequestParser, ForeignFirstWordCloses) {
  for (const std::string& bytes :
       {"POST / HTTP/1.1\r\n"s, "host: example\r\n"s, "hOsT:\n"s, "*1\r\n$4\r\nPosT\r\n"s,
        "*2\r\n$5\r\nHost:\r\n$1\r\na\r\n"s, "*1\r\n$6\r\npost\0x\r\n"s}) {
    expect_outcomes(bytes, {{Status::kForeign, {}, "", 0}});
  }
  expect_request("*1\r\n$5\r\nPOSTX\r\n", {"POSTX"});
  expect_request("GET / HTTP/1.1\r\n", {"GET", "/", "HTTP/1.1"});
  expect_request("Hos\r\n", {"Hos"});
}

TEST(RequestParser, ForeignFirstWordClosesBeforeALargeBody) {
  RequestParser parser;
  EXPECT_EQ(parser.parse("*2\r\n$4\r\nPOST\r\n$9000000\r\nxx"), Status::kForeign);
}

TEST(RequestParser, WrongCountsAreRefusedInRedisWords) {
  for (const char* bytes : {"*\r\n", "*a\r\n", "*1a\r\n", "*01\r\n", "*+1\r\n", "*-0\r\n", "*-\r\n",
                            "* 1\r\n", "*1048577\r\n", "*2147483648\r\n", "*99999999999999999999\r\n"}) {
    expect_error(bytes, "invalid multibulk length");
  }
}

TEST(RequestParser, WrongLengthsAreRefusedInRedisWords) {
  for (const char* bytes :
       {"*1\r\n$\r\n", "*1\r\n$-1\r\n", "*1\r\n$03\r\n", "*1\r\n$3x\r\n", "*1\r\n$536870913\r\n",
        "*1\r\n$+3\r\n", "*1\r\n$99999999999999999999\r\n", "*2\r\n$1\r\na\r\n$-2\r\n"}) {
    expect_error(bytes, "invalid bulk length");
  }
  expect_error("*1\r\nPING\r\n", "expected '$', got 'P'");
  expect_error("*1\r\n\r\n", "expected '$', got ' '");
  expect_error("*2\r\n$3\r\nGET\r\n:1\r\n", "expected '$', got ':'");
}

TEST(RequestParser, UnbalancedQuotesAreRefused) {
  for (const char* bytes :
       {"GET \"a\r\n", "GET 'a\r\n", "GET \"a\"b\r\n", "GET 'a'b\r\n", "GET \"a\\\r\n", "\"\n"}) {
    expect_error(bytes, "unbalanced quotes in request");
  }
}

TEST(RequestParser, LinesThatAreTooBigAreRefused) {
  Limits limits;
  limits.max_inline_bytes = 16;
  expect_error(std::string(17, 'a'), "too big inline request", limits);
  expect_error("*" + std::string(16, '1'), "too big mbulk count string", limits);
  expect_error("*1\r\n$" + std::string(16, '1'), "too big bulk count string", limits);
  expect_error("GET \0 a\r\nGET bcde"s, "too big inline request", limits);
  expect_error("*1\0\r\n$4\r\nPING\r\n..."s, "too big mbulk count string", limits);
  expect_outcomes(std::string(16, 'a') + "\n", {{Status::kRequest, {std::string(16, 'a')}, "", 17}}, limits);
  expect_outcomes("*1\0\r\n$4\r\nPING\r\n"s, {}, limits);
}

TEST(RequestParser, RequestThatIsTooBigIsRefusedAtItsHeader) {
  Limits limits;
  limits.max_request_bytes = 40;
  expect_error("*2\r\n$3\r\nSET\r\n$30\r\n", "too big request", limits);
  expect_outcomes(multibulk({"SET", std::string(19, 'a')}),
                  {{Status::kRequest, {"SET", std::string(19, 'a')}, "", 39}}, limits);
}

TEST(RequestParser, UnauthenticatedClientIsKeptShort) {
  expect_error("*11\r\n", "unauthenticated multibulk length", {}, false);
  expect_error("*1\r\n$16385\r\n", "unauthenticated bulk length", {}, false);
  const Words words(10, "a");
  const std::string bytes = multibulk(words);
  expect_outcomes(bytes, {{Status::kRequest, words, "", bytes.size()}}, {}, false);
}

TEST(RequestParser, LargeArgumentIsReportedEarly) {
  Limits limits;
  limits.stream_threshold_bytes = 10;
  RequestParser parser(limits);
  const std::string bytes = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$11\r\nabc";
  ASSERT_EQ(parser.parse(bytes), Status::kLarge);
  EXPECT_EQ(words_of(parser.request(bytes)), (Words{"SET", "k"}));
  EXPECT_EQ(parser.announced_arguments(), 3u);
  EXPECT_EQ(parser.large_index(), 2u);
  EXPECT_EQ(parser.large_length(), 11u);
  EXPECT_EQ(parser.large_body_offset(), bytes.size() - 3);
  EXPECT_EQ(parser.parse(bytes), Status::kLarge);
  EXPECT_EQ(parser.parse(bytes + "defghijk\r\n"), Status::kRequest) << "whole after all: nothing to decide";
}

TEST(RequestParser, LargeArgumentThatIsHereWholeIsAnArgument) {
  Limits limits;
  limits.stream_threshold_bytes = 1;
  RequestParser parser(limits);
  EXPECT_EQ(parser.parse("*1\r\n$4\r\nPING\r\n"), Status::kRequest);
}

TEST(RequestParser, StreamedRequestHasTheWordsOfACollectedOne) {
  Limits limits;
  limits.stream_threshold_bytes = 4;
  const Words words = {"MSET", "a", "large one", "b", "", "another large one", "c", "d"};
  const std::string bytes = multibulk(words);
  expect_outcomes(bytes + "PING\r\n" + bytes,
                  {{Status::kRequest, words, "", bytes.size()},
                   {Status::kRequest, {"PING"}, "", bytes.size() + 6},
                   {Status::kRequest, words, "", 2 * bytes.size() + 6}},
                  limits);
}

TEST(RequestParser, StreamedRequestIsRefusedInTheSameWords) {
  Limits limits;
  limits.stream_threshold_bytes = 4;
  expect_error("*3\r\n$5\r\nlarge\r\n$-1\r\n", "invalid bulk length", limits);
  expect_error("*3\r\n$5\r\nlarge\r\nPING\r\n", "expected '$', got 'P'", limits);
  expect_error("*3\r\n$5\r\nlarge\r\n$16385\r\n", "unauthenticated bulk length", limits, false);
  limits.max_inline_bytes = 8;
  expect_error("*3\r\n$5\r\nlarge\r\n$99999999", "too big bulk count string", limits);
}

TEST(RequestParser, RandomRequestsAgreeWithHiredisAtRandomSplits) {
  std::mt19937 random(20240517);
  Limits limits;
  limits.stream_threshold_bytes = 64;
  for (int round = 0; round < 3000; ++round) {
    std::string bytes;
    std::vector<Words> expected;
    for (size_t n = 1 + random() % 3; n > 0; --n) {
      Words words(1 + random() % (round % 10 == 0 ? 200 : 8));
      for (std::string& word : words) {
        word.resize(random() % 10 == 0 ? random() % 300 : random() % 12);
        for (char& c : word) c = random() % 4 == 0 ? "\r\n\0$*"[random() % 5] : static_cast<char>(random());
      }
      words[0].insert(0, 1, 'G');
      const std::string one = multibulk(words);
      const HiredisVerdict verdict = ask_hiredis(one);
      ASSERT_EQ(verdict.kind, HiredisVerdict::kComplete);
      ASSERT_EQ(verdict.values.size(), words.size() + 1);
      for (size_t i = 0; i < words.size(); ++i) ASSERT_EQ(verdict.values[i + 1].text, words[i]);
      bytes += one;
      expected.push_back(words);
    }
    std::vector<size_t> cuts;
    for (size_t at = random() % 40; at < bytes.size(); at += 1 + random() % 40) cuts.push_back(at);
    for (const Large large : {Large::kCollect, Large::kStream}) {
      const std::vector<Outcome> outcomes = parse_in_pieces(limits, bytes, cuts, large);
      ASSERT_EQ(outcomes.size(), expected.size());
      for (size_t i = 0; i < expected.size(); ++i) ASSERT_EQ(outcomes[i].words, expected[i]);
      ASSERT_EQ(outcomes.back().end, bytes.size());
    }
  }
}

}  // namespace
}  // namespace keyshift::resp
