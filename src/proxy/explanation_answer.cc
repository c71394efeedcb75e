#include "explanation_answer.h"

#include "keyshift/scheme/names.h"

namespace keyshift::proxy {

using scheme::naming_name;
using scheme::phase_name;
using scheme::unmatched_name;

namespace {

void append_command(Answer& answer, const plan::ExplainedCommand& command) {
  const auto words = [&answer](const std::vector<std::string>& list) {
    answer.list(list.size());
    for (const std::string& word : list) answer.text(word);
  };
  answer.map(3);
  answer.name("command");
  words(command.sent);
  answer.field("refused", command.refusal == plan::Refusal::kNone ? 0u : 1u);
  answer.name("upstream");
  answer.list(command.steps.size());
  for (const auto& step : command.steps) {
    answer.map(2);
    answer.name("command");
    words(step.words);
    answer.field("reply", plan::disposition_name(step.reply));
  }
}

// Number, templates and database of a rule, in a map of `more` fields besides.
void append_rule(Answer& answer, const scheme::Ruleset& rules, uint32_t index, size_t more) {
  const scheme::Rule& rule = rules.rules()[index];
  answer.map(5 + more);
  answer.field("number", index + 1);
  answer.field("location", rule.location);
  answer.field("legacy", rule.legacy.text());
  answer.field("key", rule.key.text());
  answer.name("db");
  if (rule.db < 0) {
    answer.null();
  } else {
    answer.integer(rule.db);
  }
}

void append_ttl(Answer& answer, const plan::Explanation& made) {
  const scheme::TtlPolicy& policy = made.policy;
  const auto bound = [&answer](std::string_view name, int64_t ms) {
    answer.name(name);
    if (ms == scheme::TtlPolicy::kUnset) {
      answer.null();
    } else {
      answer.integer(ms);
    }
  };
  answer.map(6);
  bound("default_ms", policy.default_ms);
  bound("min_ms", policy.min_ms);
  bound("max_ms", policy.max_ms);
  answer.field("mode", scheme::ttl_mode_name(policy.mode));
  answer.name("jitter");
  answer.number(policy.jitter);
  answer.field("from", plan::policy_source_name(made.policy_source));
}

void append_others(Answer& answer, const scheme::Ruleset& rules, const plan::Explanation& made) {
  answer.list(made.others.size());
  for (const plan::Explanation::Other& other : made.others) {
    append_rule(answer, rules, other.rule, 2);
    answer.field("side", naming_name(other.side));
    answer.field("reason", plan::reason_name(other.why));
  }
}

}  // namespace

void append_explanation(const plan::Explanation& made, const scheme::Ruleset& rules, Answer& answer) {
  const bool by_rule = made.kind == scheme::Match::Kind::kRule;
  const bool unmatched = made.kind == scheme::Match::Kind::kUnmatched;
  answer.map(20);
  answer.field("key", made.key);
  answer.field("db", static_cast<uint64_t>(made.database));
  answer.field("view", naming_name(made.view));
  answer.field("kind", scheme::match_kind_name(made.kind));
  answer.optional("side", by_rule ? std::optional<std::string>(naming_name(made.side)) : std::nullopt);
  answer.name("rule");
  if (by_rule) {
    append_rule(answer, rules, made.rule, 0);
  } else {
    answer.null();
  }
  answer.name("captures");
  answer.map(made.captures.size());
  for (const auto& capture : made.captures) answer.field(capture.name, capture.value);
  answer.optional("domain", made.domain.empty() ? std::nullopt : std::optional(made.domain));
  answer.optional("resource", made.resource.empty() ? std::nullopt : std::optional(made.resource));
  answer.optional("phase", unmatched ? std::nullopt : std::optional<std::string>(phase_name(made.phase)));
  answer.name("ttl");
  append_ttl(answer, made);
  answer.optional("legacy", made.legacy);
  answer.optional("consolidated", made.consolidated);
  answer.optional("physical", made.physical);
  answer.optional("shown", made.shown);
  answer.field("reachable", made.stored_is_reachable ? 1u : 0u);
  answer.optional("unmatched",
                  unmatched ? std::optional<std::string>(unmatched_name(made.unmatched)) : std::nullopt);
  answer.optional("shape", unmatched ? std::optional(made.shape) : std::nullopt);
  answer.name("others");
  append_others(answer, rules, made);
  answer.name("commands");
  answer.list(made.commands.size());
  for (const plan::ExplainedCommand& command : made.commands) append_command(answer, command);
}

}  // namespace keyshift::proxy
