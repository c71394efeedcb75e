#include "keyshift/scheme/prefixes.h"

#include <algorithm>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "random_scheme.h"
#include "scheme_fixture.h"

namespace keyshift::scheme {
namespace {

using Prefixes = std::vector<std::string>;

Pairs stats() {
  return {{"writing_stats:{user}:{days:int}d", "analytics:writing_stats:user:{user}:days:{days}d"},
          {"topics:{user}:list", "content:topics:user:{user}"}};
}

TEST(Prefixes, ALegacyPrefixBecomesThePhysicalOnesThatHoldItsKeys) {
  const auto rules = compiled(spec_of(stats()));
  const View view = view_of(Naming::kLegacy);
  const auto of = [&](std::string_view prefix) { return physical_prefixes(*rules, prefix, 0, view); };
  EXPECT_EQ(of("writing_stats:u1"), (Prefixes{"analytics:writing_stats:user:u1", "writing_stats:u1"}));
  EXPECT_EQ(of("writing_stats:u1:3"),
            (Prefixes{"analytics:writing_stats:user:u1:days:3", "writing_stats:u1:3"}));
  EXPECT_EQ(of("other:"), Prefixes{"other:"});
  EXPECT_EQ(of("t"), (Prefixes{"content:topics:user:", "t"}));
  EXPECT_EQ(of("a*[x]?\\"), Prefixes{"a*[x]?\\"}) << "it is no pattern";
  EXPECT_EQ(of(""), Prefixes{""});
}

TEST(Prefixes, NamesOfBothNamingsAreHeld) {
  for (const Naming naming : {Naming::kLegacy, Naming::kConsolidated}) {
    const View view = view_of(naming);
    const auto consolidated = compiled(spec_of(stats()));
    EXPECT_EQ(physical_prefixes(*consolidated, "content:topics:user:u1", 0, view),
              Prefixes{"content:topics:user:u1"});
    const auto legacy = compiled(spec_of(stats(), Phase::kLegacy));
    EXPECT_EQ(physical_prefixes(*legacy, "content:topics:user:u1", 0, view),
              (Prefixes{"content:topics:user:u1", "topics:u1"}));
    EXPECT_EQ(physical_prefixes(*legacy, "topics:u1", 0, view), Prefixes{"topics:u1"});
  }
}

TEST(Prefixes, UnderOneRuleForEverythingThereIsOne) {
  const auto rules = compiled(spec_of({{"{k:any}", "compat:kv:key:{k}"}}));
  EXPECT_EQ(physical_prefixes(*rules, "foo", 0, view_of(Naming::kLegacy)), Prefixes{"compat:kv:key:foo"});
}

TEST(Prefixes, UnmatchedKeysAreHeldUnderTheViewsPrefix) {
  const auto rules = compiled(spec_of(stats()));
  const View view = view_of(Naming::kLegacy, Unmatched::kPrefix, "app:");
  EXPECT_EQ(physical_prefixes(*rules, "foo", 0, view), Prefixes{"app:foo"});
  EXPECT_EQ(physical_prefixes(*rules, "topics:u1:", 0, view),
            (Prefixes{"app:topics:u1:", "content:topics:user:u1"}));
}

TEST(Prefixes, WhatBeginsWithAnotherIsDropped) {
  Prefixes prefixes{"b:1", "a", "b:", "ab", "b:", "c"};
  drop_covered_prefixes(prefixes);
  EXPECT_EQ(prefixes, (Prefixes{"a", "b:", "c"}));
}

// The key of every name that begins so, of whatever naming, begins with one of the prefixes.
RC_GTEST_PROP(Prefixes, NoNameIsLost, ()) {
  RandomScheme random(*rc::gen::noShrink(rc::gen::inRange<uint64_t>(0, UINT64_MAX)));
  const Accepted set = accepted(random);
  RC_LOG() << described(set.spec);
  const View view = random_view(random);
  for (int i = 0; i < 40; ++i) {
    const std::string name = random.key(set.spec, *set.rules);
    if (set.rules->match(name, 0, view).refused) continue;
    const std::string key = physical(*set.rules, name, view);
    const std::string prefix = name.substr(0, random.below(name.size() + 1));
    const Prefixes made = physical_prefixes(*set.rules, prefix, 0, view);
    RC_LOG() << "prefix " << ::testing::PrintToString(prefix) << " name " << ::testing::PrintToString(name)
             << " key " << ::testing::PrintToString(key) << " made " << ::testing::PrintToString(made)
             << "\n";
    RC_ASSERT(std::ranges::any_of(made, [&](const std::string& one) { return key.starts_with(one); }));
  }
}

}  // namespace
}  // namespace keyshift::scheme
