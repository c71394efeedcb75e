#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "command_line.h"

namespace keyshift::cli {
namespace {

class Convert : public CommandLine {
 protected:
  int convert(const std::vector<std::string>& arguments, const std::string& input = "") {
    std::vector<std::string> all{"convert", "--config", kExample};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return keyshift(all, input);
  }
};

TEST_F(Convert, PrintsTheConsolidatedName) {
  EXPECT_EQ(convert({"writing_stats:user123:30d", "topics:7f3a:list"}), kExitYes);
  EXPECT_EQ(out, "analytics:writing_stats:user:user123:days:30d\ncontent:topics:user:7f3a\n");
  EXPECT_EQ(err, "");
}

TEST_F(Convert, ReverseLeadsBack) {
  EXPECT_EQ(convert({"--reverse", "analytics:writing_stats:user:user123:days:30d"}), kExitYes);
  EXPECT_EQ(out, "writing_stats:user123:30d\n");
}

TEST_F(Convert, ReadsStandardInputAndKeepsEveryLine) {
  EXPECT_EQ(convert({}, "system_health\ncelery\n\nmaintenance:system_health"), kExitNo);
  EXPECT_EQ(out, "maintenance:system_health\ncelery\n\"\"\nmaintenance:system_health\n");
  EXPECT_EQ(err, "no rule matches celery\nno rule matches \"\"\n");
}

TEST_F(Convert, EscapesWhatIsNotPrintable) {
  EXPECT_EQ(convert({}, std::string("task_metrics:\0\xff\n", 16)), kExitYes);
  EXPECT_EQ(out, "\"celery:task_metrics:id:\\x00\\xff\"\n");
}

TEST_F(Convert, SpeaksJson) {
  EXPECT_EQ(convert({"--json", "system_health", "celery"}), kExitNo);
  EXPECT_EQ(out,
            "{\"key\":\"system_health\",\"name\":\"maintenance:system_health\",\"result\":\"converted\"}\n"
            "{\"key\":\"celery\",\"name\":\"celery\",\"result\":\"unmatched\"}\n");
}

TEST_F(Convert, ReadsNamesAsItPrintsThem) {
  EXPECT_EQ(convert({}, "\"task_metrics:\\x00\\xff\"\n"), kExitYes);
  const std::string printed = out;
  EXPECT_EQ(printed, "\"celery:task_metrics:id:\\x00\\xff\"\n");
  EXPECT_EQ(convert({"-r"}, printed), kExitYes);
  EXPECT_EQ(out, "\"task_metrics:\\x00\\xff\"\n");
  EXPECT_EQ(convert({"\"task_metrics:\\n\""}), kExitYes);
  EXPECT_EQ(out, "\"celery:task_metrics:id:\\n\"\n");
  // What only looks quoted is a key.
  EXPECT_EQ(convert({}, "\"half\n"), kExitNo);
  EXPECT_EQ(out, "\"\\\"half\"\n");
}

TEST_F(Convert, NullSeparatedKeysAreBytes) {
  const std::string input("task_metrics:a\nb\0\"q\"\0task_metrics:\xff", 35);
  EXPECT_EQ(convert({"--null"}, input), kExitNo);
  EXPECT_EQ(out, std::string("celery:task_metrics:id:a\nb\0\"q\"\0celery:task_metrics:id:\xff\0", 56));
  EXPECT_EQ(convert({"--null", "--json"}), kExitUsage);
}

TEST_F(Convert, LinesOfAnyLengthAndNoLineEndAtTheEnd) {
  std::string input, expected;
  for (size_t size = 1; size < 70'000; size = size * 3 + 1) {
    input += "task_metrics:" + std::string(size, 'x') + "\n";
    expected += "celery:task_metrics:id:" + std::string(size, 'x') + "\n";
  }
  input.pop_back();
  EXPECT_EQ(convert({}, input), kExitYes);
  EXPECT_EQ(out, expected);
}

TEST_F(Convert, ManyKeysOfNoRuleAreCountedAndNotListed) {
  std::string input;
  for (int i = 0; i < 1000; ++i) input += "other\n";
  EXPECT_EQ(convert({}, input), kExitNo);
  EXPECT_EQ(out, input);
  EXPECT_NE(err.find("no rule matches 980 more keys\n"), std::string::npos);
  EXPECT_LT(err.size(), 1000u);
}

TEST_F(Convert, JsonOfAwkwardNames) {
  EXPECT_EQ(convert({"--json"}, "task_metrics:\"\\\n\"task_metrics:\\x00\"\n"), kExitYes);
  std::istringstream lines(out);
  std::string line;
  std::getline(lines, line);
  EXPECT_EQ(nlohmann::json::parse(line)["key"], "task_metrics:\"\\");
  EXPECT_EQ(nlohmann::json::parse(line)["name"], "celery:task_metrics:id:\"\\");
  std::getline(lines, line);
  EXPECT_EQ(nlohmann::json::parse(line)["name"], "\"celery:task_metrics:id:\\x00\"");
}

}  // namespace
}  // namespace keyshift::cli
