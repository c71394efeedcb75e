#include <string>

#include <gtest/gtest.h>

#include "command_line.h"

namespace keyshift::cli {
namespace {

TEST_F(CommandLine, WrongUsageIsTwo) {
  EXPECT_EQ(keyshift({}), kExitUsage);
  EXPECT_EQ(keyshift({"conver"}), kExitUsage);
  EXPECT_EQ(keyshift({"convert", "--colour"}), kExitUsage);
  EXPECT_EQ(keyshift({"serve", "--workers"}), kExitUsage);
  EXPECT_EQ(keyshift({"convert", "--config", kExample, "--db", "x", "k"}), kExitUsage);
  EXPECT_NE(err, "");
  EXPECT_EQ(keyshift({"convert", "k"}), kExitUsage);
  EXPECT_EQ(err, "convert needs the rules: --config FILE\n");
}

TEST_F(CommandLine, UnknownWordsGetASuggestion) {
  EXPECT_EQ(keyshift({"chekc"}), kExitUsage);
  EXPECT_EQ(err, "there is no command \"chekc\" (did you mean check?); keyshift --help lists them\n");
  EXPECT_EQ(keyshift({"convert", "--revrese", "k"}), kExitUsage);
  EXPECT_EQ(err,
            "keyshift convert does not know --revrese (did you mean --reverse?); keyshift convert --help "
            "lists what "
            "it does\n");
  EXPECT_EQ(keyshift({"explain", "--colour", "k"}), kExitUsage);
  EXPECT_EQ(err, "keyshift explain does not know --colour; keyshift explain --help lists what it does\n");
}

TEST_F(CommandLine, HelpOfEveryCommandHasExamplesAndExitCodes) {
  for (const char* command : {"serve", "check", "explain", "convert"}) {
    EXPECT_EQ(keyshift({command, "--help"}), kExitYes);
    EXPECT_TRUE(says("Example")) << command;
    EXPECT_TRUE(says("Exit codes:")) << command;
    EXPECT_TRUE(says("KEYSHIFT_CONFIG")) << command;
  }
}

TEST_F(CommandLine, HelpAndVersionAreSuccesses) {
  EXPECT_EQ(keyshift({"--version"}), kExitYes);
  EXPECT_EQ(out, "keyshift " KEYSHIFT_VERSION "\n");
  EXPECT_EQ(keyshift({"--help"}), kExitYes);
  EXPECT_NE(out.find("Examples:"), std::string::npos);
  EXPECT_EQ(keyshift({"serve", "--help"}), kExitYes);
  for (const char* flag :
       {"--config", "--listen", "--upstream", "--admin", "--embedded", "--workers", "--phase", "--log-level"})
    EXPECT_NE(out.find(flag), std::string::npos) << flag;
  EXPECT_EQ(out.find("--limits-max-bulk"), std::string::npos);
}

TEST_F(CommandLine, ServeReportsEveryConfigurationProblemAndIs78) {
  EXPECT_EQ(
      keyshift({"serve", "--workers", "0", "--listen", "a", "--limits-max-bulk", "x", "--phase=legasy"}),
      kExitConfig);
  EXPECT_EQ(err,
            "--workers=0: must be 1 to 256\n"
            "--phase=legasy: must be one of legacy, consolidated; did you mean \"legacy\"?\n"
            "--listen=a: expected HOST:PORT, [IPV6]:PORT or unix:/PATH\n"
            "--limits-max-bulk=x: must be a size in bytes, such as 4096, \"64kb\" (1024) or \"512mb\"\n");
  EXPECT_EQ(keyshift({"serve", "--config", "/nowhere.toml"}), kExitConfig);
  EXPECT_EQ(err, "/nowhere.toml: cannot be read: No such file or directory\n");
  EXPECT_EQ(keyshift({"serve", "--embedded=perhaps"}), kExitConfig);
}

TEST_F(CommandLine, ServeTakesFlagsOfNamesInTheFileAndOfFilesOfSecrets) {
  const std::string config = std::string(KEYSHIFT_CONF) + "/examples/celery.toml";
  EXPECT_EQ(keyshift({"serve", "-c", config, "--domain-celery-mode", "clmap", "--domain-celry-mode=keep",
                      "--upstream-password-file", "/nowhere"}),
            kExitConfig);
  EXPECT_EQ(
      err,
      "--domain-celery-mode=clmap: must be one of keep, clamp, override; did you mean \"clamp\"?\n"
      "--upstream-password-file=/nowhere: cannot be read: No such file or directory\n"
      "--domain-celry-mode: the file has no name with such an option; did you mean --domain-celery-mode?\n");
}

TEST_F(CommandLine, AMisspeltFlagOfASecretIsNamedWithoutIt) {
  EXPECT_EQ(keyshift({"serve", "--upstream-pasword=hunter2"}), kExitUsage);
  EXPECT_EQ(err.find("hunter2"), std::string::npos) << err;
  EXPECT_EQ(keyshift({"serve", "--upstream-pasword", "hunter2"}), kExitUsage);
  EXPECT_EQ(err.find("hunter2"), std::string::npos) << err;
}

}  // namespace
}  // namespace keyshift::cli
