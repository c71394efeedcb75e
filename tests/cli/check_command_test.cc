// The offline half of `keyshift check`; tests/system/operator_test.py asks real servers.
#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "command_line.h"

namespace keyshift::cli {
namespace {

class Check : public CommandLine {
 protected:
  int check(const std::string& toml) { return keyshift({"check", "--config", file_of(toml)}); }
  // The names of the checks that spoke, with their severity.
  std::vector<std::string> findings(const std::string& toml) {
    keyshift({"check", "--json", "--config", file_of(toml)});
    std::vector<std::string> names;
    const auto report = json();
    for (const auto& finding : report["findings"])
      names.push_back(finding["severity"].get<std::string>() + " " + finding["check"].get<std::string>());
    return names;
  }
};

using Names = std::vector<std::string>;

const std::string kRule = "[[rule]]\nlegacy = \"mood:{user}\"\nkey = \"analytics:mood:user:{user}\"\n";
const std::string kDomain = "[domain.analytics]\ndefault_ttl = \"1h\"\n";

TEST_F(Check, AValidConfigurationIsSummedUp) {
  EXPECT_EQ(keyshift({"check", "--config", kExample}), kExitYes);
  EXPECT_TRUE(says("configuration " + kExample + " is valid: 24 rules, 8 domains, 2 listeners\n"));
  EXPECT_EQ(err, "");
}

TEST_F(Check, TestFlagIsTheSameInAnyOrder) {
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{"-t", "-c", kExample},
                                                    {"-c", kExample, "-t"},
                                                    {"-t", "--config", kExample},
                                                    {"-tc", kExample}}) {
    EXPECT_EQ(keyshift(arguments), kExitYes) << err;
    EXPECT_TRUE(says("is valid"));
  }
  ::setenv("KEYSHIFT_CONFIG", kExample.c_str(), 1);
  EXPECT_EQ(keyshift({"-t"}), kExitYes);
  EXPECT_TRUE(says(kExample));
  EXPECT_EQ(keyshift({"-t", "-c", "/nowhere.toml"}), kExitConfig);
}

TEST_F(Check, WhatIsSaidOfTheSurveyIsRefusedWithoutOneAndOutOfRange) {
  for (const char* option : {"--sample", "--rate", "--top"})
    EXPECT_EQ(keyshift({"check", "-c", kExample, option, "5"}), kExitUsage) << option;
  EXPECT_NE(err.find("--upstream"), std::string::npos) << err;
  for (const char* option : {"--sample=-1", "--rate=-1", "--top=0"})
    EXPECT_EQ(keyshift({"check", "-c", kExample, "--upstream", "redis://127.0.0.1:1", option}), kExitUsage)
        << option;
}

TEST_F(Check, AllProblemsAreReportedAndCounted) {
  EXPECT_EQ(check("workers = 0\n[upstream]\npol_size = 3\n" + kRule + kRule), kExitConfig);
  EXPECT_EQ(out, "");
  EXPECT_NE(err.find(":1:"), std::string::npos);
  EXPECT_NE(err.find("did you mean \"pool_size\"?"), std::string::npos);
  EXPECT_NE(err.find("is not valid: 4 problems\n"), std::string::npos) << err;
}

TEST_F(Check, ProblemsInJson) {
  EXPECT_EQ(keyshift({"check", "--json", "--config", file_of("phase = \"legasy\"\n")}), kExitConfig);
  EXPECT_EQ(json()["valid"], false);
  ASSERT_EQ(json()["problems"].size(), 1u);
  EXPECT_EQ(json()["problems"][0]["line"], 1);
  EXPECT_EQ(json()["problems"][0]["suggestion"], "\"legacy\"");
  EXPECT_EQ(err, "");
}

TEST_F(Check, WithoutAFileTheEnvironmentIsChecked) {
  EXPECT_EQ(keyshift({"check"}), kExitYes);
  EXPECT_TRUE(says("the configuration without a file is valid: 0 rules, 0 domains, 1 listener\n"));
  ::setenv("REDIS_PORT", "0", 1);
  EXPECT_EQ(keyshift({"check"}), kExitConfig);
}

TEST_F(Check, WhatStaysForEverIsNoticed) {
  EXPECT_EQ(findings(kDomain + kRule), Names{});
  EXPECT_EQ(findings(kRule), Names{"notice no-domain"});
  EXPECT_EQ(findings("[domain.analytics]\n" + kRule), Names{"notice no-default-ttl"});
  EXPECT_EQ(findings("[domain.analytics]\n[domain.analytics.resource.mood]\ndefault_ttl = \"1h\"\n" + kRule),
            Names{});
  EXPECT_EQ(check(kRule), kExitYes);
}

TEST_F(Check, OptionsWithoutEffectAreWarnings) {
  const std::string domain = "[domain.analytics]\n";
  EXPECT_EQ(findings(kDomain + "mode = \"keep\"\nmax_ttl = \"2h\"\n"), Names{"warning no-effect"});
  EXPECT_EQ(findings(kDomain + "mode = \"keep\"\nmin_ttl = \"1m\"\nmax_ttl = \"2h\"\n"),
            (Names{"warning no-effect", "warning no-effect"}));
  EXPECT_EQ(findings(kDomain + "mode = \"clamp\"\n"), Names{"warning no-effect"});
  EXPECT_EQ(findings(domain + "max_ttl = \"2h\"\njitter = \"5%\"\n"),
            (Names{"notice no-default-ttl", "warning no-effect"}));
  EXPECT_EQ(findings(kDomain + "mode = \"clamp\"\nmax_ttl = \"2h\"\njitter = \"5%\"\n"), Names{});
  // What resources inherit has its effect there.
  EXPECT_EQ(findings(domain + "jitter = \"5%\"\n[domain.analytics.resource.mood]\ndefault_ttl = \"1h\"\n"),
            Names{});
  EXPECT_EQ(findings("[embedded]\nenabled = true\n[upstream]\nurl = \"redis://10.0.0.5\"\n"),
            Names{"warning no-effect"});
  EXPECT_EQ(check(kDomain + "mode = \"clamp\"\n"), kExitNo);
  EXPECT_TRUE(says("warning"));
}

TEST_F(Check, RulesThatOnlyObserveAreNoticed) {
  EXPECT_EQ(findings("phase = \"legacy\"\n" + kDomain + kRule), Names{"notice phase-legacy"});
}

// Of a configuration that folds into 5: `rules` has a database and a phase for each rule.
std::string folding(const std::vector<std::pair<int, std::string>>& rules, const std::string& top = "",
                    int databases = 16) {
  std::string toml = top + "\n[fold]\ninto = 5\ndatabases = " + std::to_string(databases) +
                     "\n[[listener]]\nunmatched = \"prefix\"\nunmatched_prefix = \"db{db}:\"\n" + kDomain;
  for (size_t i = 0; i < rules.size(); ++i) {
    const std::string name = "r" + std::to_string(i);
    toml += "[[rule]]\nlegacy = \"" + name + ":{id}\"\nkey = \"analytics:" + name +
            ":id:{id}\"\ndb = " + std::to_string(rules[i].first) + "\nphase = \"" + rules[i].second + "\"\n";
  }
  return toml;
}

TEST_F(Check, ItSaysWhichDatabasesFoldAndWhichDoNotYet) {
  const std::string yes = "consolidated";
  const std::string no = "legacy";
  const auto says_of = [this](const std::string& toml, const std::string& sentence) {
    EXPECT_EQ(check(toml), kExitYes) << err;
    EXPECT_NE((out + err).find(sentence + "\n"), std::string::npos) << out << err;
  };
  says_of(folding({{0, yes}, {3, no}, {3, no}}, "", 5),
          "databases 0, 1, 2 and 4 fold into 5; 3 stays where it is (its rules are in phase legacy)");
  says_of(folding({{0, yes}, {1, yes}}), "databases 0 to 15 fold into 5");
  says_of(folding({{0, yes}, {1, no}}),
          "databases 0 and 2 to 15 fold into 5; 1 stays where it is (its rule is in phase legacy)");
  says_of(folding({{0, yes}, {1, no}, {2, no}}, "phase = \"legacy\"", 4),
          "database 0 folds into 5; 1 and 2 stay where they are (their rules are in phase legacy); 3 stays "
          "where it is (no rule names it, and the phase at the top is legacy)");
  says_of(folding({{0, yes}}, "phase = \"legacy\""),
          "databases 0 and 5 fold into 5; 1 to 4 and 6 to 15 stay where they are (no rule names them, "
          "and the phase at the top is legacy)");
  says_of(folding({{0, no}}, "phase = \"legacy\"", 1),
          "no database folds into 5 yet; 0 stays where it is (its rule is in phase legacy)");
  EXPECT_EQ(findings(folding({{0, yes}})), Names{"notice fold"});
}

TEST_F(Check, NamesWithTwoReadingsAreADecisionWhereTwoViewsMeet) {
  const std::string any = "[[rule]]\nlegacy = \"{k:any}\"\nkey = \"analytics:all:{k}\"\n";
  EXPECT_EQ(findings(kDomain + any), Names{"notice overlap"});
  EXPECT_EQ(json()["findings"][0]["keys"].size(), 1u);
  const std::string both =
      "[[listener]]\naddress = \":0\"\n[[listener]]\naddress = \":0\"\nview = \"consolidated\"\n";
  EXPECT_EQ(findings(both + kDomain + any), Names{"warning overlap"});
  EXPECT_EQ(check(both + kDomain + any), kExitNo);
  EXPECT_TRUE(says("clients of the two views mean different keys by it"));
}

TEST_F(Check, AnUpstreamThatIsDownIsSaidWithAdvice) {
  EXPECT_EQ(keyshift({"check", "--config", kExample, "--upstream", "unix:///nowhere/redis.sock"}),
            kExitUnavailable);
  EXPECT_EQ(
      err,
      "cannot ask the upstream unix:/nowhere/redis.sock: No such file or directory; is it running, and is "
      "upstream.url right?\n");
  EXPECT_EQ(keyshift({"check", "--json", "--upstream", "unix:///nowhere/redis.sock"}), kExitUnavailable);
  EXPECT_EQ(json()["upstream"]["reachable"], false);
  EXPECT_EQ(keyshift({"check", "--upstream", "nonsense://x"}), kExitConfig);
  // Without a value it is the configured one, wherever the flag stands.
  const std::string& file = file_of("[upstream]\nurl = \"unix:///nowhere/else.sock\"\n");
  EXPECT_EQ(keyshift({"check", "--upstream", "--config", file}), kExitUnavailable);
  EXPECT_NE(err.find("/nowhere/else.sock"), std::string::npos);
  EXPECT_EQ(keyshift({"check", "--upstream", "--config", file_of("[embedded]\nenabled = true\n")}),
            kExitUsage);
}

}  // namespace
}  // namespace keyshift::cli
