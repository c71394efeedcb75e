// What compile() refuses, in the words an operator reads.
#include "scheme_fixture.h"

namespace keyshift::scheme {
namespace {

TEST(Refusal, CapturesOfOneSide) {
  EXPECT_EQ(
      errors_of(spec_of({{"a:{x}:{y}", "d:r:{x}"}})),
      "rules:1:7: `{y}` is lost: `a:a:b` and `a:a:z` would both become `d:r:a`; put `{y}` into the key\n");
  EXPECT_EQ(errors_of(spec_of({{"a:{x}", "d:r:{x}:{y}"}})),
            "rules:1:9: nothing fills `{y}`, which is not in the legacy template: `a:a` would become "
            "`d:r:a:{y}`; capture it there, or write here the text that stands in its place\n");
  EXPECT_EQ(
      errors_of(spec_of({{"stats:{user}:{days:int}d", "d:stats:{usr}:{days}"}})),
      "rules:1:7: `{user}` is lost: `stats:a:2d` and `stats:z:2d` would both become `d:stats:{usr}:2`; "
      "put `{user}` into the key\n"
      "rules:1:9: nothing fills `{usr}`, which is not in the legacy template: `stats:a:2d` would become "
      "`d:stats:{usr}:2`; if it is the legacy `{user}`, call both the same\n");
  EXPECT_EQ(errors_of(spec_of({{"a:{x}:{x}", "d:{x}"}})),
            "rules:1:7: `{x}` is repeated: a template does not compare two parts of a key; call this one "
            "`{x2}` and use both on the other side\n");
  EXPECT_EQ(errors_of(spec_of({{"a:{x2}:{x}:{x}", "d:{x}"}})),
            "rules:1:12: `{x}` is repeated: a template does not compare two parts of a key; call this one "
            "`{x3}` and use both on the other side\n");
}

// What is said to become one key does: with each type, and types that only the key names.
TEST(Refusal, TheWitnessesOfALostCaptureFitTheLegacyTemplate) {
  for (const char* type : {"", ":int", ":hex", ":uuid", ":date", ":any", ":p|q:r"}) {
    const std::string legacy = std::string("u:{lost") + type + "}:{n}:{d}";
    const auto refused = Ruleset::compile(spec_of({{legacy, "d:{n:int}:{d:date}"}}));
    ASSERT_FALSE(refused);
    ASSERT_EQ(refused.error().size(), 1U);
    const std::vector<std::string>& witness = refused.error()[0].witness;
    ASSERT_EQ(witness.size(), 2U);
    EXPECT_NE(witness[0], witness[1]);
    const auto whole = compiled(spec_of({{legacy, "d:{n:int}:{d:date}:{lost}"}}));
    for (const std::string& name : witness) {
      const Match match = whole->match(name, 0, view_of(Naming::kLegacy));
      ASSERT_EQ(match.kind, Match::Kind::kRule) << name;
      // The captures that are kept are the same in both.
      EXPECT_EQ(name.substr(match.captures[1].offset), "2:20250103") << name;
      EXPECT_NE(refused.error()[0].text.find("`" + name + "`"), std::string::npos);
    }
  }
}

TEST(Refusal, OneRule) {
  EXPECT_EQ(errors_of(spec_of({{"a:{x:int}", "d:{x:hex}"}})),
            "rules:1:3: `{x}` is hex here and int in the legacy template; write the type on one side only\n");
  EXPECT_EQ(
      errors_of(spec_of({{"a:{x:p|q}", "d:{x:p|r}"}})),
      "rules:1:3: `{x}` is list here and list in the legacy template, of other words; write the type on "
      "one side only\n");
  EXPECT_EQ(errors_of(spec_of({{"a:{x:p|q}", "d:{x:q|p}"}})), "accepted");
  EXPECT_EQ(errors_of(spec_of({{"a:{x}", "d:{x:int}"}})), "accepted");
  for (const char* key : {"{x}:r", "d{x}:r", ":r:{x}", "d{x}"}) {
    EXPECT_EQ(
        errors_of(spec_of({{"a:{x}", key}})),
        "rules:1:1: the key has no domain: its first segment must be a literal that ends in `:`, such as "
        "`analytics:`\n")
        << key;
  }
  EXPECT_EQ(errors_of(spec_of({{"a:{x:seg}", "a:{x}"}})),
            "rules:1:0: both templates are the same, so nothing is renamed; a configured domain needs no "
            "rule for its "
            "own keys\n");
}

TEST(Refusal, ATemplateWithTwoReadingsOfAKey) {
  EXPECT_EQ(
      errors_of(spec_of({{"a:{x}{y}", "d:{x}:{y}"}})),
      "rules:1:6: `a:{x}{y}` can be read in two ways: `a:aaa` is x=`a`, y=`aa`, or x=`aa`, y=`a`; write "
      "`{x}:{y}` if the names are yours to choose, or make `{x}` and `{y}` one capture\n");
  EXPECT_EQ(
      errors_of(spec_of({{"a:{x}:{y:int}", "d:{x}-{y}"}})),
      "rules:1:7: `d:{x}-{y:int}` can be read in two ways: `d:a--0` is x=`a`, y=`-0`, or x=`a-`, y=`0`; "
      "write `{x:int}-{y:int}` if that is true of the keys, or `{x}:{y:int}` if the names are yours to "
      "choose\n")
      << "with the types of the other side";
  const auto refused = Ruleset::compile(spec_of({{"a:{x}{y}", "d:{x}:{y}"}}));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error()[0].witness, std::vector<std::string>{"a:aaa"});
  for (const char* legacy : {"{x}_{y}", "{x:any}:{y:any}", "{x:int}{y:int}", "{x:hex}a{y:hex}",
                             "{x:a|ab}{y:b|bb}", "{x}-{y:int}", "{x:any}-{y:int}"}) {
    EXPECT_NE(errors_of(spec_of({{legacy, "d:{x}:r:{y}"}})).find("can be read in two ways"),
              std::string::npos)
        << legacy;
  }
  for (const char* legacy :
       {"{x:any}:{y}", "{x}:{y:any}", "{x:int}{y:a|b}", "{x}_{y:int}", "{x:date}{y:date}", "{x:any}{y:uuid}",
        "{x:hex}ab:{y:hex}", "{x:a|ab}c{y}", "{x:int}-{y:int}"}) {
    // Behind a domain the other side is always clear, but for a second any.
    const std::string key = std::string(legacy) == "{x}:{y:any}" ? "d:r:{x}:{y}" : "d:r:{y}:{x}";
    EXPECT_EQ(errors_of(spec_of({{legacy, key}})), "accepted") << legacy;
  }
}

TEST(Refusal, RulesOfDifferentDatabasesDoNotClash) {
  SchemeSpec spec = spec_of({{"u:{x}", "one:{x}"}, {"u:{x}", "two:{x}"}, {"u:{x}", "all:{x}"}});
  spec.rules[0].db = 1;
  spec.rules[1].db = 2;
  const auto rules = compiled(spec);
  const View view = view_of(Naming::kLegacy);
  EXPECT_EQ(physical(*rules, "u:7", view, 1), "one:7");
  EXPECT_EQ(physical(*rules, "u:7", view, 2), "two:7");
  EXPECT_EQ(physical(*rules, "u:7", view, 3), "all:7");
  EXPECT_EQ(shown(*rules, "one:7", view, 1), "u:7");
  EXPECT_EQ(shown(*rules, "one:7", view, 2), "one:7") << "a key of no rule there";
  EXPECT_EQ(shown(*rules, "all:7", view, 1), "all:7") << "its legacy name belongs to another rule there";
}

TEST(Refusal, DomainsAndResources) {
  SchemeSpec spec;
  spec.domains.push_back({"a", {.min_ms = 10, .max_ms = 5}, {}, "f:1"});
  spec.domains.push_back({"a", {.default_ms = 10, .max_ms = 5}, {}, "f:2"});
  spec.domains.push_back({"b:c", {.mode = TtlMode::kOverride}, {}, "f:3"});
  spec.domains.push_back(
      {"", {.default_ms = -1, .jitter = 1.5}, {{"r", {}, "f:5"}, {"r", {.jitter = 0.5}, "f:6"}}, "f:4"});
  EXPECT_EQ(errors_of(spec),
            "f:1:0: min_ttl is longer than max_ttl\n"
            "f:2:0: the domain `a` is there twice\n"
            "f:2:0: default_ttl is longer than max_ttl\n"
            "f:3:0: `b:c` is no name for a domain: it is one segment, without `:`\n"
            "f:3:0: mode override replaces expiries by default_ttl, but there is none\n"
            "f:4:0: the name of a domain is empty\n"
            "f:4:0: a TTL is negative\n"
            "f:4:0: jitter is a part of the TTL: 0% to 100%\n"
            "f:5:0: a TTL is negative\n"
            "f:5:0: jitter is a part of the TTL: 0% to 100%\n"
            "f:6:0: the resource `r` is there twice\n"
            "f:6:0: a TTL is negative\n");
}

// All errors at once: what is wrong with one rule does not hide that others clash.
TEST(Refusal, RulesAreProvedBesideARuleThatIsWrongByItself) {
  const std::string errors =
      errors_of(spec_of({{"a:{x", "d:a:{x}"}, {"b:{x}", "d:b:{x}"}, {"c:{x}", "d:b:{x}"}}));
  EXPECT_NE(errors.find("rules:1:3: `{` is never closed"), std::string::npos) << errors;
  EXPECT_NE(errors.find("rules:3:0: two rules can produce the same key"), std::string::npos) << errors;
}

// The limits of the automaton, met by templates that are right by themselves. A second or two, not minutes.
TEST(Refusal, TemplatesThatMultiplyEachOtherAreRefusedInTime) {
  // Every `1` may be the one behind `a`, and the dates behind each go on side by side.
  std::string legacy = "{a:any}1";
  std::string key = "d:";
  for (char name = 'b'; name < 'p'; ++name) {
    legacy += std::string("{") + name + ":date}";
    key += std::string("{") + name + "}:";
  }
  EXPECT_NE(errors_of(spec_of({{"a:{x}", "d:{x}"}, {legacy, key + "{a}"}}))
                .find("rules:2:0: the templates multiply"),
            std::string::npos);
  // A thousand `any` at the front: each state is in all of them.
  Pairs pairs;
  for (int i = 1000; i < 2000; ++i)
    pairs.emplace_back("{a:any}:k" + std::to_string(i) + ":{b}", "d:" + std::to_string(i) + ":{b}:{a}");
  EXPECT_NE(errors_of(spec_of(pairs)).find("rules:1:0: the templates multiply"), std::string::npos);
}

}  // namespace
}  // namespace keyshift::scheme
