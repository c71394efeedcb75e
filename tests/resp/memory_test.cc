// What the codec allocates, counted: a peer's number sizes nothing, a small request costs nothing.
#include <cstdlib>
#include <new>
#include <string>

#include <gtest/gtest.h>

#include "keyshift/resp/reply_scanner.h"
#include "keyshift/resp/request_parser.h"
#include "keyshift/resp/writer.h"

namespace {
size_t allocated_bytes = 0;
size_t allocations = 0;
}  // namespace

void* operator new(size_t size) {
  allocated_bytes += size;
  ++allocations;
  if (void* block = std::malloc(size == 0 ? 1 : size)) return block;
  std::abort();
}
void operator delete(void* block) noexcept {
  std::free(block);
}
void operator delete(void* block, size_t) noexcept {
  std::free(block);
}

namespace keyshift::resp {
namespace {

using Status = RequestParser::Status;

TEST(Memory, AnnouncementsOfAPeerAllocateNothing) {
  for (const std::string_view announced : {"*1048576\r\n", "*1048576\r\n$3\r\nSET\r\n$536870912\r\n",
                                           "*1\r\n$536870912\r\n", "*1048576\r\n$3\r\nSET\r\n"}) {
    const size_t before = allocated_bytes;
    RequestParser parser;
    if (parser.parse(announced) == Status::kLarge) parser.collect();
    EXPECT_EQ(parser.parse(announced), Status::kIncomplete);
    EXPECT_LE(allocated_bytes - before, 128u) << announced;
    EXPECT_LE(parser.capacity_bytes(), 128u) << announced;
  }
  const size_t before = allocated_bytes;
  ReplyScanner scanner;
  scanner.scan("*1048576\r\n*1048576\r\n$536870912\r\n");
  EXPECT_EQ(allocated_bytes, before);
}

TEST(Memory, SmallRequestsAllocateNothingOnceTheParserIsWarm) {
  RequestParser parser;
  const auto pass = [&](std::string_view bytes) {
    EXPECT_EQ(parser.parse(bytes), Status::kRequest);
    parser.next();
  };
  const std::string_view multibulk = "*3\r\n$3\r\nSET\r\n$5\r\nkey:1\r\n$2\r\n42\r\n";
  const std::string_view line = "SET key:1 'forty two, and some more words'\r\n";
  pass(multibulk);
  pass(line);
  const size_t before = allocations;
  for (int i = 0; i < 100; ++i) {
    pass(multibulk);
    pass(line);
  }
  EXPECT_EQ(allocations, before);
}

TEST(Memory, WhatABigRequestNeededIsGivenBack) {
  RequestParser parser;
  Buffer request;
  append_array(request, 10000);
  for (int i = 0; i < 10000; ++i) append_bulk(request, "x");
  EXPECT_EQ(parser.parse(request.view()), Status::kRequest);
  EXPECT_LE(parser.capacity_bytes(), 10000 * 2 * sizeof(Arg)) << "at most doubled";
  parser.next();
  const std::string line(60000, 'x');
  EXPECT_EQ(parser.parse(line + "\n"), Status::kRequest);
  parser.next();
  EXPECT_LE(parser.capacity_bytes(),
            RequestParser::kKeepArguments * sizeof(Arg) + RequestParser::kKeepBlockBytes);
}

TEST(Memory, WritingIntoARoomyBufferAllocatesNothing) {
  Buffer out;
  out.reserve(4096);
  const size_t before = allocations;
  append_array(out, 3);
  append_bulk(out, "SET");
  append_integer(out, -123456789);
  append_double(out, 3.14159, Protocol::kResp3);
  append_error(out, "ERR no");
  EXPECT_EQ(allocations, before);
}

}  // namespace
}  // namespace keyshift::resp
