// What environment and flags say: of names in the file, and of secrets in files of their own.

#include "keyshift/config/option.h"
#include "load_fixture.h"

namespace keyshift::config {
namespace {

class OutsideTest : public LoadTest {
 protected:
  // The file system: a name and what it holds.
  void files(std::map<std::string, std::string> contents) {
    sources.read_file = [contents = std::move(contents)](const std::string& path) -> Result<std::string> {
      const auto found = contents.find(path);
      if (found == contents.end()) return fail("No such file or directory");
      return found->second;
    };
  }
  // A flag of a name in the file, as the command line has it.
  void named_flag(std::string spelling, std::string value) {
    sources.flags.push_back({"", std::move(value), std::move(spelling)});
  }
};

constexpr const char* kScheme =
    "[ttl]\n"
    "hourly = \"1h\"\n"
    "[domain.ai-model]\n"
    "default_ttl = \"hourly\"\n"
    "[domain.ai-model.resource.user_data]\n"
    "max_ttl = \"1d\"\n"
    "[[rule]]\n"
    "legacy = \"a:{x}\"\n"
    "key = \"ai-model:a:{x}\"\n";

TEST_F(OutsideTest, DomainsResourcesAndDurationsFollowOneNamingRule) {
  file(kScheme);
  environment({{"KEYSHIFT_TTL_HOURLY", "30m"},
               {"KEYSHIFT_DOMAIN_AI_MODEL_MODE", "keep"},
               {"KEYSHIFT_DOMAIN_AI_MODEL_PHASE", "legacy"},
               {"KEYSHIFT_DOMAIN_AI_MODEL_RESOURCE_USER_DATA_MAX_TTL", "2d"}});
  Config config = loaded();
  EXPECT_TRUE(config.notices.empty());
  const scheme::DomainSpec& domain = config.scheme.domains.at(0);
  EXPECT_EQ(domain.policy.default_ms, 1'800'000);
  EXPECT_EQ(domain.policy.mode, scheme::TtlMode::kKeep);
  EXPECT_EQ(domain.resources.at(0).policy.max_ms, 2 * 86'400'000);
  EXPECT_EQ(config.scheme.rules.at(0).phase, scheme::Phase::kLegacy);

  named_flag("--ttl-hourly", "20m");
  named_flag("--domain-ai-model-phase", "consolidated");
  named_flag("--domain-ai-model-resource-user-data-default-ttl", "hourly");
  config = loaded();
  EXPECT_EQ(config.scheme.domains.at(0).policy.default_ms, 1'200'000);
  EXPECT_EQ(config.scheme.domains.at(0).resources.at(0).policy.default_ms, 1'200'000);
  EXPECT_EQ(config.scheme.rules.at(0).phase, scheme::Phase::kConsolidated);
}

TEST_F(OutsideTest, TheyCreateNothing) {
  file(kScheme);
  environment({{"KEYSHIFT_DOMAIN_AI_MODLE_DEFAULT_TTL", "1h"}, {"KEYSHIFT_TTL_DAILY", "1d"}});
  const Config config = loaded();
  EXPECT_EQ(config.notices, (std::vector<std::string>{
                                "the environment variable KEYSHIFT_DOMAIN_AI_MODLE_DEFAULT_TTL is not known "
                                "and was ignored; did you mean KEYSHIFT_DOMAIN_AI_MODEL_DEFAULT_TTL?",
                                "the environment variable KEYSHIFT_TTL_DAILY is not known and was ignored"}));
  named_flag("--domain-ai-modle-default-ttl", "1h");
  EXPECT_EQ(problems(),
            "--domain-ai-modle-default-ttl: the file has no name with such an option; did you mean "
            "--domain-ai-model-default-ttl?\n");
}

TEST_F(OutsideTest, NamesThatCollideAreAProblemOnlyWhereTheyAreUsed) {
  file("[domain.a-b]\ndefault_ttl = \"1h\"\n[domain.a_b]\ndefault_ttl = \"2h\"\n");
  EXPECT_EQ(problems(), "");
  environment({{"KEYSHIFT_DOMAIN_A_B_DEFAULT_TTL", "3h"}});
  named_flag("--domain-a-b-mode", "keep");
  EXPECT_EQ(
      problems(),
      "environment: KEYSHIFT_DOMAIN_A_B_DEFAULT_TTL could mean domain.a-b.default_ttl and "
      "domain.a_b.default_ttl: say it in the file, or give one of them another name\n"
      "--domain-a-b-mode could mean domain.a-b.mode and domain.a_b.mode: say it in the file, or give one of "
      "them another name\n");
}

TEST_F(OutsideTest, WhatIsWrongIsSaidAsOfAnyOption) {
  file(kScheme);
  environment({{"KEYSHIFT_TTL_HOURLY", "1 hour"}, {"KEYSHIFT_DOMAIN_AI_MODEL_MODE", "clmap"}});
  named_flag("--domain-ai-model-default-ttl", "hourli");
  EXPECT_EQ(
      problems(),
      "environment: KEYSHIFT_TTL_HOURLY=1 hour: must be a duration with a unit (ms, s, m, h, d, w), such as "
      "\"90s\" or \"1h\"; did you mean \"1h\"?\n"
      "environment: KEYSHIFT_DOMAIN_AI_MODEL_MODE=clmap: must be one of keep, clamp, override; did you mean "
      "\"clamp\"?\n"
      "--domain-ai-model-default-ttl=hourli: is neither a duration such as \"90s\" nor a name from [ttl]; "
      "did "
      "you mean \"hourly\"?\n");
}

TEST_F(OutsideTest, ASecretCanBeTheFirstLineOfAFile) {
  files({{"/run/file", "of-file\nsecond\n"}, {"/run/env", "of-env\r\n"}, {"/run/flag", " of flag "}});
  file("[upstream]\npassword_file = \"/run/file\"\n[[listener]]\npassword_file = \"/run/file\"\n");
  Config config = loaded();
  EXPECT_EQ(config.upstream.password, "of-file");
  EXPECT_EQ(config.listeners.at(0).password, "of-file");

  environment({{"REDIS_PASSWORD_FILE", "/run/env"}, {"KEYSHIFT_LISTENER_PASSWORD_FILE", "/run/env"}});
  config = loaded();
  EXPECT_EQ(config.upstream.password, "of-env");
  EXPECT_EQ(config.listeners.at(0).password, "of-env");

  flag("upstream.password_file", "/run/flag");
  EXPECT_EQ(loaded().upstream.password, " of flag ");
}

TEST_F(OutsideTest, AUrlCanBeInAFileToo) {
  files({{"/run/url", "redis://user:pw@h:7000/2\n"}});
  environment({{"REDIS_URL_FILE", "/run/url"}});
  const Config config = loaded();
  EXPECT_EQ(config.upstream.address.text(), "h:7000");
  EXPECT_EQ(config.upstream.password, "pw");
}

TEST_F(OutsideTest, FilesOfSecretsThatCannotBeAreProblems) {
  files({{"/run/empty", "\nsecret\n"}, {"/run/url", "http://:hunter2@h\n"}});
  file(
      "[upstream]\npassword_file = \"/nowhere\"\nurl_file = \"/run/url\"\n[[listener]]\npassword_file = 3\n");
  environment({{"REDIS_PASSWORD_FILE", "/run/empty"}, {"KEYSHIFT_LISTENER_PASSWORD_FILE", "/nowhere"}});
  flag("upstream.url_file", "/run/url");
  EXPECT_EQ(
      problems(),
      "conf.toml:2:17: upstream.password_file = \"/nowhere\": cannot be read: No such file or directory\n"
      "conf.toml:3:12: upstream.url_file = \"/run/url\": must be a URL such as \"redis://127.0.0.1:6379\", "
      "\"redis://user:password@host:6379/3\" or \"unix:///run/redis.sock\"\n"
      "conf.toml:5:17: listener.password_file = 3: must be the name of a file in quotes\n"
      "environment: REDIS_PASSWORD_FILE=/run/empty: the first line of the file is empty, and that is where "
      "the "
      "secret belongs\n"
      "environment: KEYSHIFT_LISTENER_PASSWORD_FILE=/nowhere: cannot be read: No such file or directory\n"
      "--upstream-url-file: must be a URL such as \"redis://127.0.0.1:6379\", "
      "\"redis://user:password@host:6379/3\" or \"unix:///run/redis.sock\"\n");
}

TEST_F(OutsideTest, ASecretAndItsFileInOneSourceAreAProblem) {
  files({{"/run/a", "hunter2"}});
  file("[upstream]\npassword = \"hunter2\"\npassword_file = \"/run/a\"\n");
  environment({{"REDIS_PASSWORD", "hunter2"}, {"REDIS_PASSWORD_FILE", "/run/a"}});
  flag("upstream.password", "hunter2");
  flag("upstream.password_file", "/run/a");
  EXPECT_EQ(problems(),
            "conf.toml:3:17: upstream.password and upstream.password_file are both set: keep one of them\n"
            "environment: REDIS_PASSWORD and REDIS_PASSWORD_FILE are both set: keep one of them\n"
            "--upstream-password and --upstream-password-file are both set: keep one of them\n");
}

TEST_F(OutsideTest, TheStrongerSourceWinsWhicheverWayItSaysTheSecret) {
  files({{"/run/a", "of-file"}});
  file("[upstream]\npassword_file = \"/run/a\"\n");
  environment({{"REDIS_PASSWORD", "of-env"}});
  EXPECT_EQ(loaded().upstream.password, "of-env");
  environment({{"REDIS_PASSWORD_FILE", "/run/a"}, {"KEYSHIFT_UPSTREAM_PASSWORD", "own"}});
  EXPECT_EQ(loaded().upstream.password, "own");
}

// A URL with a password in the wrong place, or misspelt, for each option, from each source.
TEST_F(OutsideTest, NoProblemShowsASecret) {
  const std::string secret = "hunter2";
  const std::vector<std::string> values{"redis://user:" + secret + "@h:70000", "reddis://:" + secret + "@h",
                                        "rediss://:" + secret + "@h",          ":" + secret + "@h:1:2",
                                        "unix://:" + secret + "@run/x",        "redis://:" + secret + "/@h"};
  files({});
  for (const Option& option : options()) {
    if (option.flag().empty()) continue;
    for (const std::string& value : values) {
      const std::string table(option.table());
      const std::string key(option.key());
      const std::string header = table.empty()         ? ""
                                 : table == "listener" ? "[[listener]]\n"
                                                       : "[" + table + "]\n";
      for (const std::string& said :
           {key + " = \"" + value + "\"", key + " = [\"" + value + "\"]",
            key + " = [\":1\", \"" + value + "\"]", key + " = " + value, key + " = \"" + value,
            key + "x = \"" + value + "\"", key + " = \"" + value + "\" \"" + value + "\"",
            key + "_file = \"" + value + "\"", key + " = { x = \"" + value + "\" }", key + " = '''" + value,
            key + " = \"\\" + value + "\"", key + " = 1\n" + key + " = \"" + value + "\""}) {
        file(header + said + "\n");
        EXPECT_EQ(problems().find(secret), std::string::npos) << said << "\n" << problems();
      }
      sources.has_toml = false;
      sources.file.clear();
      environment({{option.environment(), value}, {std::string(option.also) + "_FILE", value}});
      EXPECT_EQ(problems().find(secret), std::string::npos) << problems();
      environment({});
      sources.flags = {{std::string(option.name), value, ""}};
      EXPECT_EQ(problems().find(secret), std::string::npos) << problems();
      sources.flags.clear();
    }
  }
}

}  // namespace
}  // namespace keyshift::config
