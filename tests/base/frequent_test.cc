#include "keyshift/base/frequent.h"

#include <map>
#include <string>

#include <gtest/gtest.h>

namespace keyshift {
namespace {

TEST(Frequent, CountsExactlyWhileThereIsRoom) {
  Frequent counts(3);
  for (const char* text : {"b", "a", "b", "c", "b", "a"}) counts.add(text, std::string("first ") + text);
  const auto sorted = counts.sorted();
  ASSERT_EQ(sorted.size(), 3u);
  EXPECT_EQ(sorted[0].text + " " + sorted[0].example, "b first b");
  EXPECT_EQ(sorted[0].count, 3u);
  EXPECT_EQ(sorted[0].error, 0u);
  EXPECT_EQ(sorted[1].text, "a");
  EXPECT_EQ(sorted[2].text, "c");
  EXPECT_EQ(counts.total(), 6u);
}

TEST(Frequent, ErrorsAreBoundedAndWhatIsFrequentStays) {
  constexpr size_t kPlaces = 20;
  Frequent counts(kPlaces);
  std::map<std::string, uint64_t> truth;
  uint64_t random = 3;
  for (int i = 0; i < 50'000; ++i) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    // Five texts take half of the stream, some thousand others the rest; short and long ones.
    const uint64_t draw = random >> 40;
    std::string text = draw % 2 == 0 ? "often " + std::to_string(draw / 2 % 5) : std::to_string(draw % 5000);
    if (draw % 3 == 0) text += std::string(30, 'x');
    counts.add(text, text);
    ++truth[text];
  }
  const auto sorted = counts.sorted();
  EXPECT_EQ(sorted.size(), kPlaces);
  uint64_t sum = 0;
  std::map<std::string, uint64_t> found;
  for (const auto& entry : sorted) {
    EXPECT_GE(entry.count, truth[entry.text]);
    EXPECT_LE(entry.count - entry.error, truth[entry.text]);
    EXPECT_EQ(entry.example, entry.text);
    found[entry.text] = entry.count;
    sum += entry.count;
  }
  EXPECT_EQ(sum, counts.total());
  EXPECT_EQ(counts.total(), 50'000u);
  for (const auto& [text, count] : truth) {
    if (count > counts.total() / kPlaces) {
      EXPECT_TRUE(found.contains(text)) << text;
    }
  }
}

}  // namespace
}  // namespace keyshift
