#include "keyshift/scheme/glob.h"

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

std::string repeated(std::string_view part, size_t times) {
  std::string made;
  for (size_t i = 0; i < times; ++i) made += part;
  return made;
}

TEST(Glob, NastyPatternsCostNoMoreThanTheProduct) {
  const struct {
    std::string pattern;
    std::string string;
    bool fits;
  } rows[] = {
      {repeated("a*", 50) + "b", std::string(100'000, 'a'), false},
      {repeated("*a", 500) + "b", std::string(2'000, 'a'), false},
      {repeated("?*", 500) + "b", std::string(2'000, 'a'), false},
      {repeated("*[^b]", 300) + "b", std::string(2'000, 'a'), false},
      {repeated("[", 5'000), std::string(5'000, '['), false},
      {"*" + repeated("[", 1'000), std::string(5'000, '['), true},
      {"*" + repeated("a", 1'000) + "b", std::string(5'000, 'a'), false},
      {std::string(64 * 1024, '*') + "b", std::string(10'000, 'a'), false},
      {std::string(64 * 1024, '\\'), std::string(32 * 1024, '\\'), true},
      {"*b", std::string(1024 * 1024, 'a'), false},
      {repeated("*a", 100), std::string(1024 * 1024, 'a'), true},
  };
  for (const auto& row : rows) {
    uint64_t steps = 0;
    EXPECT_EQ(glob_match(row.pattern, row.string, false, &steps), row.fits) << row.pattern.substr(0, 20);
    EXPECT_LE(steps, (row.pattern.size() + 1) * (row.string.size() + 1)) << row.pattern.substr(0, 20);
  }
  // Where each star finds its place at once, the pattern is read once or twice.
  uint64_t steps = 0;
  EXPECT_TRUE(glob_match(repeated("a*", 1000), std::string(1000, 'a'), false, &steps));
  EXPECT_LE(steps, 4'000U);
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
