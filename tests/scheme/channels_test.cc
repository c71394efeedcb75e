#include "keyshift/scheme/channels.h"

#include <algorithm>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "keyshift/scheme/glob.h"
#include "keyshift/scheme/patterns.h"
#include "random_scheme.h"
#include "scheme_fixture.h"

namespace keyshift::scheme {
namespace {

using Patterns = std::vector<std::string>;

Pairs stats() {
  return {{"writing_stats:{user}:{days:int}d", "analytics:writing_stats:user:{user}:days:{days}d"},
          {"topics:{user}:list", "content:topics:user:{user}"}};
}

std::string physical_channel(const Ruleset& rules, std::string_view channel, const View& view) {
  Buffer out;
  append_physical_channel(rules, channel, view, out);
  return std::string(out.view());
}

std::string shown_channel(const Ruleset& rules, std::string_view channel, const View& view) {
  Buffer out;
  return show_channel(rules, channel, view, view.naming, out) ? std::string(out.view()) : "(hidden)";
}

Patterns translated(const Ruleset& rules, std::string_view glob, const View& view, size_t most = 4) {
  return translate_channels(rules, glob, view, most).physical;
}

const View kLegacyView = view_of(Naming::kLegacy);

TEST(Channels, ThoseOfNotificationsAreToldFromOthers) {
  const ChannelName keyspace = read_channel("__keyspace@12__:user:1");
  EXPECT_EQ(keyspace.kind, ChannelName::Kind::kKeyspace);
  EXPECT_EQ(keyspace.db, 12);
  EXPECT_EQ(keyspace.prefix, "__keyspace@12__:");
  EXPECT_EQ(keyspace.rest, "user:1");
  EXPECT_EQ(read_channel("__keyevent@0__:expired").kind, ChannelName::Kind::kKeyevent);
  EXPECT_EQ(read_channel("__keyevent@0__:").rest, "");
  for (const std::string_view plain :
       {"", "news", "__keyspace@", "__keyspace@0", "__keyspace@0__", "__keyspace@__:x", "__keyspace@-1__:x",
        "__keyspace@00__:x", "__keyspace@01__:x", "__keyspace@x__:x", "__keyspace@0_:x", "__keyspace@+1__:x",
        "__keyspace@99999999999__:x", "x__keyspace@0__:x", "__keySpace@0__:x"})
    EXPECT_EQ(read_channel(plain).kind, ChannelName::Kind::kPlain) << plain;
}

TEST(Channels, AKeyspaceChannelIsCalledAfterTheKeyInBothDirections) {
  const auto rules = compiled(spec_of(stats()));
  const std::string legacy = "__keyspace@0__:writing_stats:u1:30d";
  const std::string key = "__keyspace@0__:analytics:writing_stats:user:u1:days:30d";
  EXPECT_EQ(physical_channel(*rules, legacy, kLegacyView), key);
  EXPECT_EQ(physical_channel(*rules, key, kLegacyView), key) << "either name works";
  EXPECT_EQ(shown_channel(*rules, key, kLegacyView), legacy);
  EXPECT_EQ(shown_channel(*rules, legacy, kLegacyView), "(hidden)") << "a dead copy";
  for (const std::string_view same :
       {"__keyspace@0__:other", "__keyevent@0__:expired", "writing_stats:u1:30d", ""}) {
    EXPECT_EQ(physical_channel(*rules, same, kLegacyView), same);
    EXPECT_EQ(shown_channel(*rules, same, kLegacyView), same);
  }
}

TEST(Channels, AKeyeventChannelHasTheKeyInItsPayload) {
  const auto rules = compiled(spec_of(stats()));
  const auto payload = [&](std::string_view channel, std::string_view name) {
    Buffer out;
    append_physical_payload(*rules, channel, name, kLegacyView, out);
    return std::string(out.view());
  };
  const auto shown = [&](std::string_view channel, std::string_view key) {
    Buffer out;
    return show_payload(*rules, channel, key, kLegacyView, Naming::kLegacy, out) ? std::string(out.view())
                                                                                 : "(hidden)";
  };
  EXPECT_EQ(payload("__keyevent@0__:set", "topics:u1:list"), "content:topics:user:u1");
  EXPECT_EQ(payload("__keyspace@0__:x", "topics:u1:list"), "topics:u1:list") << "an event";
  EXPECT_EQ(payload("news", "topics:u1:list"), "topics:u1:list");
  EXPECT_EQ(shown("__keyevent@0__:set", "content:topics:user:u1"), "topics:u1:list");
  EXPECT_EQ(shown("__keyevent@0__:set", "topics:u1:list"), "(hidden)");
  EXPECT_EQ(shown("news", "content:topics:user:u1"), "content:topics:user:u1");
}

TEST(Channels, TheDatabaseOfTheChannelChoosesTheRules) {
  SchemeSpec spec = spec_of({{"u:{id}", "users:kv:id:{id}"}});
  spec.rules[0].db = 3;
  const auto rules = compiled(spec);
  EXPECT_EQ(physical_channel(*rules, "__keyspace@3__:u:1", kLegacyView), "__keyspace@3__:users:kv:id:1");
  EXPECT_EQ(physical_channel(*rules, "__keyspace@0__:u:1", kLegacyView), "__keyspace@0__:u:1");
}

TEST(Channels, APatternThatSpellsTheDatabaseIsTranslatedBehindIt) {
  const auto rules = compiled(spec_of(stats()));
  EXPECT_EQ(
      translated(*rules, "__keyspace@0__:writing_stats:*", kLegacyView),
      (Patterns{"__keyspace@0__:writing_stats:*", "__keyspace@0__:analytics:writing_stats:user:*:days:*d"}));
  EXPECT_EQ(translated(*rules, "__keyspace@0__:topics:u1:list", kLegacyView),
            (Patterns{"__keyspace@0__:content:topics:user:u1"}));
  EXPECT_EQ(translated(*rules, "__keyspace@0__:*", kLegacyView), (Patterns{"__keyspace@0__:*"}));
  EXPECT_EQ(translate_channels(*rules, "__keyspace@0__:analytics:*", kLegacyView).naming,
            Naming::kConsolidated)
      << "it tells";
}

TEST(Channels, APatternThatDoesNotAsksForAllNotificationsOfKeys) {
  const auto rules = compiled(spec_of(stats()));
  EXPECT_EQ(translated(*rules, "__keyspace@*__:topics:*", kLegacyView), (Patterns{"__keyspace@*"}));
  EXPECT_EQ(translated(*rules, "__key*", kLegacyView), (Patterns{"__key*"}));
  EXPECT_EQ(translated(*rules, "__key*@0__:topics:*", kLegacyView),
            (Patterns{"__keyspace@*", "__key*@0__:topics:*"}));
  EXPECT_EQ(translated(*rules, "*:u1:list", kLegacyView), (Patterns{"__keyspace@*", "*:u1:list"}));
  EXPECT_EQ(translated(*rules, "*", kLegacyView), (Patterns{"*"}));
  EXPECT_EQ(translated(*rules, "*:u1:list", kLegacyView, 1).size(), 1u);
}

TEST(Channels, APatternThatFitsNoChannelOfKeysStaysAsItIs) {
  const auto rules = compiled(spec_of(stats()));
  for (const std::string_view glob : {"news.*", "news", "", "topics:*", "__key", "__kex*", "\\_x*"}) {
    EXPECT_EQ(translated(*rules, glob, kLegacyView), Patterns{std::string(glob)});
    EXPECT_FALSE(translate_channels(*rules, glob, kLegacyView).of_keys) << glob;
  }
  EXPECT_TRUE(translate_channels(*rules, "__keyevent@0__:*", kLegacyView).of_keys) << "keys in payloads";
  EXPECT_EQ(translated(*rules, "__keyevent@0__:*", kLegacyView), (Patterns{"__keyevent@0__:*"}));
  const auto none = compiled({});
  EXPECT_EQ(translated(*none, "__keyspace@0__:topics:*", kLegacyView), (Patterns{"__keyspace@0__:topics:*"}));
  EXPECT_EQ(translated(*none, "*:topics", kLegacyView), (Patterns{"*:topics"}));
}

TEST(Channels, ALongPatternIsAskedForWhole) {
  const auto rules = compiled(spec_of(stats()));
  const std::string glob = "*" + std::string(100'000, 'x');
  EXPECT_EQ(translated(*rules, glob, kLegacyView), (Patterns{"__keyspace@*", glob}));
  EXPECT_EQ(translated(*rules, glob, kLegacyView, 1), (Patterns{"*"}));
}

// ---- laws

std::string random_channel(RandomScheme& random, const std::string& key) {
  if (random.chance(6)) return key;
  return std::string(random.chance(4) ? "__keyevent@" : "__keyspace@") + (random.chance(4) ? "1" : "0") +
         "__:" + key;
}

RC_GTEST_PROP(Channels, NamesGoThereAndBack, ()) {
  RandomScheme random(*rc::gen::noShrink(rc::gen::inRange<uint64_t>(0, UINT64_MAX)));
  const Accepted set = accepted(random);
  RC_LOG() << described(set.spec);
  const View view = random_view(random);
  for (int i = 0; i < 40; ++i) {
    const std::string channel = random_channel(random, random.key(set.spec, *set.rules));
    const std::string upstream = physical_channel(*set.rules, channel, view);
    const std::string shown = shown_channel(*set.rules, upstream, view);
    if (shown == "(hidden)") continue;  // refused by the view
    RC_ASSERT(physical_channel(*set.rules, shown, view) == upstream);
  }
}

RC_GTEST_PROP(Channels, NoChannelIsLost, ()) {
  RandomScheme random(*rc::gen::noShrink(rc::gen::inRange<uint64_t>(0, UINT64_MAX)));
  const Accepted set = accepted(random);
  RC_LOG() << described(set.spec);
  const View view = random_view(random);
  std::vector<std::string> channels;
  for (int i = 0; i < 40; ++i) channels.push_back(random_channel(random, random.key(set.spec, *set.rules)));
  for (int i = 0; i < 20; ++i) {
    const std::string& like = channels[random.below(channels.size())];
    std::string glob = random_glob(random, like);
    if (const ChannelName name = read_channel(like);
        name.kind != ChannelName::Kind::kPlain && random.chance(2))
      glob = std::string(name.prefix) + random_glob(random, std::string(name.rest));
    const size_t most = random.chance(3) ? 1 : ChannelPattern::kMaxPatterns;
    const ChannelPattern pattern = translate_channels(*set.rules, glob, view, most);
    RC_ASSERT(!pattern.physical.empty());
    RC_ASSERT(pattern.physical.size() <= most);
    for (const std::string& channel : channels) {
      const std::string upstream = physical_channel(*set.rules, channel, view);
      Buffer shown;
      if (!show_channel(*set.rules, upstream, view, pattern.naming, shown)) continue;
      if (!glob_match(glob, shown.view())) continue;
      const bool found = std::ranges::any_of(
          pattern.physical, [&](const std::string& one) { return glob_match(one, upstream); });
      if (!found)
        RC_LOG() << "glob " << ::testing::PrintToString(glob) << " channel " << upstream << " patterns "
                 << ::testing::PrintToString(pattern.physical) << "\n";
      RC_ASSERT(found);
      RC_ASSERT(pattern.of_keys || shown.view() == upstream);
    }
  }
}

}  // namespace
}  // namespace keyshift::scheme
