// The manual, conf/keyshift.toml, says of every option the default that is the real one; the example schemes load.

#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "keyshift/config/option.h"
#include "load_fixture.h"

namespace keyshift::config {
namespace {

std::string text_of(const std::string& name) {
  std::ifstream stream(std::string(KEYSHIFT_CONF) + "/" + name);
  EXPECT_TRUE(stream.is_open()) << name;
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

// The manual with `mark` taken off the lines that begin with it, where `is_taken` agrees.
std::string uncommented(std::string_view mark, bool (*is_taken)(std::string_view rest)) {
  std::istringstream lines(text_of("keyshift.toml"));
  std::string out;
  for (std::string line; std::getline(lines, line); out += line + "\n")
    if (line.starts_with(mark) && is_taken(std::string_view(line).substr(mark.size())))
      line.erase(0, mark.size());
  return out;
}

std::string all_options() {
  return uncommented("#",
                     [](std::string_view rest) { return !rest.empty() && rest[0] != ' ' && rest[0] != '#'; });
}

class ManualTest : public LoadTest {};

TEST_F(ManualTest, AsItStandsItChangesNothing) {
  file(text_of("keyshift.toml"));
  EXPECT_EQ(loaded().upstream, Upstream{});
  EXPECT_EQ(loaded().limits, Limits{});
}

TEST_F(ManualTest, EveryOptionUncommentedIsTheDefaultConfig) {
  file(all_options());
  const Config config = loaded();
  const Config expected;
  EXPECT_EQ(config.upstream, expected.upstream);
  EXPECT_EQ(config.fold, expected.fold);
  EXPECT_EQ(config.admin, expected.admin);
  EXPECT_EQ(config.embedded, expected.embedded);
  EXPECT_EQ(config.limits, expected.limits);
  EXPECT_EQ(config.workers, expected.workers);
  EXPECT_EQ(config.phase, expected.phase);
  EXPECT_EQ(config.log_level, expected.log_level);
  EXPECT_EQ(config.allow, expected.allow);
  ASSERT_EQ(config.listeners.size(), 1u);
  EXPECT_EQ(config.listeners[0].address, expected.listeners[0].address);
  EXPECT_EQ(config.listeners[0].view.naming, expected.listeners[0].view.naming);
  EXPECT_EQ(config.listeners[0].view.unmatched, expected.listeners[0].view.unmatched);
  EXPECT_EQ(config.listeners[0].view.prefix, "");
  EXPECT_EQ(config.listeners[0].password, "");
}

// "upstream.pool_size=10" of each option line, with tables in front and without quotes.
std::set<std::string> manual_lines() {
  std::istringstream lines(all_options());
  std::set<std::string> said;
  std::string table;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('[')) {
      table = line.substr(line.rfind('[') + 1, line.find(']') - line.rfind('[') - 1) + ".";
    } else if (const size_t equals = line.find(" = ");
               equals != std::string::npos && !line.starts_with('#')) {
      std::string value = line.substr(equals + 3);
      if (value == "[]") value.clear();
      std::erase(value, '"');
      said.insert(table + line.substr(0, equals) + "=" + value);
    }
  }
  return said;
}

TEST_F(ManualTest, EveryRowOfTheTableStandsInItWithItsDefault) {
  std::set<std::string> expected;
  for (const Option& option : options())
    if (!option.flag().empty())
      expected.insert(std::string(option.name) + "=" + std::string(option.default_text));
  EXPECT_EQ(manual_lines(), expected);
}

// What is said about each option: the comment above it, or above the group that it is in, and the heading of its table.
std::map<std::string, std::string> manual_comments() {
  std::istringstream lines(text_of("keyshift.toml"));
  std::map<std::string, std::string> comments;
  std::string heading, comment, table;
  bool in_comment = false;
  for (std::string line; std::getline(lines, line);) {
    const bool is_text = line.starts_with("# ") || line == "#";
    if (is_text && !in_comment) comment.clear();
    in_comment = is_text;
    const size_t name = line.find_first_not_of("#");
    if (is_text) {
      comment += line.substr(1);
      // A ruler above and below: the heading of a table.
      if (line.starts_with("# ---")) heading = comment;
    } else if (line.starts_with('[') || line.starts_with("#[[")) {
      table = line.substr(line.rfind('[') + 1, line.find(']') - line.rfind('[') - 1) + ".";
    } else if (const size_t equals = line.find(" = "); equals != std::string::npos) {
      comments[table + line.substr(name, equals - name)] = heading + comment;
    }
  }
  return comments;
}

TEST_F(ManualTest, EveryOptionSaysItsRangeItsOtherNamesAndWhetherItNeedsARestart) {
  const std::map<std::string, std::string> comments = manual_comments();
  for (const Option& option : options()) {
    if (option.flag().empty()) continue;
    const auto found = comments.find(std::string(option.name));
    ASSERT_NE(found, comments.end()) << option.name;
    const std::string& comment = found->second;
    const auto says = [&](std::string_view text) { return comment.find(text) != std::string::npos; };
    if (option.is_number()) {
      const std::regex range(number_text(option, option.minimum) + "( \\([^)]*\\))? to " +
                             number_text(option, option.maximum));
      EXPECT_TRUE(std::regex_search(comment, range)) << option.name << ": " << comment;
    }
    for (const std::string& choice : option.choice_list())
      EXPECT_TRUE(says(choice)) << option.name << ": " << choice;
    EXPECT_TRUE(says(option.also)) << option.name;
    if (!option.short_flag.empty()) {
      EXPECT_TRUE(says(option.short_flag)) << option.name;
    }
    EXPECT_EQ(says("Restart."), option.applies == Applies::kRestart) << option.name;
  }
}

TEST_F(ManualTest, ItsExamplesOfVariablesAndFlagsAreThoseOfTheRule) {
  const std::string text = text_of("keyshift.toml");
  for (const char* name : {"domain.ai-model.default_ttl", "domain.a.resource.b.max_ttl", "ttl.hourly"}) {
    EXPECT_NE(text.find(environment_name(name) + "="), std::string::npos) << name;
    EXPECT_NE(text.find(flag_name(name) + " "), std::string::npos) << name;
  }
  for (const Option& option : options())
    if (option.is_secret()) {
      EXPECT_NE(text.find(option.name), std::string::npos) << option.name;
    }
}

TEST_F(ManualTest, EveryOptionOfDomainsAndRulesStandsInItsExample) {
  const std::string text = text_of("keyshift.toml");
  for (const Option& option : options()) {
    if (option.is_file_only() || option.is_named()) {
      EXPECT_NE(text.find("#   " + std::string(option.key()) + " "), std::string::npos) << option.name;
    }
  }
}

TEST_F(ManualTest, ItsExampleOfASchemeLoads) {
  file(uncommented("#   ", [](std::string_view rest) {
    const bool table = rest.starts_with("[ttl]") || rest.starts_with("[domain") ||
                       rest.starts_with("[user") || rest.starts_with("[[rule");
    return table || (rest.find(" = ") != std::string_view::npos && rest[0] >= 'a' && rest[0] <= 'z');
  }));
  const Config config = loaded();
  EXPECT_EQ(config.users.size(), 1u);
  EXPECT_EQ(config.scheme.domains.size(), 1u);
  EXPECT_EQ(config.scheme.rules.size(), 2u);
}

TEST(OptionTable, DefaultsAreOfTheirTypeAndInRange) {
  std::set<std::string> names;
  for (const Option& option : options()) {
    EXPECT_TRUE(names.insert(std::string(option.name)).second) << option.name;
    EXPECT_FALSE(option.doc.empty()) << option.name;
    if (option.default_text.empty()) continue;
    EXPECT_TRUE(parse_value(option, option.default_text)) << option.name;
  }
}

TEST(OptionTable, OneRuleMakesAllNames) {
  const Option* option = find_option("upstream.reply_timeout");
  ASSERT_NE(option, nullptr);
  EXPECT_EQ(option->environment(), "KEYSHIFT_UPSTREAM_REPLY_TIMEOUT");
  EXPECT_EQ(option->flag(), "--upstream-reply-timeout");
  EXPECT_EQ(find_option("rule.legacy")->environment(), "");
  EXPECT_EQ(find_option("nothing"), nullptr);
}

class ExampleTest : public LoadTest {
 protected:
  void example(const std::string& name) {
    sources.file = std::string(KEYSHIFT_CONF) + "/examples/" + name;
    config = loaded();
  }
  int64_t default_ttl(const std::string& domain) const {
    for (const scheme::DomainSpec& spec : config.scheme.domains)
      if (spec.name == domain) return spec.policy.default_ms.value_or(0);
    return -1;
  }
  std::string convert(std::string_view key, scheme::Naming to = scheme::Naming::kConsolidated) const {
    Buffer out;
    config.rules->convert(key, 0, to, out);
    return std::string(out.view());
  }
  // Each to the other, and back.
  void expect_pair(const std::string& legacy, const std::string& key) const {
    EXPECT_EQ(convert(legacy), key);
    EXPECT_EQ(convert(key, scheme::Naming::kLegacy), legacy);
  }

  Config config;
};

TEST_F(ExampleTest, TheWritingAssistantHasTheExpiriesOfItsGuide) {
  example("writing-assistant.toml");
  constexpr int64_t kMinute = 60'000;
  constexpr int64_t kHour = 60 * kMinute;
  EXPECT_EQ(default_ttl("analytics"), kHour);
  EXPECT_EQ(default_ttl("psychology"), 24 * kHour);
  EXPECT_EQ(default_ttl("crisis"), 30 * kMinute);
  EXPECT_EQ(default_ttl("maintenance"), 5 * kMinute);
  EXPECT_EQ(default_ttl("session"), 24 * kHour);
  EXPECT_EQ(default_ttl("ai_model"), 7 * 24 * kHour);
  EXPECT_EQ(default_ttl("content"), kHour);
}

TEST_F(ExampleTest, TheWritingAssistantMakesEveryKeyOfItsGuide) {
  example("writing-assistant.toml");
  ASSERT_NE(config.rules, nullptr);
  expect_pair("analytics_daily:user123:20250806", "analytics:daily:user:user123:date:20250806");
  expect_pair("mood_trends:user123:7d", "analytics:mood_trends:user:user123:range:7d");
  expect_pair("writing_stats:user123:30d", "analytics:writing_stats:user:user123:days:30d");
  expect_pair("psych_profile:user123", "psychology:profile:user:user123");
  expect_pair("content_analysis:content456", "psychology:content_analysis:content:content456");
  expect_pair("insights:user123:emotional", "psychology:insights:user:user123:type:emotional");
  expect_pair("crisis_assessment_abc12345", "crisis:assessment:hash:abc12345");
  expect_pair("user_risk:user123", "crisis:user_risk:user:user123");
  expect_pair("crisis_trends:7d", "crisis:trends:timeframe:7d");
  expect_pair("system_health", "maintenance:system_health");
  expect_pair("component:database:status", "maintenance:component_status:component:database");
  expect_pair("perf_metrics", "maintenance:performance_metrics");
  expect_pair("sess_session789", "session:data:id:session789");
  expect_pair("user_activity:user123", "session:activity:user:user123");
  expect_pair("model:bert:latest", "ai_model:instance:name:bert:version:latest");
  expect_pair("prompt_cache:xyz789:gpt4", "ai_model:prompt:hash:xyz789:model:gpt4");
  expect_pair("topics:7f3a:list", "content:topics:user:7f3a");
  expect_pair("task_metrics:task123", "celery:task_metrics:id:task123");
  expect_pair("worker_status:worker1", "celery:worker_status:name:worker1");
  EXPECT_EQ(convert("_kombu.binding.celery"), "");
}

TEST_F(ExampleTest, TheVoiceAgentHasItsServicesAsDomains) {
  example("voice-agent.toml");
  ASSERT_NE(config.rules, nullptr);
  expect_pair("redis_cache:prices:mx:2025", "cache:value:name:prices:mx:2025");
  expect_pair("conversation:3f2b", "conversation:state:id:3f2b");
  expect_pair("customer:4711:context", "conversation:context:customer:4711");
  expect_pair("prediction:objection:9b74c989", "conversation:prediction:model:objection:input:9b74c989");
  expect_pair("http_cache:GET:/api/products", "http:response:key:GET:/api/products");
  expect_pair("http_tag:user", "http:tag:name:user");
  expect_pair("precomputed:greeting", "precomputed:response:intent:greeting");
  expect_pair("precomputed:greeting:es", "precomputed:response:intent:greeting:language:es");
}

}  // namespace
}  // namespace keyshift::config
