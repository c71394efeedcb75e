// Keys of the migration guides: each legacy name with the key of the standard scheme that it becomes, and back.
#include "scheme_fixture.h"

namespace keyshift::scheme {
namespace {

struct Row {
  const char* legacy_template;
  const char* key_template;
  const char* legacy;
  const char* key;
};

const Row kGuide[] = {
    {"writing_stats:{user}:{days:int}d", "analytics:writing_stats:user:{user}:days:{days}d",
     "writing_stats:user123:30d", "analytics:writing_stats:user:user123:days:30d"},
    {"topics:{user}:list", "content:topics:user:{user}", "topics:0f8fad5b:list",
     "content:topics:user:0f8fad5b"},
    {"task_metrics:{id}", "celery:task_metrics:id:{id}", "task_metrics:task123",
     "celery:task_metrics:id:task123"},
    {"daily_{user}_{date:date}", "analytics:daily:user:{user}:date:{date}", "daily_user123_20250806",
     "analytics:daily:user:user123:date:20250806"},
    {"mood:{user}:{range}", "analytics:mood_trends:user:{user}:range:{range}", "mood:user123:7d",
     "analytics:mood_trends:user:user123:range:7d"},
    {"profile:{user}", "psychology:profile:user:{user}", "profile:user123",
     "psychology:profile:user:user123"},
    {"content_analysis/{content}", "psychology:content_analysis:content:{content}",
     "content_analysis/content456", "psychology:content_analysis:content:content456"},
    {"insights:{type:emotional|social}:{user}", "psychology:insights:user:{user}:type:{type}",
     "insights:emotional:user123", "psychology:insights:user:user123:type:emotional"},
    {"crisis_assessment:{hash:hex}", "crisis:assessment:hash:{hash}", "crisis_assessment:abc12345",
     "crisis:assessment:hash:abc12345"},
    {"risk-{user}", "crisis:user_risk:user:{user}", "risk-user123", "crisis:user_risk:user:user123"},
    {"system_health", "maintenance:system_health", "system_health", "maintenance:system_health"},
    {"session{id}", "session:data:id:{id}", "sessionsession789", "session:data:id:session789"},
    {"model:{name}@{version}", "ai_model:instance:name:{name}:version:{version}", nullptr, nullptr},
    {"worker:{name}:status", "celery:worker_status:name:{name}", "worker:worker1:status",
     "celery:worker_status:name:worker1"},
};

SchemeSpec guide_spec(Phase phase) {
  Pairs pairs;
  for (const Row& row : kGuide) {
    if (row.legacy != nullptr) pairs.emplace_back(row.legacy_template, row.key_template);
  }
  SchemeSpec spec = spec_of(pairs, phase);
  for (const char* name :
       {"analytics", "psychology", "crisis", "maintenance", "session", "ai_model", "content"}) {
    spec.domains.push_back({name, {}, {}, name});
  }
  return spec;
}

TEST(Convert, GuideNamesGoBothWaysInEveryPhaseAndView) {
  for (const Phase phase : {Phase::kLegacy, Phase::kConsolidated}) {
    const auto rules = compiled(guide_spec(phase));
    for (const Naming naming : {Naming::kLegacy, Naming::kConsolidated}) {
      const View view = view_of(naming);
      for (const Row& row : kGuide) {
        if (row.legacy == nullptr) continue;
        SCOPED_TRACE(row.legacy);
        const char* const in_redis = phase == Phase::kLegacy ? row.legacy : row.key;
        const char* const in_reply = naming == Naming::kLegacy ? row.legacy : row.key;
        EXPECT_EQ(physical(*rules, row.legacy, view), in_redis);
        EXPECT_EQ(physical(*rules, row.key, view), in_redis);
        EXPECT_EQ(shown(*rules, in_redis, view), in_reply);
        EXPECT_EQ(shown(*rules, phase == Phase::kLegacy ? row.key : row.legacy, view), std::nullopt)
            << "a dead copy";
        EXPECT_EQ(converted(*rules, row.legacy, Naming::kConsolidated), row.key);
        EXPECT_EQ(converted(*rules, row.key, Naming::kConsolidated), row.key);
        EXPECT_EQ(converted(*rules, row.key, Naming::kLegacy), row.legacy);
        EXPECT_EQ(converted(*rules, "unknown", Naming::kLegacy), "(none)");
      }
    }
  }
}

TEST(Convert, TwoSegsBesideAByteThatBothCanHoldAreRefused) {
  EXPECT_NE(
      errors_of(spec_of({{"model:{name}@{version}", "ai_model:instance:name:{name}:version:{version}"}}))
          .find("`model:a@@a` is name=`a`, version=`@a`, or name=`a@`, version=`a`"),
      std::string::npos);
}

TEST(Convert, GuideKeysWithoutARuleAreNativeToTheirDomain) {
  const auto rules = compiled(guide_spec(Phase::kConsolidated));
  const View view = view_of(Naming::kLegacy, Unmatched::kRefuse);
  for (const char* key :
       {"crisis:trends:timeframe:7d", "maintenance:component_status:component:database",
        "maintenance:performance_metrics", "session:activity:user:user123",
        "ai_model:instance:name:bert:version:latest", "ai_model:prompt:hash:xyz789:model:gpt4"}) {
    const Match match = rules->match(key, 0, view);
    EXPECT_EQ(match.kind, Match::Kind::kNative) << key;
    EXPECT_TRUE(match.identity);
    ASSERT_NE(match.domain, Match::kNone);
    EXPECT_EQ(rules->domains()[match.domain].name, std::string(key).substr(0, std::string(key).find(':')));
    EXPECT_EQ(shown(*rules, key, view), key);
  }
  EXPECT_EQ(rules->match("celery:other", 0, view).kind, Match::Kind::kUnmatched)
      << "only rules name that domain";
  EXPECT_TRUE(rules->match("analytics", 0, view).refused);
}

}  // namespace
}  // namespace keyshift::scheme
