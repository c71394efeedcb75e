// The generated documents are the committed ones, and leave nothing out.
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "documents.h"
#include "keyshift/command/table.h"
#include "keyshift/config/option.h"
#include "ttl_groups.h"

namespace keyshift::docs {
namespace {

std::string committed(const std::string& name) {
  std::ifstream file(std::string(KEYSHIFT_DOCS) + "/" + name, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// The first line in which they differ: a whole document is too much to read.
std::string first_difference(const std::string& left, const std::string& right) {
  std::istringstream lefts(left), rights(right);
  for (int line = 1;; ++line) {
    std::string one, two;
    const bool has_one = static_cast<bool>(std::getline(lefts, one));
    const bool has_two = static_cast<bool>(std::getline(rights, two));
    if (!has_one && !has_two) return "";
    if (has_one != has_two || one != two)
      return "line " + std::to_string(line) + "\n  committed: " + one + "\n  generated: " + two;
  }
}

TEST(Documents, AreCommittedAsTheyAreGenerated) {
  for (const Document& document : kDocuments) {
    const std::string file = committed(document.file);
    const std::string made = document.make();
    EXPECT_TRUE(file == made) << "docs/" << document.file
                              << " is not what the tables say; mend it with: ./dev docs\n"
                              << first_difference(file, made);
  }
}

TEST(Documents, EveryOptionStandsInTheReference) {
  const std::string text = configuration_document();
  for (const config::Option& option : config::options()) {
    EXPECT_NE(text.find("**`" + std::string(option.key()) + "`**"), std::string::npos) << option.name;
    EXPECT_NE(text.find(option.doc), std::string::npos) << option.name;
  }
}

// Once where it says what happens, and nowhere else.
TEST(Documents, EveryCommandThatConcernsExpiriesStandsInOneTable) {
  std::multiset<std::string> told;
  std::istringstream lines(ttl_document());
  bool commands = false;
  for (std::string line; std::getline(lines, line);) {
    commands = commands || line == "## Commands";
    if (!commands || !line.starts_with("| ") || line.find("the application sends") != std::string::npos)
      continue;
    if (line.starts_with("| `") && line.find("` | `") != std::string::npos &&
        line.find("`EX`") == std::string::npos)
      continue;  // an example
    for (size_t at = 0; (at = line.find('`', at)) != std::string::npos;) {
      const size_t end = line.find('`', at + 1);
      told.insert(line.substr(at + 1, end - at - 1));
      at = end + 1;
    }
  }
  const command::Table& table = command::Table::built_in();
  for (size_t i = 0; i < table.size(); ++i) {
    std::string name;
    for (const char c : table[i].name)
      name += c == '|' ? ' ' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    if (name == "PERSIST") continue;  // also an option of GETEX
    const Group group = group_of(table[i]);
    const bool concerned = group != Group::kReads && group != Group::kNoKeys;
    EXPECT_EQ(told.count(name), concerned ? 1u : 0u) << name;
  }
}

}  // namespace
}  // namespace keyshift::docs
