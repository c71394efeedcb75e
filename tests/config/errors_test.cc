// Badly written configurations and what is said about them, word for word: errors/NN-what.toml and errors/NN-what.txt.
//
// The texts are reviewed as a person would read them: is it clear what to change? After a change that is meant, write
// them anew and read the difference:
//
//   KEYSHIFT_WRITE_GOLDEN=1 build/tests/config/config_test --gtest_filter='Errors*' && git diff tests/config/errors

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "load_fixture.h"

namespace keyshift::config {
namespace {

std::string text_of(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

std::vector<std::string> names() {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator(KEYSHIFT_ERRORS))
    if (entry.path().extension() == ".toml") found.push_back(entry.path().stem().string());
  std::ranges::sort(found);
  return found;
}

class ErrorsTest : public LoadTest, public testing::WithParamInterface<std::string> {};

TEST_P(ErrorsTest, AreSaidWordForWord) {
  const std::filesystem::path path = std::filesystem::path(KEYSHIFT_ERRORS) / GetParam();
  file(text_of(path.string() + ".toml"));
  sources.file = GetParam() + ".toml";
  const std::string said = problems();
  EXPECT_NE(said, "") << "it was accepted";
  EXPECT_EQ(said.find("hunter2"), std::string::npos);
  const char* write = std::getenv("KEYSHIFT_WRITE_GOLDEN");
  if (write != nullptr && *write != '\0') std::ofstream(path.string() + ".txt", std::ios::binary) << said;
  EXPECT_EQ(said, text_of(path.string() + ".txt"));
}

std::string test_name(const testing::TestParamInfo<std::string>& info) {
  std::string name = "_" + info.param;
  std::ranges::replace(name, '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Golden, ErrorsTest, testing::ValuesIn(names()), test_name);

TEST(Errors, ThereAreAtLeastTen) {
  EXPECT_GE(names().size(), 10u);
}

}  // namespace
}  // namespace keyshift::config
