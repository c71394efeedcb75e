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
  const auto names = shown_channels(rules, translate_channels(rules, "*", view), channel, view);
  return names.empty() ? "(hidden)" : names.front();
}

// The payload that a subscriber to `channel` hears.
std::string heard(const Ruleset& rules, std::string_view channel, std::string_view physical,
                  std::string_view payload, const View& view) {
  Buffer out;
  return hear(rules, channel, physical, payload, view, out) ? std::string(out.view()) : "(hidden)";
}

// The channel and the payload that a subscriber by `glob` hears.
std::string heard_by(const Ruleset& rules, std::string_view glob, std::string_view physical,
                     std::string_view payload, const View& view) {
  Buffer out;
  const auto size = hear(rules, translate_channels(rules, glob, view), physical, payload, view, out);
  if (!size) return out.empty() ? "(hidden)" : "(left behind)";
  return std::string(out.view().substr(0, *size)) + " " + std::string(out.view().substr(*size));
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
    return std::string(physical_publication(*rules, channel, name, kLegacyView).payload.view());
  };
  const auto shown = [&](std::string_view channel, std::string_view key) {
    return heard(*rules, channel, channel, key, kLegacyView);
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

// ---- databases that fold

// Databases 0 and 1 have rules, 2 does not fold; all others fold without rules.
SchemeSpec folded_spec() {
  SchemeSpec spec =
      spec_of({{"k:{id}", "shop:k:id:{id}"}, {"k:{id}", "mail:k:id:{id}"}, {"k:{id}", "x:k:{id}"}});
  for (int db = 0; db < 3; ++db) spec.rules[static_cast<size_t>(db)].db = db;
  spec.rules[2].phase = Phase::kLegacy;
  spec.fold = FoldSpec{.into = 5, .databases = 16};
  return spec;
}

class FoldedChannels : public ::testing::Test {
 protected:
  FoldedChannels() {
    for (View* view : {&view_, &consolidated_, &strict_}) rules_->prepare(*view);
  }

  const std::shared_ptr<const Ruleset> rules_ = compiled(folded_spec());
  View view_ = view_of(Naming::kLegacy, Unmatched::kPrefix, "db{db}:");
  View consolidated_ = view_of(Naming::kConsolidated);
  View strict_ = view_of(Naming::kLegacy, Unmatched::kRefuse);
};

TEST_F(FoldedChannels, TheUpstreamCallsThemAfterItsDatabase) {
  EXPECT_EQ(physical_channel(*rules_, "__keyspace@0__:k:1", view_), "__keyspace@5__:shop:k:id:1");
  EXPECT_EQ(physical_channel(*rules_, "__keyspace@1__:k:1", view_), "__keyspace@5__:mail:k:id:1");
  EXPECT_EQ(physical_channel(*rules_, "__keyspace@1__:u", view_), "__keyspace@5__:db1:u");
  EXPECT_EQ(physical_channel(*rules_, "__keyevent@15__:set", view_), "__keyevent@5__:set");
  for (const std::string_view same :
       {"__keyspace@2__:k:1", "__keyevent@2__:set", "__keyspace@16__:u", "news"})
    EXPECT_EQ(physical_channel(*rules_, same, view_), same);
  EXPECT_EQ(physical_channel(*rules_, "__keyspace@1__:u", strict_), "__keyspace@1__:u") << "refused";
}

TEST_F(FoldedChannels, WhatComesOnAChannelIsForTheDatabaseWithTheKey) {
  const auto hears = [this](std::string_view channel, std::string_view physical, std::string_view payload) {
    return heard(*rules_, channel, physical, payload, view_);
  };
  EXPECT_EQ(hears("__keyspace@1__:u", "__keyspace@5__:db1:u", "set"), "set");
  EXPECT_EQ(hears("__keyevent@1__:set", "__keyevent@5__:set", "db1:u"), "u");
  EXPECT_EQ(hears("__keyevent@1__:set", "__keyevent@5__:set", "mail:k:id:1"), "k:1");
  EXPECT_EQ(hears("__keyevent@0__:set", "__keyevent@5__:set", "mail:k:id:1"), "(hidden)") << "of database 1";
  EXPECT_EQ(hears("__keyevent@1__:set", "__keyevent@5__:set", "foreign"), "(hidden)");
  EXPECT_EQ(hears("__keyevent@2__:set", "__keyevent@2__:set", "foreign"), "foreign");
  EXPECT_EQ(heard(*rules_, "__keyspace@1__:u", "__keyspace@1__:u", "set", strict_), "(hidden)");
}

TEST_F(FoldedChannels, APatternIsLaidBehindTheUpstreamsNumber) {
  EXPECT_EQ(translated(*rules_, "__keyspace@1__:u*", view_), (Patterns{"__keyspace@5__:db1:u*"}));
  EXPECT_EQ(translated(*rules_, "__keyevent@1__:*", view_), (Patterns{"__keyevent@5__:*"}));
  EXPECT_EQ(translated(*rules_, "__keyevent@*__:expired", view_), (Patterns{"__keyevent@*__:expired"}));
  EXPECT_EQ(translated(*rules_, "__keyevent@[01]__:exp*", view_),
            (Patterns{"__keyevent@[01]__:exp*", "__keyevent@5__:exp*"}));
  EXPECT_EQ(translated(*rules_, "__keyevent@2*", view_), (Patterns{"__keyevent@2*"}));
  EXPECT_EQ(translated(*rules_, "__key*@1?__:*", view_),
            (Patterns{"__keyspace@*", "__key*@1?__:*", "__keyevent@5__:*"}));
  EXPECT_EQ(translated(*rules_, "*", view_), (Patterns{"*"}));
  EXPECT_EQ(translated(*rules_, "news*", view_), (Patterns{"news*"}));
  EXPECT_EQ(translate_channels(*rules_, "__key?????@1?__:*", view_).databases,
            (std::vector<int>{10, 11, 12, 13, 14, 15}));
  EXPECT_EQ(translate_channels(*rules_, "__keyevent@1__:*", view_).databases, (std::vector<int>{1}));
}

TEST_F(FoldedChannels, AListenerByAPatternIsToldTheClientsDatabase) {
  const auto hears = [this](std::string_view glob, std::string_view physical, std::string_view payload) {
    return heard_by(*rules_, glob, physical, payload, view_);
  };
  EXPECT_EQ(hears("__key*", "__keyspace@5__:db1:u", "set"), "__keyspace@1__:u set");
  EXPECT_EQ(hears("__key*", "__keyevent@5__:set", "shop:k:id:1"), "__keyevent@0__:set k:1");
  EXPECT_EQ(hears("__key*", "__keyevent@5__:set", "foreign"), "(hidden)");
  EXPECT_EQ(hears("__key*@?__:*", "__keyevent@5__:set", "db12:u"), "(hidden)");
  EXPECT_EQ(hears("__key*@??__:*", "__keyevent@5__:set", "db12:u"), "__keyevent@12__:set u");
  EXPECT_EQ(hears("__keyspace@1__:u", "__keyspace@5__:db1:u", "set"), "__keyspace@1__:u set");
  EXPECT_EQ(hears("__keyspace@5__:*", "__keyspace@5__:db1:u", "set"), "(hidden)")
      << "not as the upstream calls it";
  EXPECT_EQ(hears("*", "__keyspace@2__:k:1", "set"), "__keyspace@2__:k:1 set");
  EXPECT_EQ(hears("*", "__keyspace@1__:k:1", "set"), "(hidden)") << "left behind in the upstream's database";
  EXPECT_EQ(hears("*", "__keyspace@16__:k:1", "set"), "(hidden)") << "nobody can select it";
  EXPECT_EQ(hears("*", "news", "hi"), "news hi");
}

TEST_F(FoldedChannels, AConsolidatedViewHearsOnceOfAKeyThatAllDatabasesShow) {
  const auto hears = [this](std::string_view glob) {
    return heard_by(*rules_, glob, "__keyspace@5__:mail:k:id:1", "set", consolidated_);
  };
  EXPECT_EQ(hears("__keyspace@*"), "__keyspace@5__:mail:k:id:1 set");
  EXPECT_EQ(hears("__keyspace@[13]__:*"), "__keyspace@1__:mail:k:id:1 set");
  EXPECT_EQ(hears("__keyspace@2__:*"), "(hidden)");
  EXPECT_EQ(heard(*rules_, "__keyevent@9__:set", "__keyevent@5__:set", "mail:k:id:1", consolidated_),
            "mail:k:id:1");
}

TEST_F(FoldedChannels, WhatIsPublishedGoesWhereItIsHeard) {
  const auto published = [this](std::string_view channel, std::string_view payload, const View& view) {
    const Publication made = physical_publication(*rules_, channel, payload, view);
    return std::string(made.channel.view()) + " " + std::string(made.payload.view());
  };
  EXPECT_EQ(published("__keyspace@1__:u", "set", view_), "__keyspace@5__:db1:u set");
  EXPECT_EQ(published("__keyevent@1__:set", "k:1", view_), "__keyevent@5__:set mail:k:id:1");
  EXPECT_EQ(published("__keyevent@1__:set", "db7:u", strict_), "__keyevent@1__:set db7:u") << "refused";
  EXPECT_EQ(counted_channel("__keyevent@1__:set", "__keyevent@5__:set"), "__keyevent@1__:set");
  EXPECT_EQ(counted_channel("__keyspace@1__:u", "__keyspace@5__:db1:u"), "__keyspace@5__:db1:u");
}

TEST_F(FoldedChannels, AChannelOfEventsIsOneInEachDatabase) {
  const ChannelPattern pattern = translate_channels(*rules_, "__key*@1[0-2]__:*", view_);
  EXPECT_EQ(shown_channels(*rules_, pattern, "__keyevent@5__:set", view_),
            (Patterns{"__keyevent@10__:set", "__keyevent@11__:set", "__keyevent@12__:set"}));
  EXPECT_EQ(shown_channels(*rules_, pattern, "__keyspace@5__:db11:u", view_),
            (Patterns{"__keyspace@11__:u"}));
  EXPECT_EQ(shown_channels(*rules_, pattern, "__keyspace@5__:db1:u", view_), Patterns{});
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
      const auto shown = shown_channels(*set.rules, pattern, upstream, view);
      if (shown.empty()) continue;
      RC_ASSERT(glob_match(glob, shown.front()));
      const bool found = std::ranges::any_of(
          pattern.physical, [&](const std::string& one) { return glob_match(one, upstream); });
      if (!found)
        RC_LOG() << "glob " << ::testing::PrintToString(glob) << " channel " << upstream << " patterns "
                 << ::testing::PrintToString(pattern.physical) << "\n";
      RC_ASSERT(found);
      RC_ASSERT(pattern.of_keys || shown.front() == upstream);
    }
  }
}

// A glob over the number too: `__key*@?__:*`.
std::string odd_glob(RandomScheme& random, const std::string& channel) {
  const std::string_view numbers[] = {"*", "?", "[01]", "[^0]", "1", "0", "[0-2]", "\\1", "1?", "**"};
  const std::string_view words[] = {"__keyspace@", "__keyevent@", "__key*@", "__key????", "_*@", "*@", "?"};
  if (random.chance(3)) return random_glob(random, channel);
  const ChannelName name = read_channel(channel);
  return std::string(words[random.below(std::size(words))]) +
         std::string(numbers[random.below(std::size(numbers))]) + (random.chance(4) ? "*" : "__:") +
         random_glob(random, std::string(name.rest));
}

// A client hears of what happens in its databases as if they were a Redis's own: by the same channels, once each.
RC_GTEST_PROP(FoldedChannelsLaws, AreHeardAsIfDatabasesWereTheirOwn, ()) {
  RandomScheme random(*rc::gen::noShrink(rc::gen::inRange<uint64_t>(0, UINT64_MAX)));
  SchemeSpec spec = folded_spec();
  spec.fold->into = static_cast<int>(random.below(2)) * 5;
  const auto rules = compiled(spec);
  View view = view_of(Naming::kLegacy, Unmatched::kPrefix, "db{db}:");
  rules->prepare(view);
  const std::string_view keys[] = {"k:1", "u", "", "db1:u", "mail:k:id:1", "x:k:1", "__keyspace@1__:u"};
  for (int i = 0; i < 40; ++i) {
    const int db = static_cast<int>(random.below(12));
    const std::string key(keys[random.below(std::size(keys))]);
    const bool keyspace = random.chance(2);
    const std::string own = std::string(keyspace ? "__keyspace@" : "__keyevent@") + std::to_string(db) +
                            "__:" + (keyspace ? key : "set");
    const std::string glob = odd_glob(random, own);
    const ChannelPattern pattern = translate_channels(*rules, glob, view);
    const std::optional<std::string> name =
        shown(*rules, physical(*rules, key, view, db), view, pattern.naming, db);
    RC_ASSERT(name.has_value());
    const Publication sent = physical_publication(*rules, own, keyspace ? "set" : key, view);
    Buffer heard;
    const auto size = hear(*rules, pattern, sent.channel.view(), sent.payload.view(), view, heard);
    const std::string channel = keyspace ? own.substr(0, own.size() - key.size()) + *name : own;
    RC_LOG() << "glob " << glob << " of " << own << " key " << key << " upstream "
             << ::testing::PrintToString(pattern.physical) << " heard " << heard.view() << "\n";
    RC_ASSERT(size.has_value() == glob_match(glob, channel));
    if (!size) continue;
    RC_ASSERT(heard.view().substr(0, *size) == channel);
    RC_ASSERT(heard.view().substr(*size) == (keyspace ? "set" : std::string_view(*name)));
    RC_ASSERT(std::ranges::any_of(pattern.physical,
                                  [&](const auto& one) { return glob_match(one, sent.channel.view()); }));
  }
}

}  // namespace
}  // namespace keyshift::scheme
