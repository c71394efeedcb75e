#include "keyshift/scheme/patterns.h"

#include "glob_readings.h"
#include "scheme_fixture.h"

namespace keyshift::scheme {
namespace {

using Patterns = std::vector<std::string>;

Pairs stats() {
  return {{"writing_stats:{user}:{days:int}d", "analytics:writing_stats:user:{user}:days:{days}d"},
          {"topics:{user}:list", "content:topics:user:{user}"}};
}

Patterns translated(const Ruleset& rules, std::string_view glob,
                    const View& view = view_of(Naming::kLegacy)) {
  return translate_pattern(rules, glob, 0, view).physical;
}

TEST(Patterns, ALegacyGlobBecomesThePhysicalPatternsThatHoldItsMatches) {
  const auto rules = compiled(spec_of(stats()));
  const std::string stats = "analytics:writing_stats:user:";
  EXPECT_EQ(translated(*rules, "writing_stats:*"), (Patterns{"writing_stats:*", stats + "*:days:*d"}));
  EXPECT_EQ(translated(*rules, "writing_stats:u1:*"), (Patterns{"writing_stats:u1:*", stats + "u1:days:*d"}));
  EXPECT_EQ(translated(*rules, "writing_stats:u1*:30?"),
            (Patterns{"writing_stats:u1*:30?", stats + "u1*:days:30d"}));
  EXPECT_EQ(translated(*rules, "writing_stats:u1:30d"), (Patterns{stats + "u1:days:30d"}))
      << "a key that is called so is a dead copy";
  EXPECT_EQ(translated(*rules, "writing_stats:u1:3[05]d"), (Patterns{stats + "u1:days:3[\\0\\5]d"}));
  EXPECT_EQ(translated(*rules, "writing_stats:u1:3?d"),
            (Patterns{"writing_stats:u1:3?d", stats + "u1:days:3?d"}));
  EXPECT_EQ(translated(*rules, "*:30d"), (Patterns{"*:30d"})) << "the rule's pattern lies in it";
  EXPECT_EQ(translated(*rules, "topics:a*b*c:list"),
            (Patterns{"topics:a*b*c:list", "content:topics:user:a*b*c"}));
  EXPECT_EQ(translated(*rules, "writing_stats:*x*:30d"),
            (Patterns{"writing_stats:*x*:30d", stats + "*x*:days:30d"}));
  EXPECT_EQ(translated(*rules, "*u1*"), (Patterns{"*u1*", stats + "*:days:*d", "content:topics:user:*"}));
  EXPECT_EQ(translated(*rules, "t*[xy]:list"), (Patterns{"t*[xy]:list", "content:topics:user:*[\\x\\y]"}));
  EXPECT_EQ(translated(*rules, "topics:a\\*b:list"), (Patterns{"content:topics:user:a\\*b"}));
  EXPECT_EQ(translated(*rules, "topics:a:b:list"), (Patterns{"topics:a:b:list"}))
      << "fits no name of the template";
  EXPECT_EQ(translated(*rules, "*"), (Patterns{"*"}));
  EXPECT_EQ(translated(*rules, "***"), (Patterns{"***"})) << "does not fit the empty name";
  EXPECT_EQ(translated(*rules, ""), (Patterns{""}));
}

TEST(Patterns, InPhaseLegacyConsolidatedGlobsAreTranslated) {
  const auto rules = compiled(spec_of(stats(), Phase::kLegacy));
  EXPECT_EQ(translated(*rules, "analytics:writing_stats:user:u1:*"),
            (Patterns{"analytics:writing_stats:user:u1:*", "writing_stats:u1:*d"}));
  EXPECT_EQ(translated(*rules, "writing_stats:*"), (Patterns{"writing_stats:*"}));
}

TEST(Patterns, UnderOneRuleForEverythingThereIsOnePattern) {
  const auto rules = compiled(spec_of({{"{k:any}", "compat:kv:key:{k}"}}));
  EXPECT_EQ(translated(*rules, "foo*"), (Patterns{"compat:kv:key:foo*"}));
  EXPECT_EQ(translated(*rules, "compat:kv:key:*"), (Patterns{"compat:kv:key:compat:kv:key:*"}));
  EXPECT_EQ(translated(*rules, "*"), (Patterns{"*"})) << "the empty key is no legacy name";
  EXPECT_EQ(translate_pattern(*rules, "compat:*", 0, view_of(Naming::kLegacy)).naming, Naming::kLegacy);
}

// The empty key fits no template, so it is nobody's. Of all globs it fits the empty one and `*`: not `**`, as in Redis.
TEST(Patterns, TheEmptyKeyIsAskedForWhereItFits) {
  const auto rules = compiled(spec_of({{"{c:any}", "a:{c}"}}));
  const View passed = view_of(Naming::kLegacy);
  const View prefixed = view_of(Naming::kLegacy, Unmatched::kPrefix, "x");
  EXPECT_EQ(physical(*rules, "", passed), "");
  EXPECT_EQ(physical(*rules, "", prefixed), "x");
  EXPECT_EQ(shown(*rules, "x", prefixed, Naming::kLegacy), "");

  EXPECT_EQ(translated(*rules, "", passed), (Patterns{""}));
  EXPECT_EQ(translated(*rules, "*", passed), (Patterns{"*"}));
  EXPECT_EQ(translated(*rules, "**", passed), (Patterns{"a:?*"})) << "every other name is the rule's";
  EXPECT_EQ(translated(*rules, "", prefixed), (Patterns{"x"}));
  EXPECT_EQ(translated(*rules, "*", prefixed), (Patterns{"x*", "a:*"}));
  EXPECT_EQ(translated(*rules, "**", prefixed), (Patterns{"a:?*"}));
  EXPECT_EQ(translated(*rules, std::string(2 * KeyPattern::kMaxGlob, '*'), prefixed), (Patterns{"a:?*"}));
  EXPECT_EQ(translated(*rules, "*a*", prefixed), (Patterns{"a:*a*"}));

  Buffer name;
  EXPECT_TRUE(client_name(*rules, translate_pattern(*rules, "*", 0, prefixed), "x", 0, prefixed, name));
  EXPECT_EQ(name.view(), "");
  EXPECT_FALSE(client_name(*rules, translate_pattern(*rules, "**", 0, prefixed), "x", 0, prefixed, name));
}

TEST(Patterns, LiteralsAndPrefixesAreEscaped) {
  const auto rules = compiled(spec_of({{"a:{x}", "d:[*]?\\:{x}"}}));
  EXPECT_EQ(translated(*rules, "a:1*", view_of(Naming::kLegacy, Unmatched::kPrefix, "p*[")),
            (Patterns{"p\\*\\[a:1*", "d:\\[\\*]\\?\\\\:1*"}))
      << "what is unmatched lies under the prefix";
}

TEST(Patterns, ManyAreJoinedToWhatTheyHaveInCommon) {
  Pairs pairs;
  for (char c = 'a'; c <= 'z'; ++c)
    pairs.emplace_back("user:" + std::string(1, c) + ":{x}", std::string("d:") + c + ":{x}:user:id");
  const auto rules = compiled(spec_of(pairs));
  EXPECT_EQ(translated(*rules, "*:1"), (Patterns{"*:1*"}));
  EXPECT_EQ(translated(*rules, "user:b:1"), (Patterns{"d:b:1:user:id"}));
  EXPECT_EQ(translated(*rules, "user:[abc]:*"),
            (Patterns{"user:[abc]:*", "d:a:*:user:id", "d:b:*:user:id", "d:c:*:user:id"}));
  EXPECT_EQ(translated(*rules, "user:*"), (Patterns{"d:*:user:id", "user:*"}))
      << "joined are those that keep the most";

  const auto one = [&](std::string_view glob) {
    return translate_pattern(*rules, glob, 0, view_of(Naming::kLegacy), 1).physical;
  };
  EXPECT_EQ(one("user:*"), (Patterns{"*user:*"}));
  EXPECT_EQ(one("user:b:1"), (Patterns{"d:b:1:user:id"}));
}

TEST(Patterns, OfALongGlobTheBeginningGoesUpstream) {
  const auto rules = compiled(spec_of({{"a:{x}", "d:{x}"}}));
  const std::string longer = "a:" + std::string(5000, 'x') + "*y";
  const std::string cut(KeyPattern::kMaxGlob - 2, 'x');
  EXPECT_EQ(translated(*rules, longer), (Patterns{"a:" + cut + "*", "d:" + cut + "*"}));
  EXPECT_EQ(translated(*rules, "b:" + longer), (Patterns{"b:a:" + cut.substr(2) + "*"}));
  EXPECT_EQ(translated(*rules, "a:" + std::string(5000, 'x')),
            (Patterns{"a:" + cut + "*", "d:" + cut + "*"}));
  EXPECT_EQ(translated(*rules, "a:[" + std::string(5000, 'x') + "]y"), (Patterns{"a:?*", "d:?*"}))
      << "a class that is longer than the limit is any byte";
  KeyPattern pattern = translate_pattern(*rules, longer, 0, view_of(Naming::kLegacy));
  EXPECT_EQ(pattern.glob, longer) << "replies are filtered by the whole";
}

TEST(Patterns, WhatAMoreSpecificRuleTakesIsNotAskedForTwice) {
  const auto rules = compiled(spec_of({{"k:{x}", "d:all:{x}"}, {"k:{x:int}", "d:numbers:{x}"}}));
  EXPECT_EQ(translated(*rules, "k:1"), (Patterns{"d:numbers:1"}));
  EXPECT_EQ(translated(*rules, "k:a"), (Patterns{"d:all:a"}));
  EXPECT_EQ(translated(*rules, "k:?"), (Patterns{"k:?", "d:all:?", "d:numbers:?"})) << "`k::` is no rule's";
  EXPECT_EQ(translated(*rules, "k:[0-9]"), (Patterns{"d:numbers:[\\0\\1\\2\\3\\4\\5\\6\\7\\8\\9]"}));
}

TEST(Patterns, WhenNothingCanMatchTheGlobItselfIsAsked) {
  const auto rules = compiled(spec_of(stats()));
  const View refusing = view_of(Naming::kLegacy, Unmatched::kRefuse);
  EXPECT_EQ(translated(*rules, "other:*", refusing), (Patterns{"other:*"}));
  EXPECT_EQ(translated(*rules, "topics:*", refusing), (Patterns{"content:topics:user:*"}));
  EXPECT_EQ(translated(*rules, "a[]b"), (Patterns{"a[]b"}));
}

TEST(Patterns, NastyGlobsCostABoundedNumberOfSteps) {
  Pairs pairs;
  for (int i = 0; i < 2000; ++i) {
    const std::string number = std::to_string(i);
    pairs.emplace_back("user:" + number + ":{a}:x{b:int}", "d:r" + number + ":user:{b}:{a}");
  }
  const auto rules = compiled(spec_of(pairs));
  std::string stars;
  std::string classes;
  for (int i = 0; i < 1000; ++i) {
    stars += "*a";
    classes += "[^" + std::string(1, static_cast<char>('a' + i % 26)) + "]*";
  }
  const View view = view_of(Naming::kLegacy);
  for (const std::string& glob :
       {std::string("user:*"), std::string("*1*"), stars, stars + "b", classes, std::string(65'536, '['),
        "user:*" + std::string(65'536, '?'), "[" + std::string(65'536, 'a'), std::string(65'536, '\\'),
        "*[" + std::string(600, '-') + "]*"}) {
    const GlobTokens tokens = glob_tokens(glob, KeyPattern::kMaxGlob);
    EXPECT_LE(tokens.size(), KeyPattern::kMaxGlob + 1);
    EXPECT_LE(GlobReadings(*rules, tokens, 0, view).visits(),
              GlobReadings::kMaxVisits + rules->matcher_states() / 64 + 1)
        << glob.substr(0, 20);
    size_t bytes = 0;
    const Patterns made = translated(*rules, glob);
    for (const std::string& one : made) bytes += one.size();
    EXPECT_LE(made.size(), KeyPattern::kMaxPatterns);
    EXPECT_LE(bytes, 260 * KeyPattern::kMaxGlob) << "a class has 256 members";
  }
}

TEST(Patterns, ATellingPatternChoosesTheNames) {
  const auto rules = compiled(spec_of(stats()));
  const auto naming = [&](std::string_view glob, Naming view) {
    return translate_pattern(*rules, glob, 0, view_of(view)).naming;
  };
  EXPECT_EQ(naming("analytics:*", Naming::kLegacy), Naming::kConsolidated);
  EXPECT_EQ(naming("analytics*", Naming::kLegacy), Naming::kLegacy) << "no complete segment";
  EXPECT_EQ(naming("writing_stats:*", Naming::kLegacy), Naming::kLegacy);
  EXPECT_EQ(naming("*", Naming::kConsolidated), Naming::kConsolidated);
  EXPECT_EQ(naming("writing_stats:*", Naming::kConsolidated), Naming::kLegacy);
  EXPECT_EQ(naming("analytics:*", Naming::kConsolidated), Naming::kConsolidated);

  const KeyPattern pattern = translate_pattern(*rules, "analytics:*", 0, view_of(Naming::kLegacy));
  Buffer out;
  EXPECT_TRUE(client_name(*rules, pattern, "analytics:writing_stats:user:u1:days:30d", 0,
                          view_of(Naming::kLegacy), out));
  EXPECT_EQ(out.view(), "analytics:writing_stats:user:u1:days:30d");
}

std::string sorted_by(const Ruleset& rules, std::string_view pattern,
                      const View& view = view_of(Naming::kLegacy)) {
  const auto made = translate_sort_pattern(rules, pattern, 0, view);
  return made ? *made : "refused: " + made.error().text;
}

TEST(SortPattern, TheHoleStaysInsideItsCapture) {
  const auto rules = compiled(spec_of({{"weight_{id}", "shop:weight:id:{id}"},
                                       {"obj:{id:int}:x", "shop:obj:{id}"},
                                       {"n:{id:int}", "shop:int:{id}"},
                                       {"n:{id}", "shop:name:{id}"},
                                       {"k:{a}:{b}", "shop:k:{b}:{a}"}}));
  EXPECT_EQ(sorted_by(*rules, "weight_*"), "shop:weight:id:*");
  EXPECT_EQ(sorted_by(*rules, "weight_*->f"), "shop:weight:id:*->f");
  EXPECT_EQ(sorted_by(*rules, "weight_*->"), "shop:weight:id:*->");
  EXPECT_EQ(sorted_by(*rules, "obj:*:x->"), "obj:*:x->");
  EXPECT_EQ(sorted_by(*rules, "weight_*->->f"), "shop:weight:id:*->->f");
  EXPECT_EQ(sorted_by(*rules, "weight_a*b->*"), "shop:weight:id:a*b->*");
  EXPECT_EQ(sorted_by(*rules, "obj:*:x"), "shop:obj:*");
  EXPECT_EQ(sorted_by(*rules, "shop:weight:id:*"), "shop:weight:id:*");
  EXPECT_EQ(sorted_by(*rules, "k:*:7"), "shop:k:7:*");
  EXPECT_EQ(sorted_by(*rules, "k:*:a*"), "refused: the renamed pattern would hold a second `*` or `->`");
  EXPECT_EQ(sorted_by(*rules, "n:*"), "refused: different elements would mean different rules");
  EXPECT_EQ(sorted_by(*rules, "*"), "refused: the element is a whole key name, which may mean any rule");
  EXPECT_EQ(sorted_by(*rules, "other_*->f"), "other_*->f");
  EXPECT_EQ(sorted_by(*rules, "other_*", view_of(Naming::kLegacy, Unmatched::kPrefix, "p/")), "p/other_*");
  EXPECT_EQ(sorted_by(*rules, "other_*", view_of(Naming::kLegacy, Unmatched::kRefuse)),
            "refused: no rule knows keys of this pattern");
  EXPECT_EQ(sorted_by(*rules, "nosort"), "nosort");
  EXPECT_EQ(sorted_by(*rules, "#"), "#");
}

TEST(SortPattern, UnderOneRuleForEverythingAnyPatternIsDecided) {
  const auto rules = compiled(spec_of({{"{k:any}", "compat:kv:key:{k}"}}));
  EXPECT_EQ(sorted_by(*rules, "*"), "compat:kv:key:*");
  EXPECT_EQ(sorted_by(*rules, "w*:x->f"), "compat:kv:key:w*:x->f");
  EXPECT_EQ(sorted_by(*rules, "x:*->"), "compat:kv:key:x:*->");
  EXPECT_EQ(sorted_by(*compiled({}), "*"), "*");
}

}  // namespace
}  // namespace keyshift::scheme
