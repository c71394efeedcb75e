#include "keyshift/scheme/patterns.h"

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
  EXPECT_EQ(translated(*rules, "writing_stats:u1:30d"),
            (Patterns{"writing_stats:u1:30d", stats + "u1:days:30d"}));
  EXPECT_EQ(translated(*rules, "*:30d"), (Patterns{"*:30d", stats + "*:days:30d"}));
  EXPECT_EQ(translated(*rules, "*u1*"), (Patterns{"*u1*", stats + "*:days:*d", "content:topics:user:*"}));
  EXPECT_EQ(translated(*rules, "t*[xy]:list"), (Patterns{"t*[xy]:list", "content:topics:user:*[\\x\\y]"}));
  EXPECT_EQ(translated(*rules, "topics:a\\*b:list"),
            (Patterns{"topics:a\\*b:list", "content:topics:user:a\\*b"}));
  EXPECT_EQ(translated(*rules, "topics:a:b:list"), (Patterns{"topics:a:b:list"}))
      << "fits no name of the template";
  EXPECT_EQ(translated(*rules, "*"), (Patterns{"*"}));
  EXPECT_EQ(translated(*rules, "***"), (Patterns{"*"}));
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

TEST(Patterns, LiteralsAndPrefixesAreEscaped) {
  const auto rules = compiled(spec_of({{"a:{x}", "d:[*]?\\:{x}"}}));
  EXPECT_EQ(translated(*rules, "a:1*", view_of(Naming::kLegacy, Unmatched::kPrefix, "p*[")),
            (Patterns{"a:1*", "p\\*\\[a:1*", "d:\\[\\*]\\?\\\\:1*"}));
}

TEST(Patterns, ManyPatternsOrALongOneBecomeAStar) {
  Pairs pairs;
  for (char c = 'a'; c <= 'z'; ++c)
    pairs.emplace_back(std::string(1, c) + ":{x}", std::string("d:") + c + ":{x}");
  const auto rules = compiled(spec_of(pairs));
  EXPECT_EQ(translated(*rules, "*:1"), (Patterns{"*"}));
  EXPECT_EQ(translated(*rules, "b:1"), (Patterns{"b:1", "d:b:1"}));
  EXPECT_EQ(translated(*rules, std::string(5000, '?')), (Patterns{"*"}));
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
  EXPECT_EQ(sorted_by(*compiled({}), "*"), "*");
}

}  // namespace
}  // namespace keyshift::scheme
