#include "keyshift/plan/explanation.h"

#include "keyshift/base/check.h"
#include "keyshift/command/table.h"
#include "keyshift/plan/planned_key.h"
#include "keyshift/resp/request_parser.h"
#include "keyshift/resp/writer.h"
#include "keyshift/scheme/shape.h"

namespace keyshift::plan {

using scheme::Match;
using scheme::Naming;

namespace {

// The numbers that jitter draws must not change from one explanation to the next.
constexpr uint64_t kSeed = 0x9e3779b97f4a7c15;

std::optional<std::string> physical_of(const Context& context, std::string_view name) {
  const Match match = context.rules->match(name, context.database, context.view);
  if (match.refused) return std::nullopt;
  Buffer out;
  context.rules->append_physical(match, name, out);
  return std::string(out.view());
}

// One side of the rule with the captures of `key`.
std::string name_of(const scheme::Template& side, const Match& match, std::string_view key) {
  std::string name;
  for (const scheme::Piece& piece : side.pieces()) {
    if (piece.is_literal()) {
      name += piece.literal;
    } else {
      const scheme::Span span = match.captures[static_cast<size_t>(piece.capture)];
      name += key.substr(span.offset, span.length);
    }
  }
  return name;
}

void explain_rule(const Context& context, const Match& match, Explanation& made) {
  const scheme::Rule& rule = context.rules->rules()[match.rule];
  made.rule = match.rule;
  made.side = match.side;
  made.phase = rule.phase;
  const auto& captures = rule.side(match.side).captures();
  for (size_t i = 0; i < captures.size(); ++i) {
    const scheme::Span span = match.captures[i];
    made.captures.push_back({captures[i].name, captures[i].type, made.key.substr(span.offset, span.length)});
  }
  // A name counts only if it leads to the same key.
  const auto leads_here = [&](std::string name) {
    return physical_of(context, name) == made.physical ? std::optional(std::move(name)) : std::nullopt;
  };
  made.legacy = leads_here(name_of(rule.legacy, match, made.key));
  made.consolidated = leads_here(name_of(rule.key, match, made.key));
}

void explain_others(const Context& context, const Match& match, Explanation& made) {
  using Why = Explanation::Other::Why;
  for (const scheme::Reading& reading : context.rules->readings(made.key, context.view)) {
    if (match.kind == Match::Kind::kRule && reading.rule == match.rule && reading.side == match.side)
      continue;
    const int db = context.rules->rules()[reading.rule].db;
    const Why why = db >= 0 && db != context.database ? Why::kOtherDatabase
                    : reading.side != match.side      ? Why::kOtherNaming
                                                      : Why::kLessSpecific;
    made.others.push_back({reading.rule, reading.side, why});
  }
}

// The domain's name, the resource behind it, and where the policy comes from.
void explain_policy(const Context& context, const Match& match, Explanation& made) {
  made.policy = context.rules->policy(match.policy);
  if (match.domain == Match::kNone) return;
  const scheme::Domain& domain = context.rules->domains()[match.domain];
  made.domain = domain.name;
  if (domain.configured) {
    made.policy_source = match.policy == domain.policy ? Explanation::PolicySource::kDomain
                                                       : Explanation::PolicySource::kResource;
  }
  const std::string consolidated = match.kind == Match::Kind::kRule
                                       ? name_of(context.rules->rules()[match.rule].key, match, made.key)
                                       : made.key;
  const size_t colon = consolidated.find(':');
  if (colon == std::string::npos) return;
  made.resource = consolidated.substr(colon + 1, consolidated.find(':', colon + 1) - colon - 1);
}

}  // namespace

ExplainedCommand explain_command(const Context& context, const std::vector<std::string>& words) {
  Buffer encoded;
  resp::append_array(encoded, words.size());
  for (const std::string& word : words) resp::append_bulk(encoded, word);
  resp::RequestParser parser;
  KEYSHIFT_CHECK(parser.parse(encoded.view()) == resp::RequestParser::Status::kRequest, "our own encoding");
  const resp::Request request = parser.request(encoded.view());
  const command::Match found =
      command::Table::built_in().find(request[0], request.size() > 1 ? request[1] : std::string_view());
  KEYSHIFT_CHECK(found.row != nullptr && found.row->takes(request.size()), "no such command");

  ExplainedCommand made;
  made.sent = words;
  Buffer out;
  Plan plan;
  Planner(kSeed).make(*found.row, request, context, out, plan);
  made.refusal = plan.refusal;
  made.keys = plan.keys;
  std::string_view rest = out.view();
  for (const Disposition disposition : plan.steps) {
    resp::RequestParser step_parser;
    KEYSHIFT_CHECK(step_parser.parse(rest) == resp::RequestParser::Status::kRequest,
                   "the planner's encoding");
    const resp::Request sent = step_parser.request(rest);
    ExplainedCommand::Step& step = made.steps.emplace_back();
    step.reply = disposition;
    for (uint32_t i = 0; i < sent.size(); ++i) step.words.emplace_back(sent[i]);
    rest.remove_prefix(step_parser.frame_size());
  }
  return made;
}

Explanation explain(const Context& context, std::string_view key) {
  const scheme::Ruleset& rules = *context.rules;
  Explanation made;
  made.key = key;
  made.database = context.database;
  made.view = context.view.naming;
  made.unmatched = context.view.unmatched;

  const Match match = rules.match(key, context.database, context.view);
  made.kind = match.kind;
  made.physical = physical_of(context, key);
  switch (match.kind) {
    case Match::Kind::kRule:
      explain_rule(context, match, made);
      break;
    case Match::Kind::kNative:
      made.phase = rules.domains()[match.domain].phase;
      made.consolidated = made.key;
      break;
    case Match::Kind::kUnmatched:
      made.shape = scheme::shape_of(key);
      break;
  }
  explain_others(context, match, made);
  explain_policy(context, match, made);

  Buffer name;
  if (made.physical && rules.shown(*made.physical, context.database, context.view, name))
    made.shown = std::string(name.view());
  made.stored_is_reachable = rules.shown(key, context.database, context.view, name);

  const std::string text(key);
  made.commands.push_back(explain_command(context, {"SET", text, "value"}));
  made.commands.push_back(explain_command(context, {"GET", text}));
  made.commands.push_back(explain_command(context, {"DEL", text}));
  return made;
}

const char* policy_source_name(Explanation::PolicySource source) {
  constexpr std::array<const char*, 3> kNames = {"none", "domain", "resource"};
  return kNames[static_cast<size_t>(source)];
}

const char* reason_name(Explanation::Other::Why why) {
  constexpr std::array<const char*, 3> kNames = {"less specific", "other view", "other database"};
  return kNames[static_cast<size_t>(why)];
}

const char* disposition_name(Disposition disposition) {
  switch (disposition) {
    case Disposition::kRelay:
      return "relay";
    case Disposition::kMap:
      return "map";
    case Disposition::kDiscard:
      return "discard";
  }
  return "relay";
}

}  // namespace keyshift::plan
