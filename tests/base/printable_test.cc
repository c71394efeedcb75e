#include "keyshift/base/printable.h"

#include <cstdint>
#include <string>

#include <gtest/gtest.h>

namespace keyshift {
namespace {

TEST(Printable, OnlyWhatMustBeIsQuoted) {
  EXPECT_EQ(printable("user:1 with space"), "user:1 with space");
  EXPECT_EQ(printable("na\xc3\xafve"), "na\xc3\xafve");
  EXPECT_EQ(printable(""), "\"\"");
  EXPECT_EQ(printable("\"q\""), "\"\\\"q\\\"\"");
  EXPECT_EQ(printable("a\nb\t\\"), "\"a\\nb\\t\\\\\"");
  EXPECT_EQ(printable("\x7f\xc2\x80\xed\xa0\x80"), "\"\\x7f\\xc2\\x80\\xed\\xa0\\x80\"");
  EXPECT_EQ(printable("cut\xc3"), "\"cut\\xc3\"");
}

// What read_printable() makes of a text; "(refused)" where it is no quoting.
std::string key_of(std::string_view text) {
  std::string key = "(refused)";
  const bool read = read_printable(text, key);
  EXPECT_EQ(read, key != "(refused)");
  return key;
}

TEST(Printable, EveryKeyIsReadBack) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  uint64_t random = 1;
  for (size_t size = 0; size < 500; ++size) {
    std::string key;
    for (size_t i = 0; i < size % 40; ++i) {
      random = random * 6364136223846793005u + 1442695040888963407u;
      key += "\"\\x0af:\n"[random >> 33 & 7];
    }
    key += all[size % 256];
    EXPECT_EQ(key_of(printable(key)), key);
    EXPECT_TRUE(is_printable(printable(key)));
  }
  EXPECT_EQ(key_of(printable(all)), all);
}

TEST(Printable, ReadsWhatRedisCliPrints) {
  EXPECT_EQ(key_of("plain \\n key"), "plain \\n key");
  EXPECT_EQ(key_of("\"a\\x00\\XfF\\xfFb\""), std::string("a\0XfF\xff"
                                                         "b",
                                                         7));
  EXPECT_EQ(key_of("\"\\n\\r\\t\\a\\b\\\\\\\"\\q\""), "\n\r\t\a\b\\\"q");
  EXPECT_EQ(key_of("\"\\x4\""), "x4");
  EXPECT_EQ(key_of("\"\\xzz\""), "xzz");
  for (const char* text : {"\"", "\"a", "\"a\\\"", "\"a\"b\"", "\"a\" b"})
    EXPECT_EQ(key_of(text), "(refused)") << text;
}

}  // namespace
}  // namespace keyshift
