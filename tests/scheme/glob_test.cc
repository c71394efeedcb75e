#include "keyshift/scheme/glob.h"

#include <chrono>
#include <string>

#include <gtest/gtest.h>

namespace keyshift::scheme {
namespace {

struct Row {
  std::string_view pattern;
  std::string_view string;
  bool fits;
};

TEST(Glob, ReadsPatternsAsRedisDoes) {
  using namespace std::string_view_literals;
  const Row rows[] = {
      {"", "", true},
      {"", "a", false},
      {"*", "", true},
      {"**", "", false},
      {"a", "", false},
      {"h?llo", "hello", true},
      {"h?llo", "hllo", false},
      {"h*llo", "hllo", true},
      {"h*llo", "heeeello", true},
      {"h[ae]llo", "hallo", true},
      {"h[^e]llo", "hello", false},
      {"h[b-a]llo", "hbllo", true},
      {"h\\*llo", "h*llo", true},
      {"h\\*llo", "hxllo", false},
      {"h\\", "h\\", true},
      {"[abc", "c", true},
      {"[", "[", false},
      {"[^", "x", true},
      {"[]", "]", false},
      {"[\\]]", "]", true},
      {"[a-", "-", true},
      {"[a\\", "\\", true},
      {"a**", "a", true},
      {"*a*b*", "xaxb", true},
      {"*a*b*", "xbxa", false},
      {"a\0b"sv, "a\0b"sv, true},
      {"a?b", "a\0b"sv, true},
      {"[a-\xff]", "A", true},  // the end of the range is -1 as a char
      {"[^a]*", "ba", true},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(glob_match(row.pattern, row.string), row.fits) << row.pattern << " on " << row.string;
  }
  EXPECT_TRUE(glob_match("HeL[K-M]o", "hello", true));
  EXPECT_FALSE(glob_match("HeL[k-M]o", "hello", true))
      << "the ends change places before their case is folded";
  EXPECT_FALSE(glob_match("HeLlo", "hello"));
}

TEST(Glob, ManyStarsCostNoMoreThanTheProduct) {
  std::string pattern;
  for (int i = 0; i < 50; ++i) pattern += "a*";
  pattern += "b";
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_FALSE(glob_match(pattern, std::string(100'000, 'a')));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
}

TEST(Glob, EscapedLiteralsStandForThemselves) {
  const std::string all = [] {
    std::string bytes;
    for (int byte = 0; byte < 256; ++byte) bytes.push_back(static_cast<char>(byte));
    return bytes;
  }();
  std::string pattern;
  append_glob_escaped(pattern, all);
  EXPECT_TRUE(glob_match(pattern, all));
  EXPECT_FALSE(glob_is_literal(pattern));
  EXPECT_TRUE(glob_is_literal("a]b-^c"));
}

}  // namespace
}  // namespace keyshift::scheme
