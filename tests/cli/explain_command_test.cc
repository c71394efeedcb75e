#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "command_line.h"

namespace keyshift::cli {
namespace {

class Explain : public CommandLine {
 protected:
  int explain(const std::vector<std::string>& arguments) {
    std::vector<std::string> all{"explain", "--config", kExample};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return keyshift(all);
  }
  std::vector<nlohmann::json> lines() const {
    std::vector<nlohmann::json> list;
    std::istringstream in(out);
    for (std::string line; std::getline(in, line);) list.push_back(nlohmann::json::parse(line));
    return list;
  }
};

TEST_F(Explain, AKeyOfARule) {
  EXPECT_EQ(explain({"writing_stats:user123:30d"}), kExitYes);
  EXPECT_TRUE(says("a legacy name of rule 1 ("));
  EXPECT_TRUE(says("captures   user = user123, days = 30\n"));
  EXPECT_TRUE(says("domain     analytics, resource writing_stats\n"));
  EXPECT_TRUE(says("expiry     default 1h, jitter 5%, by [domain.analytics]\n"));
  EXPECT_TRUE(says("in Redis   analytics:writing_stats:user:user123:days:30d\n"));
  EXPECT_TRUE(says("GET        GET analytics:writing_stats:user:user123:days:30d\n"));
  EXPECT_EQ(err, "");
}

TEST_F(Explain, SeveralKeysAndTheExitCodeOfTheWorst) {
  EXPECT_EQ(explain({"writing_stats:user123:30d", "orders:4711"}), kExitNo);
  EXPECT_TRUE(says("\n\norders:4711\n"));
  EXPECT_TRUE(says("orders:{int}"));
  EXPECT_TRUE(says("DEL        DEL orders:4711\n"));
  EXPECT_EQ(explain({"analytics:anything"}), kExitYes);
  EXPECT_TRUE(says("a key of the domain analytics that no rule renames"));
}

TEST_F(Explain, JsonHoldsAllOfIt) {
  EXPECT_EQ(explain({"--json", "writing_stats:u1:30d", "orders:4711"}), kExitNo);
  ASSERT_EQ(lines().size(), 2u);
  const auto rule = lines()[0];
  EXPECT_EQ(rule["kind"], "rule");
  EXPECT_EQ(rule["side"], "legacy");
  EXPECT_EQ(rule["rule"]["number"], 1);
  EXPECT_EQ(rule["rule"]["legacy"], "writing_stats:{user}:{days:int}d");
  EXPECT_EQ(rule["captures"]["user"], "u1");
  EXPECT_EQ(rule["phase"], "consolidated");
  EXPECT_EQ(rule["ttl"]["default_ms"], 3'600'000);
  EXPECT_EQ(rule["ttl"]["min_ms"], nullptr);
  EXPECT_EQ(rule["ttl"]["from"], "domain");
  EXPECT_EQ(rule["physical"], "analytics:writing_stats:user:u1:days:30d");
  EXPECT_EQ(rule["shown"], "writing_stats:u1:30d");
  EXPECT_EQ(rule["commands"][1]["upstream"][0]["command"][1], "analytics:writing_stats:user:u1:days:30d");
  EXPECT_EQ(rule["commands"][1]["upstream"][0]["reply"], "relay");
  const auto unmatched = lines()[1];
  EXPECT_EQ(unmatched["kind"], "unmatched");
  EXPECT_EQ(unmatched["rule"], nullptr);
  EXPECT_EQ(unmatched["phase"], nullptr);
  EXPECT_EQ(unmatched["unmatched"], "pass");
  EXPECT_EQ(unmatched["shape"], "orders:{int}");
}

TEST_F(Explain, TheViewIsThatOfAListener) {
  const std::string& file = file_of(
      "[[listener]]\naddress = \":0\"\nunmatched = \"refuse\"\n"
      "[[listener]]\naddress = \":0\"\nview = \"consolidated\"\nunmatched = \"prefix\"\nunmatched_prefix = "
      "\"old:\"\n"
      "[[rule]]\nlegacy = \"mood:{user}\"\nkey = \"analytics:mood:user:{user}\"\n");
  EXPECT_EQ(keyshift({"explain", "--config", file, "x:1"}), kExitNo);
  EXPECT_TRUE(says("refuse: its commands are answered with an error\n"));
  EXPECT_TRUE(says("SET        an error\n"));
  EXPECT_EQ(keyshift({"explain", "--config", file, "--view", "consolidated", "x:1"}), kExitNo);
  EXPECT_TRUE(says("in Redis   old:x:1\n"));
  EXPECT_EQ(keyshift({"explain", "--config", file, "--view", "consolidated", "mood:a"}), kExitYes);
  EXPECT_TRUE(says("shown as   analytics:mood:user:a by KEYS and SCAN in the consolidated view\n"));
  EXPECT_TRUE(says("none: there is no [domain.analytics]"));
  EXPECT_EQ(keyshift({"explain", "--config", file, "--view", "both", "mood:a"}), kExitUsage);
}

TEST_F(Explain, TheDatabaseChoosesTheRule) {
  const std::string& file =
      file_of("[[rule]]\nlegacy = \"mood:{user}\"\nkey = \"analytics:mood:user:{user}\"\ndb = 3\n");
  EXPECT_EQ(keyshift({"explain", "--config", file, "mood:a"}), kExitNo);
  EXPECT_TRUE(says("\"mood:{user}\", which is for database 3\n"));
  EXPECT_EQ(keyshift({"explain", "--config", file, "--db", "3", "mood:a"}), kExitYes);
}

TEST_F(Explain, BinaryKeysAreQuotedBothWays) {
  EXPECT_EQ(explain({"\"task_metrics:\\x00\\xff\""}), kExitYes);
  EXPECT_TRUE(says("captures   task = \"\\x00\\xff\"\n"));
  EXPECT_TRUE(says("GET        GET \"celery:task_metrics:id:\\x00\\xff\"\n"));
  EXPECT_EQ(explain({"\"task_metrics:"}), kExitUsage);
  EXPECT_EQ(explain({"--json", "\"\\x00\\xff\"", "\"a:\\xff\\xfe\""}), kExitNo);
  ASSERT_EQ(lines().size(), 2u);
  EXPECT_EQ(lines()[0]["key"], "\"\\x00\\xff\"");
}

TEST_F(Explain, InPhaseLegacyNoExpiryIsPromised) {
  const std::string& file = file_of(
      "phase = \"legacy\"\n[domain.analytics]\ndefault_ttl = \"1h\"\n"
      "[[rule]]\nlegacy = \"mood:{user}\"\nkey = \"analytics:mood:user:{user}\"\n");
  EXPECT_EQ(keyshift({"explain", "--config", file, "mood:a"}), kExitYes);
  EXPECT_TRUE(says("legacy: read and written under the legacy name, expiries as the client gives them\n"));
  EXPECT_TRUE(says("SET        SET mood:a value\n"));
}

TEST_F(Explain, NeedsKeysAndRules) {
  EXPECT_EQ(explain({}), kExitUsage);
  EXPECT_EQ(keyshift({"explain", "k"}), kExitUsage);
  EXPECT_EQ(err, "explain needs the rules: --config FILE\n");
  EXPECT_EQ(keyshift({"explain", "--config", "/nowhere.toml", "k"}), kExitConfig);
}

}  // namespace
}  // namespace keyshift::cli
