#include "keyshift/base/buffer.h"

#include <algorithm>
#include <deque>
#include <random>
#include <string>

#include <gtest/gtest.h>

namespace keyshift {
namespace {

Buffer holding(std::string_view bytes) {
  Buffer buffer;
  buffer.append(bytes);
  return buffer;
}

TEST(Buffer, EmptyOwnsNoMemory) {
  Buffer buffer;
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(buffer.view(), "");
  EXPECT_EQ(buffer.capacity(), 0u);
  buffer.append("");
  EXPECT_EQ(buffer.capacity(), 0u);
}

TEST(Buffer, AppendsAtTheBackAndConsumesAtTheFront) {
  Buffer buffer = holding("*1\r\n");
  EXPECT_EQ(buffer.view(), "*1\r\n");
  buffer.consume(1);
  EXPECT_EQ(buffer.view(), "1\r\n");
  buffer.append("$4\r\n");
  EXPECT_EQ(buffer.view(), "1\r\n$4\r\n");
  EXPECT_EQ(buffer.size(), 7u);
}

TEST(Buffer, KeepsZeroBytesAndSingleBytes) {
  Buffer buffer;
  buffer.push_back('a');
  buffer.push_back('\0');
  buffer.push_back('\xff');
  EXPECT_EQ(buffer.view(), std::string_view("a\0\xff", 3));
}

TEST(Buffer, ReservedBytesAppearOnCommit) {
  Buffer buffer = holding("ab");
  char* room = buffer.reserve(100);
  std::memcpy(room, "cdef", 4);
  EXPECT_EQ(buffer.view(), "ab");
  buffer.commit(3);
  EXPECT_EQ(buffer.view(), "abcde");
}

TEST(Buffer, TruncateUndoesAppendsBehindConsumedBytes) {
  Buffer buffer = holding("0123456789");
  buffer.consume(4);
  buffer.truncate(2);
  EXPECT_EQ(buffer.view(), "45");
  buffer.truncate(0);
  EXPECT_TRUE(buffer.empty());
  buffer.append("x");
  EXPECT_EQ(buffer.view(), "x");
}

TEST(Buffer, RunningEmptyKeepsASmallBlockAndGivesBackALargeOne) {
  Buffer small = holding(std::string(100, 's'));
  small.consume(100);
  EXPECT_GT(small.capacity(), 0u);

  Buffer large = holding(std::string(Buffer::kKeepBytes + 1, 'l'));
  EXPECT_GT(large.capacity(), Buffer::kKeepBytes);
  large.consume(large.size());
  EXPECT_EQ(large.capacity(), 0u);
  large.append("again");
  EXPECT_EQ(large.view(), "again");
}

TEST(Buffer, ReleaseDropsBytesAndMemory) {
  Buffer buffer = holding("abc");
  buffer.release();
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(buffer.capacity(), 0u);
}

TEST(Buffer, AStreamThatIsConsumedAsItArrivesDoesNotGrow) {
  Buffer buffer;
  const std::string piece(300, 'p');
  for (int i = 0; i < 10000; ++i) {
    buffer.append(piece);
    buffer.append("!");
    buffer.consume(i == 0 ? 200
                          : 301);  // never runs empty, so it has to move bytes to the front now and then
    EXPECT_EQ(buffer.size(), 101u);
  }
  EXPECT_LE(buffer.capacity(), 1024u);
}

TEST(Buffer, GrowthFollowsWhatWasAppended) {
  Buffer buffer;
  size_t appended = 0;
  while (appended < 1'000'000) {
    buffer.append("0123456789");
    appended += 10;
    ASSERT_LE(buffer.capacity(), std::max<size_t>(512, 2 * appended));
  }
}

TEST(Buffer, MoveLeavesTheSourceEmpty) {
  Buffer from = holding("abc");
  Buffer to(std::move(from));
  EXPECT_EQ(to.view(), "abc");
  EXPECT_TRUE(from.empty());  // NOLINT(bugprone-use-after-move): what is promised
  EXPECT_EQ(from.capacity(), 0u);

  Buffer over = holding("old");
  over = std::move(to);
  EXPECT_EQ(over.view(), "abc");
  EXPECT_EQ(to.capacity(), 0u);  // NOLINT(bugprone-use-after-move)
  to.append("usable");
  EXPECT_EQ(to.view(), "usable");
}

TEST(Buffer, SwapExchangesBytes) {
  Buffer left = holding("left");
  Buffer right = holding("right!");
  left.swap(right);
  EXPECT_EQ(left.view(), "right!");
  EXPECT_EQ(right.view(), "left");
}

// Whatever the order of calls, the bytes are those that a plain deque would hold.
TEST(Buffer, AgreesWithADequeUnderRandomCalls) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    std::mt19937 random(seed);
    const auto below = [&](size_t limit) { return std::uniform_int_distribution<size_t>(0, limit)(random); };
    Buffer buffer;
    std::deque<char> expected;
    for (int step = 0; step < 1000; ++step) {
      switch (below(4)) {
        case 0:
        case 1: {
          const std::string bytes(below(below(20) == 0 ? 100'000 : 200), static_cast<char>('a' + below(25)));
          buffer.append(bytes);
          expected.insert(expected.end(), bytes.begin(), bytes.end());
          break;
        }
        case 2: {
          const size_t dropped = below(expected.size());
          buffer.consume(dropped);
          expected.erase(expected.begin(), expected.begin() + static_cast<std::ptrdiff_t>(dropped));
          break;
        }
        case 3: {
          const size_t kept = expected.size() - below(std::min<size_t>(expected.size(), 50));
          buffer.truncate(kept);
          expected.resize(kept);
          break;
        }
        default: {
          const size_t room = below(300);
          const size_t used = below(room);
          std::memset(buffer.reserve(room), 'z', used);
          buffer.commit(used);
          expected.insert(expected.end(), used, 'z');
        }
      }
      ASSERT_EQ(buffer.size(), expected.size()) << "seed " << seed << " step " << step;
    }
    EXPECT_EQ(buffer.view(), std::string(expected.begin(), expected.end())) << "seed " << seed;
  }
}

TEST(BufferDeathTest, ConsumingMoreThanHeldAborts) {
  EXPECT_DEATH(holding("abc").consume(4), "more consumed than held");
}

TEST(BufferDeathTest, CommittingMoreThanReservedAborts) {
  Buffer buffer;
  buffer.reserve(1);
  EXPECT_DEATH(buffer.commit(buffer.capacity() + 1), "more committed than reserved");
}

TEST(BufferDeathTest, TruncatingToMoreThanHeldAborts) {
  EXPECT_DEATH(holding("abc").truncate(4), "truncated to more than held");
}

}  // namespace
}  // namespace keyshift
