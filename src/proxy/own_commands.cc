#include "own_commands.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <fmt/format.h>

#include "keyshift/base/ascii.h"
#include "keyshift/base/frequent.h"
#include "keyshift/plan/explanation.h"
#include "keyshift/proxy/errors.h"
#include "keyshift/proxy/proxy.h"
#include "keyshift/proxy/session.h"
#include "keyshift/proxy/worker.h"
#include "keyshift/resp/number.h"
#include "keyshift/resp/writer.h"

namespace keyshift::proxy {
namespace {

using scheme::Naming;
using telemetry::LoopStats;

// Writes one answer: names and values.
class Answer {
 public:
  Answer(Buffer& out, resp::Protocol protocol) : out_(out), protocol_(protocol) {}

  void list(size_t count) { resp::append_array(out_, count); }
  void map(size_t fields) { resp::append_map(out_, fields, protocol_); }
  void name(std::string_view name) { resp::append_bulk(out_, name); }
  void text(std::string_view text) { resp::append_bulk(out_, text); }
  void number(double value) { resp::append_double(out_, value, protocol_); }
  void null() { resp::append_null(out_, protocol_); }
  void error(std::string_view text) { resp::append_error(out_, text); }

  void field(std::string_view name, std::string_view value) {
    resp::append_bulk(out_, name);
    resp::append_bulk(out_, value);
  }
  void field(std::string_view name, uint64_t value) {
    resp::append_bulk(out_, name);
    resp::append_integer(out_, static_cast<int64_t>(value));
  }

 private:
  Buffer& out_;
  const resp::Protocol protocol_;
};

struct Call {
  const resp::Request& request;
  Session& session;
  Answer answer;

  Worker& worker() const { return session.worker(); }
  const Settings& settings() const { return session.worker().settings(); }
};

const char* phase_name(scheme::Phase phase) {
  return phase == scheme::Phase::kLegacy ? "legacy" : "consolidated";
}

const char* naming_name(Naming naming) {
  return naming == Naming::kLegacy ? "legacy" : "consolidated";
}

const char* kind_name(scheme::Match::Kind kind) {
  constexpr std::array<const char*, 3> kNames = {"rule", "native", "unmatched"};
  return kNames[static_cast<size_t>(kind)];
}

void status(Call& call) {
  Answer& answer = call.answer;
  const Settings& settings = call.settings();
  const Options& options = call.worker().options();
  const auto configuration = call.worker().facts().configuration();
  const auto health = call.worker().facts().health();
  answer.map(13);
  answer.field("version", KEYSHIFT_VERSION);
  answer.field("phase", phase_name(settings.phase));
  answer.field("rules", settings.rules->rules().size());
  answer.field("domains", settings.rules->domains().size());
  answer.field("workers", static_cast<uint64_t>(options.workers));
  answer.field("clients", call.worker().clients().size());
  answer.field("upstream", options.pool.connection.address.text());
  answer.field("upstream_state", health.ready ? "ready" : health.reason);
  answer.field("config_file", configuration.file);
  answer.field("config_state",
               configuration.last_failed ? "the last reload failed, see the log" : "in force");
  answer.field("config_reloads", configuration.reloads);
  answer.field("config_failed_reloads", configuration.failed_reloads);
  answer.field("config_needs_restart", configuration.needs_restart);
}

// CONVERT key [LEGACY | CONSOLIDATED]
void convert(Call& call) {
  const resp::Request& request = call.request;
  const bool to_legacy = request.size() == 4 && is_word(request[3], "legacy");
  if (request.size() > 4 || (request.size() == 4 && !to_legacy && !is_word(request[3], "consolidated")))
    return call.answer.error(errors::kSyntax);
  Buffer name;
  const auto conversion = call.settings().rules->convert(
      request[2], call.session.database(), to_legacy ? Naming::kLegacy : Naming::kConsolidated, name);
  if (conversion == scheme::Ruleset::Conversion::kNone) return call.answer.null();
  call.answer.text(name.view());
}

void append_command(Answer& answer, const plan::ExplainedCommand& command) {
  const auto words = [&answer](const std::vector<std::string>& list) {
    answer.list(list.size());
    for (const std::string& word : list) answer.text(word);
  };
  answer.map(2);
  answer.name("command");
  words(command.sent);
  answer.name("upstream");
  answer.list(command.steps.size());
  for (const auto& step : command.steps) {
    answer.map(2);
    answer.name("command");
    words(step.words);
    answer.field("reply", plan::disposition_name(step.reply));
  }
}

// EXPLAIN key. The fields are those of `keyshift explain --json`.
void explain(Call& call) {
  const plan::Explanation made = plan::explain(call.session.context(), call.request[2]);
  const bool by_rule = made.kind == scheme::Match::Kind::kRule;
  Answer& answer = call.answer;
  const auto optional = [&answer](std::string_view name, const std::optional<std::string>& value) {
    answer.name(name);
    if (value) {
      answer.text(*value);
    } else {
      answer.null();
    }
  };
  answer.map(14);
  answer.field("key", made.key);
  answer.field("kind", kind_name(made.kind));
  optional("side", by_rule ? std::optional<std::string>(naming_name(made.side)) : std::nullopt);
  optional("rule", by_rule ? std::optional(call.settings().rules->rules()[made.rule].title()) : std::nullopt);
  answer.name("captures");
  answer.map(made.captures.size());
  for (const auto& capture : made.captures) answer.field(capture.name, capture.value);
  optional("domain", made.domain.empty() ? std::nullopt : std::optional(made.domain));
  optional("resource", made.resource.empty() ? std::nullopt : std::optional(made.resource));
  answer.field("phase", phase_name(made.phase));
  optional("legacy", made.legacy);
  optional("consolidated", made.consolidated);
  optional("physical", made.physical);
  optional("shown", made.shown);
  optional("shape", made.shape.empty() ? std::nullopt : std::optional(made.shape));
  answer.name("commands");
  answer.list(made.commands.size());
  for (const plan::ExplainedCommand& command : made.commands) append_command(answer, command);
}

// The sums of all loops, by label.
template <class Sums, class Stats>
std::map<std::string, Sums> sums(const Proxy& proxy, telemetry::ByLabel<Stats> LoopStats::*member,
                                 auto&& add) {
  std::map<std::string, Sums> total;
  for (const LoopStats* stats : proxy.stats()) {
    (stats->*member).for_each([&](const std::string& label, const Stats& one) { add(total[label], one); });
  }
  return total;
}

void rules(Call& call) {
  struct Sums {
    uint64_t keys = 0;
    uint64_t rewritten = 0;
  };
  auto counted =
      sums<Sums>(call.worker().proxy(), &LoopStats::rules, [](Sums& sum, const telemetry::RuleStats& one) {
        sum.keys += one.keys.value();
        sum.rewritten += one.rewritten.value();
      });
  const scheme::Ruleset& ruleset = *call.settings().rules;
  Answer& answer = call.answer;
  answer.list(ruleset.rules().size());
  for (const scheme::Rule& rule : ruleset.rules()) {
    const Sums& sum = counted[rule.title()];
    answer.map(7);
    answer.field("legacy", rule.legacy.text());
    answer.field("key", rule.key.text());
    answer.field("domain", ruleset.domains()[rule.domain].name);
    answer.field("phase", phase_name(rule.phase));
    answer.name("db");
    if (rule.db < 0) {
      answer.null();
    } else {
      answer.text(std::to_string(rule.db));
    }
    answer.field("keys", sum.keys);
    answer.field("rewritten", sum.rewritten);
  }
}

// STATS [domain]
void stats(Call& call) {
  if (call.request.size() > 3) return call.answer.error(errors::kSyntax);
  struct Sums {
    uint64_t hits = 0;
    uint64_t misses = 0;
    std::array<uint64_t, telemetry::kTtlActions> rewrites{};
  };
  auto counted = sums<Sums>(call.worker().proxy(), &LoopStats::domains,
                            [](Sums& sum, const telemetry::DomainStats& one) {
                              sum.hits += one.hits.value();
                              sum.misses += one.misses.value();
                              for (size_t i = 0; i < telemetry::kTtlActions; ++i)
                                sum.rewrites[i] += one.ttl_rewrites[i].value();
                            });
  if (call.request.size() == 3) {
    const auto wanted = counted.find(std::string(call.request[2]));
    if (wanted == counted.end()) return call.answer.error(errors::unknown_domain(call.request[2]));
    counted = {*wanted};
  }
  Answer& answer = call.answer;
  answer.list(counted.size());
  for (const auto& [domain, sum] : counted) {
    const uint64_t reads = sum.hits + sum.misses;
    answer.map(4 + telemetry::kTtlActions);
    answer.field("domain", domain);
    answer.field("hits", sum.hits);
    answer.field("misses", sum.misses);
    answer.name("hit_rate");
    if (reads == 0) {
      answer.null();
    } else {
      answer.number(std::round(1e4 * static_cast<double>(sum.hits) / static_cast<double>(reads)) / 1e4);
    }
    for (size_t i = 0; i < telemetry::kTtlActions; ++i)
      answer.field(fmt::format("ttl_{}", telemetry::kTtlActionNames[i]), sum.rewrites[i]);
  }
}

// UNMATCHED [COUNT n]
void unmatched(Call& call) {
  constexpr int64_t kUsual = 10;
  const resp::Request& request = call.request;
  int64_t count = kUsual;
  if (request.size() != 2 && (request.size() != 4 || !is_word(request[2], "count")))
    return call.answer.error(errors::kSyntax);
  if (request.size() == 4 && (!resp::parse_integer(request[3], count) || count < 1))
    return call.answer.error(errors::kNotInteger);

  std::map<std::string, Frequent::Entry> by_shape;
  for (const LoopStats* one : call.worker().proxy().stats()) {
    for (Frequent::Entry& entry : one->unmatched_shapes.sorted()) {
      auto& sum = by_shape[entry.text];
      sum.count += entry.count;
      sum.error += entry.error;
      sum.example = std::move(entry.example);
    }
  }
  std::vector<std::pair<std::string, Frequent::Entry>> sorted(by_shape.begin(), by_shape.end());
  std::ranges::stable_sort(sorted, std::greater(), [](const auto& entry) { return entry.second.count; });
  if (sorted.size() > static_cast<uint64_t>(count)) sorted.resize(static_cast<size_t>(count));
  Answer& answer = call.answer;
  answer.list(sorted.size());
  for (const auto& [shape, entry] : sorted) {
    answer.map(4);
    answer.field("pattern", shape);
    answer.field("count", entry.count);
    answer.field("error", entry.error);
    answer.field("example", entry.example);
  }
}

void reload(Call& call) {
  call.session.reload();
}

void help(Call& call) {
  constexpr std::array<std::string_view, 17> kLines = {
      "KEYSHIFT <subcommand> [<arg> ...]. Subcommands are:",
      "CONVERT <key> [LEGACY|CONSOLIDATED]",
      "    Return the key's name of that kind, by default the consolidated one; null if no rule knows the "
      "key.",
      "EXPLAIN <key>",
      "    Return which rule and domain a key belongs to, its names, its expiry, and what commands on it "
      "become.",
      "RELOAD",
      "    Read the configuration again and put it in force, unless something is wrong with it.",
      "RULES",
      "    Return all rules with how many keys of requests have fitted them.",
      "STATS [<domain>]",
      "    Return hits, misses and expiries set by policy, by domain; the domain '' is the keys of none.",
      "STATUS",
      "    Return version, phase, configuration and upstream.",
      "UNMATCHED [COUNT <n>]",
      "    Return the patterns of keys that no rule and no domain knows, the most frequent first. A sample: "
      "counts",
      "    are estimates, too high by at most `error`.",
      "HELP",
  };
  call.answer.list(kLines.size());
  for (const std::string_view line : kLines) call.answer.text(line);
}

using Handler = void (*)(Call&);

const std::unordered_map<std::string_view, Handler>& handlers() {
  static const std::unordered_map<std::string_view, Handler> kHandlers = {
      {"keyshift|convert", convert}, {"keyshift|explain", explain},     {"keyshift|help", help},
      {"keyshift|reload", reload},   {"keyshift|rules", rules},         {"keyshift|stats", stats},
      {"keyshift|status", status},   {"keyshift|unmatched", unmatched},
  };
  return kHandlers;
}

}  // namespace

void run_own_command(const command::Row& row, const resp::Request& request, Session& session, Buffer& reply) {
  Call call{request, session, Answer(reply, session.protocol())};
  const auto handler = handlers().find(row.name);
  if (handler == handlers().end()) return call.answer.error(errors::wrong_arity(row.name));
  handler->second(call);
}

}  // namespace keyshift::proxy
