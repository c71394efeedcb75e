#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "keyshift/cli/app.h"

namespace keyshift::cli {
namespace {

const std::string kExample = std::string(KEYSHIFT_CONF) + "/examples/writing-assistant.toml";

// keyshift({"convert", "a"}) runs the command line; then look at code, out and err.
class CommandLine : public testing::Test {
 protected:
  int keyshift(std::vector<std::string> arguments, const std::string& input = "") {
    std::vector<const char*> argv{"keyshift"};
    for (const std::string& argument : arguments) argv.push_back(argument.c_str());
    std::istringstream in(input);
    std::ostringstream out_stream, err_stream;
    const int code = run(static_cast<int>(argv.size()), argv.data(), in, out_stream, err_stream);
    out = out_stream.str();
    err = err_stream.str();
    return code;
  }
  // The same behind `convert --config EXAMPLE`.
  int convert(const std::vector<std::string>& arguments, const std::string& input = "") {
    std::vector<std::string> all{"convert", "--config", kExample};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return keyshift(all, input);
  }

  std::string out;
  std::string err;
};

TEST_F(CommandLine, ConvertPrintsTheConsolidatedName) {
  EXPECT_EQ(convert({"writing_stats:user123:30d", "topics:7f3a:list"}), kExitYes);
  EXPECT_EQ(out, "analytics:writing_stats:user:user123:days:30d\ncontent:topics:user:7f3a\n");
  EXPECT_EQ(err, "");
}

TEST_F(CommandLine, ConvertReverseLeadsBack) {
  EXPECT_EQ(convert({"--reverse", "analytics:writing_stats:user:user123:days:30d"}), kExitYes);
  EXPECT_EQ(out, "writing_stats:user123:30d\n");
}

TEST_F(CommandLine, ConvertReadsStandardInputAndKeepsEveryLine) {
  EXPECT_EQ(convert({}, "system_health\ncelery\n\nmaintenance:system_health"), kExitNo);
  EXPECT_EQ(out, "maintenance:system_health\ncelery\n\"\"\nmaintenance:system_health\n");
  EXPECT_EQ(err, "no rule matches celery\nno rule matches \"\"\n");
}

TEST_F(CommandLine, ConvertEscapesWhatIsNotPrintable) {
  EXPECT_EQ(convert({}, std::string("task_metrics:\0\xff\n", 16)), kExitYes);
  EXPECT_EQ(out, "\"celery:task_metrics:id:\\x00\\xff\"\n");
}

TEST_F(CommandLine, ConvertSpeaksJson) {
  EXPECT_EQ(convert({"--json", "system_health", "celery"}), kExitNo);
  EXPECT_EQ(out,
            "{\"key\":\"system_health\",\"name\":\"maintenance:system_health\",\"result\":\"converted\"}\n"
            "{\"key\":\"celery\",\"name\":\"celery\",\"result\":\"unmatched\"}\n");
}

TEST_F(CommandLine, WrongUsageIsTwo) {
  EXPECT_EQ(keyshift({}), kExitUsage);
  EXPECT_EQ(keyshift({"conver"}), kExitUsage);
  EXPECT_EQ(keyshift({"convert", "--colour"}), kExitUsage);
  EXPECT_EQ(keyshift({"serve", "--workers"}), kExitUsage);
  EXPECT_EQ(convert({"--db", "x", "k"}), kExitUsage);
  EXPECT_NE(err, "");
  ::unsetenv("KEYSHIFT_CONFIG");
  EXPECT_EQ(keyshift({"convert", "k"}), kExitUsage);
  EXPECT_EQ(err, "convert needs the rules: --config FILE\n");
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
            "--listen=a: \"a\": expected HOST:PORT, [IPV6]:PORT or unix:/PATH\n"
            "--limits-max-bulk=x: must be a size in bytes, such as 4096, \"64kb\" (1024) or \"512mb\"\n");
  EXPECT_EQ(keyshift({"serve", "--config", "/nowhere.toml"}), kExitConfig);
  EXPECT_EQ(err, "/nowhere.toml: cannot be read: No such file or directory\n");
  EXPECT_EQ(keyshift({"serve", "--embedded=perhaps"}), kExitConfig);
}

}  // namespace
}  // namespace keyshift::cli
