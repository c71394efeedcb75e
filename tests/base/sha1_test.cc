#include "keyshift/base/sha1.h"

#include <gtest/gtest.h>

namespace keyshift {
namespace {

// FIPS 180-4's examples, and a script as Redis names it.
TEST(Sha1, HasTheDigestsOfTheStandard) {
  EXPECT_EQ(sha1_hex(""), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  EXPECT_EQ(sha1_hex("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(sha1_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
  EXPECT_EQ(sha1_hex(std::string(1'000'000, 'a')), "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
  EXPECT_EQ(sha1_hex("return 1"), "e0e1f9fabfc9d4800c877a703b823ac0578ff8db");
}

TEST(Sha1, PiecesAreTheWholeAtEverySplit) {
  std::string text;
  for (int i = 0; i < 200; ++i) {
    text.push_back(static_cast<char>(i));
    Sha1 sha;
    for (size_t at = 0; at < text.size(); at += 7) sha.update(std::string_view(text).substr(at, 7));
    EXPECT_EQ(sha.hex(), sha1_hex(text)) << text.size();
  }
}

}  // namespace
}  // namespace keyshift
