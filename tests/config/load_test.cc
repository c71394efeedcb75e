#include "load_fixture.h"

namespace keyshift::config {
namespace {

TEST_F(LoadTest, NothingSaidIsTheDefault) {
  const Config config = loaded();
  EXPECT_EQ(config.upstream, Upstream{});
  EXPECT_EQ(config.listeners.size(), 1u);
  EXPECT_EQ(config.listeners[0].address.text(), "127.0.0.1:6380");
  EXPECT_EQ(config.phase, scheme::Phase::kConsolidated);
  ASSERT_NE(config.rules, nullptr);
  EXPECT_TRUE(config.rules->rules().empty());
}

TEST_F(LoadTest, FlagWinsOverEnvironmentOverFileOverDefault) {
  file("workers = 2\n[upstream]\npool_size = 20\nshared_connections = 3\n[limits]\nmax_clients = 5\n");
  environment({{"KEYSHIFT_WORKERS", "3"}, {"REDIS_POOL_SIZE", "30"}});
  flag("workers", "4");
  const Config config = loaded();
  EXPECT_EQ(config.workers, 4);
  EXPECT_EQ(config.upstream.pool_size, 30);
  EXPECT_EQ(config.upstream.shared_connections, 3);
  EXPECT_EQ(config.limits.max_clients, 5u);
  EXPECT_EQ(config.limits.max_arguments, 1'048'576u);
}

TEST_F(LoadTest, AllProblemsOfAllSourcesAreFoundInOneRun) {
  file(
      "worker = 2\n"
      "[upstream]\n"
      "pol_size = 10\n"
      "pool_size = 0\n"
      "reply_timeout = 30\n"
      "connect_timeout = \"2 sec\"\n"
      "[limits]\n"
      "max_bulk = \"512xb\"\n"
      "reply_timeout = \"1s\"\n"
      "[domain.analytics]\n"
      "default_ttl = \"hourli\"\n"
      "mode = \"clmap\"\n"
      "[ttl]\n"
      "hourly = \"1h\"\n"
      "[[rule]]\n"
      "legacy = \"a:{x}\"\n");
  environment({{"KEYSHIFT_ADMIN_ADDRESS", "here"}, {"REDIS_SSL", "perhaps"}});
  flag("phase", "legasy");
  EXPECT_EQ(
      problems(),
      "conf.toml:1:1: unknown option \"worker\" at the top of the file; did you mean \"workers\"?\n"
      "conf.toml:3:1: unknown option \"pol_size\" in [upstream]; did you mean \"pool_size\"?\n"
      "conf.toml:4:13: upstream.pool_size = 0: must be 1 to 10000\n"
      "conf.toml:5:17: upstream.reply_timeout = 30: must be a duration in quotes with a unit (ms, s, m, h, "
      "d, w), "
      "such as \"90s\", not a whole number; did you mean \"30s\"?\n"
      "conf.toml:6:19: upstream.connect_timeout = \"2 sec\": must be a duration with a unit (ms, s, m, h, d, "
      "w), "
      "such as \"90s\" or \"1h\"; did you mean \"2s\"?\n"
      "conf.toml:8:12: limits.max_bulk = \"512xb\": must be a size in bytes, such as 4096, \"64kb\" (1024) "
      "or "
      "\"512mb\"\n"
      "conf.toml:9:1: unknown option \"reply_timeout\" in [limits]; did you mean \"reply_timeout\" in "
      "[upstream]?\n"
      "conf.toml:11:15: domain.analytics.default_ttl = \"hourli\": is neither a duration such as \"90s\" nor "
      "a "
      "name "
      "from [ttl]; did you mean \"hourly\"?\n"
      "conf.toml:12:8: domain.analytics.mode = \"clmap\": must be one of keep, clamp, override; did you mean "
      "\"clamp\"?\n"
      "conf.toml:15:1: a [[rule]] needs key\n"
      "environment: REDIS_SSL=perhaps: must be true or false\n"
      "environment: KEYSHIFT_ADMIN_ADDRESS=here: expected HOST:PORT, [IPV6]:PORT or unix:/PATH\n"
      "--phase=legasy: must be one of legacy, consolidated; did you mean \"legacy\"?\n");
}

TEST_F(LoadTest, ATextThatIsNotTomlIsOneProblemWithItsPlace) {
  file("workers = 1\n[upstream\nurl = 3\n");
  EXPECT_EQ(problems().find("conf.toml:2:"), 0u) << problems();
}

TEST_F(LoadTest, AMistakeOfSyntaxDoesNotHideTheNext) {
  file(
      "workers = two\n"
      "allow = [\"é\", [\n"
      "[limits]\n"
      "max_clients = 0\n"
      "max_clients = 1\n"
      "[[rule]]\n"
      "legacy = \"a\n"
      "key = \"\"\"d\n");
  EXPECT_EQ(
      problems(),
      "conf.toml:1:12: this value is neither a text in quotes, a whole number, true, false, nor a list: "
      "texts, and with them durations such as \"1h\", sizes such as \"64mb\" and percentages such as \"5%\", "
      "stand in quotes\n"
      "conf.toml:2:9: this list is not closed: \"]\" is missing\n"
      "conf.toml:4:15: limits.max_clients = 0: must be 1 to 1000000\n"
      "conf.toml:5:1: \"max_clients\" is already in line 4: keep one of them\n"
      "conf.toml:7:12: this text is not closed: its second quote is missing in this line\n"
      "conf.toml:8:7: this text is not closed: its three quotes at the end are missing\n");
}

TEST_F(LoadTest, AFileThatCannotBeReadIsAProblem) {
  sources.file = "/nowhere/keyshift.toml";
  EXPECT_EQ(problems(), "/nowhere/keyshift.toml: cannot be read: No such file or directory\n");
  sources.file = "/";
  EXPECT_EQ(problems(), "/: cannot be read: Is a directory\n");
}

TEST_F(LoadTest, WrongKindsAreProblems) {
  file(
      "upstream = 3\n"
      "workers = \"1\"\n"
      "allow = [1]\n"
      "phase = true\n"
      "rule = [1, 2]\n"
      "[embedded]\n"
      "enabled = \"true\"\n"
      "[log]\n"
      "level = 1979-05-27\n");
  EXPECT_EQ(
      problems(),
      "conf.toml:1:12: upstream = 3: must be a table, [upstream]\n"
      "conf.toml:2:11: workers = \"1\": must be a whole number without quotes, not a text; did you mean 1?\n"
      "conf.toml:3:9: allow = [1]: must be a text in quotes or a list of such texts, not a list with a whole "
      "number\n"
      "conf.toml:4:9: phase = true: must be a text in quotes, not true or false\n"
      "conf.toml:5:8: rule = [1, 2]: must be tables, [[rule]], once for each\n"
      "conf.toml:7:11: embedded.enabled = \"true\": must be true or false without quotes, not a text; did "
      "you "
      "mean true?\n"
      "conf.toml:9:9: log.level = a date or time: must be a text in quotes, not a date or time\n");
}

TEST_F(LoadTest, SecretsAreNotQuoted) {
  file("[upstream]\nurl = \"http://:hunter2@host\"\npassword = 77\n");
  environment({{"REDIS_URL", "rediss://:hunter2@host:6379"}});
  const std::string text = problems();
  EXPECT_EQ(text.find("hunter2"), std::string::npos) << text;
  EXPECT_EQ(text.find("77"), std::string::npos) << text;
  EXPECT_NE(text.find("environment: REDIS_URL: rediss:// is not available yet"), std::string::npos) << text;
}

TEST_F(LoadTest, TheUrlWinsOverItsPartsAndLeavesTheRest) {
  environment({{"REDIS_URL", "redis://10.0.0.5"},
               {"REDIS_HOST", "elsewhere"},
               {"REDIS_PORT", "7000"},
               {"REDIS_PASSWORD", "s3cret"},
               {"REDIS_DB", "3"},
               {"REDIS_SSL", "false"}});
  const Config config = loaded();
  EXPECT_EQ(config.upstream.address.text(), "10.0.0.5:6379");
  EXPECT_EQ(config.upstream.password, "s3cret");
  EXPECT_EQ(config.upstream.database, 3);
}

TEST_F(LoadTest, PartsFromTheEnvironmentWinOverTheUrlOfTheFile) {
  file("[upstream]\nurl = \"unix://:pw@/run/redis.sock?db=2\"\n");
  Config config = loaded();
  EXPECT_EQ(config.upstream.address.path, "/run/redis.sock");
  EXPECT_EQ(config.upstream.password, "pw");
  EXPECT_EQ(config.upstream.database, 2);
  environment({{"REDIS_HOST", "redis.internal"}});
  config = loaded();
  EXPECT_EQ(config.upstream.address.text(), "redis.internal:6379");
  EXPECT_EQ(config.upstream.password, "pw");
}

TEST_F(LoadTest, AnEmptyVariableIsUnset) {
  environment({{"REDIS_PASSWORD", ""}, {"REDIS_PORT", ""}, {"USE_CONSOLIDATED_CACHE", ""}});
  EXPECT_EQ(loaded().upstream, Upstream{});
}

TEST_F(LoadTest, TheServiceVariablesOfKubernetesAreExplained) {
  environment({{"REDIS_PORT", "tcp://10.0.0.1:6379"}});
  EXPECT_NE(problems().find("enableServiceLinks"), std::string::npos);
  environment({{"REDIS_PORT", "tcp://10.0.0.1:6379"},
               {"REDIS_URL", "redis://h"},
               {"KEYSHIFT_PORT", "tcp://10.0.0.2:6380"},
               {"KEYSHIFT_SERVICE_HOST", "10.0.0.2"}});
  const Config config = loaded();
  EXPECT_EQ(config.upstream.address.text(), "h:6379");
  EXPECT_TRUE(config.notices.empty());
}

TEST_F(LoadTest, AMisspeltVariableIsANotice) {
  environment({{"KEYSHIFT_UPSTREM_POOL_SIZE", "3"}, {"OTHER", "1"}});
  const Config config = loaded();
  ASSERT_EQ(config.notices.size(), 1u);
  EXPECT_EQ(config.notices[0],
            "the environment variable KEYSHIFT_UPSTREM_POOL_SIZE is not known and was ignored; did you mean "
            "KEYSHIFT_UPSTREAM_POOL_SIZE?");
}

TEST_F(LoadTest, OwnNamesWinOverTheNamesOfOthers) {
  environment({{"KEYSHIFT_UPSTREAM_POOL_SIZE", "3"},
               {"REDIS_POOL_SIZE", "4"},
               {"KEYSHIFT_PHASE", "legacy"},
               {"USE_CONSOLIDATED_CACHE", "true"}});
  const Config config = loaded();
  EXPECT_EQ(config.upstream.pool_size, 3);
  EXPECT_EQ(config.phase, scheme::Phase::kLegacy);
}

TEST_F(LoadTest, TheFeatureFlagSwitchedOffHoldsAgainstOurOwnVariableToo) {
  file("[[rule]]\nphase = \"consolidated\"\nlegacy = \"a:{x}\"\nkey = \"d:{x}\"\n");
  environment({{"KEYSHIFT_PHASE", "consolidated"}, {"USE_CONSOLIDATED_CACHE", "false"}});
  const Config config = loaded();
  EXPECT_EQ(config.phase, scheme::Phase::kLegacy);
  EXPECT_EQ(config.scheme.rules[0].phase, scheme::Phase::kLegacy);
  ASSERT_EQ(config.notices.size(), 1u);
  EXPECT_NE(config.notices[0].find("KEYSHIFT_PHASE is ignored"), std::string::npos);
}

constexpr const char* kPhases =
    "phase = \"legacy\"\n"
    "[domain.d]\n"
    "phase = \"consolidated\"\n"
    "[[rule]]\n"
    "legacy = \"a:{x}\"\n"
    "key = \"d:a:{x}\"\n"
    "[[rule]]\n"
    "legacy = \"b:{x}\"\n"
    "key = \"d:b:{x}\"\n"
    "phase = \"legacy\"\n"
    "[[rule]]\n"
    "legacy = \"c:{x}\"\n"
    "key = \"e:c:{x}\"\n";

TEST_F(LoadTest, ARuleIsInItsOwnPhaseElseItsDomainsElseThatOfAll) {
  using enum scheme::Phase;
  file(kPhases);
  Config config = loaded();
  ASSERT_EQ(config.scheme.rules.size(), 3u);
  EXPECT_EQ(config.scheme.rules[0].phase, kConsolidated);
  EXPECT_EQ(config.scheme.rules[1].phase, kLegacy);
  EXPECT_EQ(config.scheme.rules[2].phase, kLegacy);
  EXPECT_EQ(config.scheme.rules[0].location, "conf.toml:4:1");
  environment({{"USE_CONSOLIDATED_CACHE", "true"}});
  config = loaded();
  EXPECT_EQ(config.scheme.rules[1].phase, kLegacy);
  EXPECT_EQ(config.scheme.rules[2].phase, kConsolidated);
}

TEST_F(LoadTest, ADomainsOtherKeysAreInItsPhaseElseInThatOfAll) {
  using enum scheme::Phase;
  file(
      "phase = \"consolidated\"\n[domain.d]\nphase = \"legacy\"\ndefault_ttl = \"1h\"\n[domain.e]\n"
      "default_ttl = \"1h\"\n");
  Config config = loaded();
  ASSERT_EQ(config.rules->domains().size(), 2u);
  EXPECT_EQ(config.rules->domains()[config.rules->find_domain("d")].phase, kLegacy);
  EXPECT_EQ(config.rules->domains()[config.rules->find_domain("e")].phase, kConsolidated);
  environment({{"USE_CONSOLIDATED_CACHE", "false"}});
  config = loaded();
  for (const scheme::Domain& domain : config.rules->domains()) EXPECT_EQ(domain.phase, kLegacy);
}

TEST_F(LoadTest, TheFeatureFlagSwitchedOffHoldsForEveryRule) {
  file(kPhases);
  environment({{"USE_CONSOLIDATED_CACHE", "False"}});
  const Config config = loaded();
  EXPECT_EQ(config.phase, scheme::Phase::kLegacy);
  for (const scheme::RuleSpec& rule : config.scheme.rules) EXPECT_EQ(rule.phase, scheme::Phase::kLegacy);
  flag("phase", "consolidated");
  EXPECT_EQ(loaded().scheme.rules[0].phase, scheme::Phase::kConsolidated);
}

TEST_F(LoadTest, ListenersHaveOneAddressEach) {
  file(
      "[[listener]]\n"
      "address = [\"127.0.0.1:7000\", \"[::1]:7000\"]\n"
      "view = \"consolidated\"\n"
      "[[listener]]\n"
      "address = \"unix:/run/keyshift.sock\"\n"
      "unmatched = \"prefix\"\n"
      "unmatched_prefix = \"old:\"\n"
      "password = \"pw\"\n");
  Config config = loaded();
  ASSERT_EQ(config.listeners.size(), 3u);
  EXPECT_EQ(config.listeners[1].address.text(), "[::1]:7000");
  EXPECT_EQ(config.listeners[1].view.naming, scheme::Naming::kConsolidated);
  EXPECT_EQ(config.listeners[2].address.text(), "unix:/run/keyshift.sock");
  EXPECT_EQ(config.listeners[2].view.naming, scheme::Naming::kLegacy);
  EXPECT_EQ(config.listeners[2].view.prefix, "old:");
  EXPECT_EQ(config.listeners[2].password, "pw");

  flag("listener.address", "127.0.0.1:0");
  flag("listener.address", ":6381");
  config = loaded();
  ASSERT_EQ(config.listeners.size(), 2u);
  EXPECT_EQ(config.listeners[0].address.text(), "127.0.0.1:0");
  EXPECT_EQ(config.listeners[1].address.text(), ":6381");
  EXPECT_EQ(config.listeners[1].view.naming, scheme::Naming::kConsolidated);
}

TEST_F(LoadTest, ListenersThatCannotBeAreProblems) {
  file(
      "[[listener]]\n"
      "address = \"127.0.0.1:7000\"\n"
      "unmatched = \"prefix\"\n"
      "[[listener]]\n"
      "address = \"127.0.0.1:7000\"\n"
      "unmatched_prefix = \"x\"\n"
      "[[listener]]\n"
      "address = \"::1:7000\"\n"
      "[admin]\n"
      "address = \"127.0.0.1:7000\"\n");
  EXPECT_EQ(
      problems(),
      "conf.toml:3:13: listener.unmatched = \"prefix\" needs unmatched_prefix, the text that is put in "
      "front\n"
      "conf.toml:5:11: listener.address = \"127.0.0.1:7000\" is taken by another listener\n"
      "conf.toml:6:20: listener.unmatched_prefix has an effect only with unmatched = \"prefix\"\n"
      "conf.toml:8:11: listener.address = \"::1:7000\": write an IPv6 address in brackets, as in [::1]:6380\n"
      "conf.toml:10:11: admin.address = \"127.0.0.1:7000\" is taken by a listener\n");
}

TEST_F(LoadTest, APrefixThatCannotBeTakenOffAgainIsAProblem) {
  file(
      "[[listener]]\n"
      "address = \"127.0.0.1:7000\"\n"
      "unmatched = \"prefix\"\n"
      "unmatched_prefix = \"analytics:\"\n"
      "[[rule]]\n"
      "legacy = \"stats:{user}\"\n"
      "key = \"analytics:stats:user:{user}\"\n");
  EXPECT_EQ(problems(),
            "conf.toml:4:20: listener.unmatched_prefix = \"analytics:\" cannot be taken off again: "
            "`stats:user:a` would be stored as `analytics:stats:user:a`, which is a key of "
            "`analytics:stats:user:{user}` (conf.toml:5:1); take a prefix that begins no template and no "
            "domain\n");
}

TEST_F(LoadTest, TheAdminAddressCanBeSwitchedOff) {
  flag("admin.address", "off");
  EXPECT_FALSE(loaded().admin.enabled);
  file("[admin]\naddress = \"\"\n");
  sources.flags.clear();
  EXPECT_FALSE(loaded().admin.enabled);
  flag("admin.address", "127.0.0.1:0");
  EXPECT_TRUE(loaded().admin.enabled);
}

TEST_F(LoadTest, AListenerThatIsTheUpstreamIsAProblem) {
  file("[upstream]\nurl = \"redis://127.0.0.1:6380\"\n");
  EXPECT_NE(problems().find("127.0.0.1:6380\" is the upstream's own address"), std::string::npos);
}

TEST_F(LoadTest, NumbersThatContradictEachOtherAreProblems) {
  file("workers = 20\n[upstream]\nreconnect_min = \"3s\"\n[limits]\nclient_output = \"64kb\"\n");
  EXPECT_EQ(problems(),
            "conf.toml:1:11: upstream.pool_size = 10 is too few for workers = 20 and "
            "upstream.shared_connections = 1: each "
            "worker keeps so many for RESP2 and as many for RESP3 clients; set it to 40 or more\n"
            "conf.toml:3:17: upstream.reconnect_min = \"3s\" must not be above upstream.reconnect_max = "
            "\"2s\" (the default)\n"
            "conf.toml:5:17: limits.client_output_soft = \"1mb\" (the default) must not be above "
            "limits.client_output = "
            "\"64kb\"\n");
}

TEST_F(LoadTest, DomainsHaveDurationsByNameAndResources) {
  file(
      "[ttl]\n"
      "hourly = \"1h\"\n"
      "[domain.analytics]\n"
      "default_ttl = \"hourly\"\n"
      "max_ttl = \"24h\"\n"
      "jitter = \"5%\"\n"
      "[domain.analytics.resource.daily]\n"
      "default_ttl = \"6h\"\n"
      "mode = \"override\"\n");
  const Config config = loaded();
  ASSERT_EQ(config.scheme.domains.size(), 1u);
  const scheme::DomainSpec& domain = config.scheme.domains[0];
  EXPECT_EQ(domain.name, "analytics");
  EXPECT_EQ(domain.location, "conf.toml:3:1");
  EXPECT_EQ(domain.policy.default_ms, 3'600'000);
  EXPECT_EQ(domain.policy.max_ms, 86'400'000);
  EXPECT_EQ(domain.policy.min_ms, std::nullopt);
  EXPECT_EQ(domain.policy.mode, std::nullopt);
  EXPECT_DOUBLE_EQ(domain.policy.jitter.value(), 0.05);
  ASSERT_EQ(domain.resources.size(), 1u);
  EXPECT_EQ(domain.resources[0].name, "daily");
  EXPECT_EQ(domain.resources[0].policy.default_ms, 21'600'000);
  EXPECT_EQ(domain.resources[0].policy.mode, scheme::TtlMode::kOverride);
}

TEST_F(LoadTest, ExpiriesThatContradictEachOtherAreProblems) {
  file(
      "[domain.a]\n"
      "default_ttl = \"2h\"\n"
      "max_ttl = \"1h\"\n"
      "[domain.b]\n"
      "mode = \"override\"\n"
      "[domain.c]\n"
      "max_ttl = \"1h\"\n"
      "[domain.c.resource.r]\n"
      "default_ttl = \"1d\"\n"
      "phase = \"legacy\"\n");
  EXPECT_EQ(
      problems(),
      "conf.toml:1:1: domain.a: default_ttl is longer than max_ttl\n"
      "conf.toml:4:1: domain.b: mode override replaces expiries by default_ttl, but there is none\n"
      "conf.toml:8:1: domain.c.resource.r: default_ttl is longer than max_ttl\n"
      "conf.toml:10:9: domain.c.resource.r.phase: phase is for a domain or a rule, not for a resource\n");
}

TEST_F(LoadTest, CommandsAllowedAreUpperCaseWithOneSpace) {
  file("allow = [\"config   set\", \"debug\"]\n");
  Config config = loaded();
  ASSERT_EQ(config.allow.size(), 2u);
  EXPECT_EQ(config.allow[0], "CONFIG SET");
  EXPECT_EQ(config.allow[1], "DEBUG");
  environment({{"KEYSHIFT_ALLOW", "shutdown, client no-evict"}});
  config = loaded();
  ASSERT_EQ(config.allow.size(), 2u);
  EXPECT_EQ(config.allow[0], "SHUTDOWN");
  EXPECT_EQ(config.allow[1], "CLIENT NO-EVICT");
}

TEST_F(LoadTest, AProofThatFailsPointsAtTheByteOfTheTemplate) {
  file(
      "[[rule]]\n"
      "legacy = \"a:{x:nonsense}\"\n"
      "key = \"d:a:{x}\"\n");
  EXPECT_EQ(problems().find("conf.toml:2:"), 0u) << problems();
}

TEST_F(LoadTest, AProofThatFailsIsReportedBesideOtherProblems) {
  file("[[rule]]\nlegacy = \"a:{x}\"\nkey = \"d:a:{y}\"\n");
  flag("workers", "0");
  EXPECT_NE(problems().find("conf.toml:3:"), std::string::npos) << problems();
  EXPECT_NE(problems().find("--workers=0"), std::string::npos) << problems();
}

TEST_F(LoadTest, UnknownFlagsAreProblems) {
  flag("upstream.colour", "red");
  flag("rule.legacy", "x");
  EXPECT_EQ(problems(), "upstream.colour: unknown option\nrule.legacy: unknown option\n");
}

TEST_F(LoadTest, AnyTextAtAllThrowsNothing) {
  for (const char* text :
       {"\xff\xfe", "=", "[[", "a.b.c = {", "\"", "[ttl]\n1h = \"1h\"", "[domain]\nx = 3",
        "[[domain]]\na = 1", "[domain.x.resource]\ny = 1", "[listener]\nview = []", "rule = 3",
        "workers = 99999999999999999999", "[[\n", "workers = 1\xc3\xa9", "[d\xe3\x80\x81]",
        "x = \"\"\"\\\n\xc3\xa9", "[upstream]\npool_size = 1e99", "ttl = []"}) {
    file(text);
    EXPECT_NE(problems(), "") << text;
  }
}

}  // namespace
}  // namespace keyshift::config
