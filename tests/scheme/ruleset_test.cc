#include "keyshift/scheme/ruleset.h"

#include "scheme_fixture.h"

namespace keyshift::scheme {
namespace {

const char* const kStats[] = {"writing_stats:{user}:{days:int}d",
                              "analytics:writing_stats:user:{user}:days:{days}d"};

TEST(Ruleset, MatchTellsRuleSideAndCaptures) {
  const auto rules = compiled(spec_of({{kStats[0], kStats[1]}}));
  const View view = view_of(Naming::kLegacy);
  const Match legacy = rules->match("writing_stats:user123:30d", 0, view);
  EXPECT_EQ(legacy.kind, Match::Kind::kRule);
  EXPECT_EQ(legacy.side, Naming::kLegacy);
  EXPECT_FALSE(legacy.identity);
  ASSERT_EQ(legacy.capture_count, 2);
  EXPECT_EQ(legacy.captures[0].offset, 14U);
  EXPECT_EQ(legacy.captures[0].length, 7U);
  EXPECT_EQ(legacy.captures[1].offset, 22U);
  EXPECT_EQ(legacy.captures[1].length, 2U);
  EXPECT_EQ(rules->physical_size(legacy), 45U);
  const Match key = rules->match("analytics:writing_stats:user:user123:days:30d", 0, view);
  EXPECT_EQ(key.side, Naming::kConsolidated);
  EXPECT_TRUE(key.identity);
  EXPECT_EQ(rules->domains()[key.domain].name, "analytics");
}

TEST(Ruleset, CapturesMayChangePlaces) {
  const auto rules = compiled(spec_of({{"{a:hex}/{b:int}:{c:any}", "d:{c:any}:{b}:{a}"}}));
  const View view = view_of(Naming::kLegacy);
  EXPECT_EQ(physical(*rules, "f/5:p:q", view), "d:p:q:5:f");
  EXPECT_EQ(shown(*rules, "d:p:q:5:f", view), "f/5:p:q");
}

TEST(Ruleset, AnEmptyRulesetPassesEverything) {
  const auto rules = compiled({});
  for (const char* key : {"", "a", "a:b"}) {
    EXPECT_EQ(physical(*rules, key, view_of(Naming::kLegacy)), key);
    EXPECT_EQ(shown(*rules, key, view_of(Naming::kLegacy)), key);
    EXPECT_EQ(physical(*rules, key, view_of(Naming::kLegacy, Unmatched::kRefuse)), "(refused)");
  }
}

TEST(Ruleset, UnderOneRuleForEverythingEveryNameIsALegacyName) {
  const auto rules = compiled(spec_of({{"{k:any}", "compat:kv:key:{k}"}}));
  const View view = view_of(Naming::kLegacy);
  for (const std::string& key :
       {std::string("a"), std::string("\0\xff\r\n:", 5), std::string("compat:kv:key:x"),
        std::string("compat:kv:key:"), std::string(100'000, ':')}) {
    EXPECT_EQ(physical(*rules, key, view), "compat:kv:key:" + key);
    EXPECT_EQ(shown(*rules, "compat:kv:key:" + key, view), key);
  }
  for (const char* foreign : {"a", "compat:kv:key:", "compat:kv", "analytics:x:y"}) {
    EXPECT_EQ(shown(*rules, foreign, view), std::nullopt) << foreign;
  }
  EXPECT_EQ(physical(*rules, "", view), "") << "any is one or more bytes";
  const View consolidated = view_of(Naming::kConsolidated);
  EXPECT_EQ(physical(*rules, "compat:kv:key:x", consolidated), "compat:kv:key:x");
  EXPECT_EQ(shown(*rules, "compat:kv:key:x", consolidated), "compat:kv:key:x");
}

TEST(Ruleset, AMoreSpecificRuleTakesTheNameAndTheKeyShowsItsOwn) {
  for (const Phase phase : {Phase::kConsolidated, Phase::kLegacy}) {
    const auto rules = compiled(spec_of({{"u:{id}", "d:any:{id}"}, {"u:{id:int}", "d:int:{id}"}}, phase));
    const View view = view_of(Naming::kLegacy);
    const bool renamed = phase == Phase::kConsolidated;
    EXPECT_EQ(physical(*rules, "u:7", view), renamed ? "d:int:7" : "u:7");
    EXPECT_EQ(physical(*rules, "u:x", view), renamed ? "d:any:x" : "u:x");
    // u:7 means d:int:7, so d:any:7 has no legacy name in any phase.
    EXPECT_EQ(physical(*rules, "d:any:7", view), "d:any:7");
    EXPECT_EQ(shown(*rules, "d:any:7", view), "d:any:7");
    EXPECT_EQ(converted(*rules, "d:any:7", Naming::kLegacy), "(none)");
    EXPECT_EQ(converted(*rules, "d:any:x", Naming::kLegacy), "u:x");
  }
}

TEST(Ruleset, ANameOfBothKindsIsReadAsTheViewSays) {
  const auto rules = compiled(spec_of({{"d:{x}", "e:{x}"}, {"old:{x}", "d:{x}"}}));
  EXPECT_EQ(physical(*rules, "d:1", view_of(Naming::kLegacy)), "e:1");
  EXPECT_EQ(physical(*rules, "d:1", view_of(Naming::kConsolidated)), "d:1");
  EXPECT_EQ(shown(*rules, "d:1", view_of(Naming::kLegacy)), "old:1");
  EXPECT_EQ(shown(*rules, "d:1", view_of(Naming::kConsolidated)), "d:1");
  EXPECT_EQ(shown(*rules, "e:1", view_of(Naming::kLegacy), Naming::kConsolidated), "e:1");
}

TEST(Ruleset, AnUnmatchedKeyGetsThePrefixAndLosesItAgain) {
  const auto rules = compiled(spec_of({{"a:{x}", "d:{x}"}}));
  const View view = view_of(Naming::kLegacy, Unmatched::kPrefix, "other/");
  EXPECT_EQ(physical(*rules, "b", view), "other/b");
  EXPECT_EQ(physical(*rules, "", view), "other/");
  EXPECT_EQ(physical(*rules, "other/b", view), "other/other/b");
  EXPECT_EQ(physical(*rules, "a:1", view), "d:1");
  EXPECT_EQ(shown(*rules, "other/b", view), "b");
  EXPECT_EQ(shown(*rules, "other/", view), "");
  EXPECT_EQ(shown(*rules, "b", view), std::nullopt);
  EXPECT_EQ(shown(*rules, "other/a:1", view), std::nullopt) << "a:1 is called d:1";
}

TEST(Ruleset, PolicyComesFromDomainAndResource) {
  SchemeSpec spec = spec_of({{"one:{x}", "d:fix:{x}"},
                             {"two:{x}", "d:other:{x}"},
                             {"three:{r:fix|new}:{x}", "d:{r}:of:{x}"},
                             {"four{r:int}:{x}", "d:n{r}:{x}"},
                             {"five:{x}", "free:fix:{x}"}});
  spec.domains.push_back({"d",
                          {.default_ms = 1000, .max_ms = 9000},
                          {{"fix", {.default_ms = 2000}, ""}, {"n12", {.default_ms = 3000}, ""}},
                          ""});
  const auto rules = compiled(spec);
  const View view = view_of(Naming::kLegacy);
  const auto default_of = [&](const char* key) {
    return rules->policy(rules->match(key, 0, view).policy).default_ms;
  };
  EXPECT_EQ(default_of("one:1"), 2000);
  EXPECT_EQ(default_of("d:fix:1"), 2000);
  EXPECT_EQ(default_of("two:1"), 1000);
  EXPECT_EQ(default_of("three:fix:1"), 2000) << "the capture names the resource";
  EXPECT_EQ(default_of("three:new:1"), 1000);
  EXPECT_EQ(default_of("d:fix:of:1"), 2000);
  EXPECT_EQ(default_of("four12:x"), 3000);
  EXPECT_EQ(default_of("four1:x"), 1000);
  EXPECT_EQ(default_of("four123:x"), 1000);
  EXPECT_EQ(default_of("five:1"), 0);
  EXPECT_EQ(default_of("d:fix"), 2000) << "native";
  EXPECT_EQ(default_of("d:fixed"), 1000);
  EXPECT_EQ(default_of("nothing"), 0);
  EXPECT_EQ(rules->policy(rules->match("one:1", 0, view).policy).max_ms, 9000) << "inherited";
}

TEST(Ruleset, AThousandRulesTakeAsManyStepsAsTen) {
  // The walk is one step a byte; what could grow is the number of states, linearly.
  const auto states_of = [](int count) {
    Pairs pairs;
    for (int i = 0; i < count; ++i) {
      const std::string n = std::to_string(i);
      pairs.emplace_back("app_" + n + ":{user}:{days:int}d", "dom:res_" + n + ":user:{user}:days:{days}d");
    }
    return compiled(spec_of(pairs))->matcher_states();
  };
  const size_t ten = states_of(10);
  const size_t thousand = states_of(1000);
  EXPECT_LT(thousand, ten * 110);
}

}  // namespace
}  // namespace keyshift::scheme
