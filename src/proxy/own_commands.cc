#include "own_commands.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <fmt/format.h>

#include "answer.h"
#include "explanation_answer.h"
#include "keyshift/base/ascii.h"
#include "keyshift/base/frequent.h"
#include "keyshift/plan/explanation.h"
#include "keyshift/proxy/errors.h"
#include "keyshift/proxy/proxy.h"
#include "keyshift/proxy/session.h"
#include "keyshift/proxy/worker.h"
#include "keyshift/resp/number.h"
#include "keyshift/scheme/names.h"

namespace keyshift::proxy {
namespace {

using scheme::Naming;
using scheme::phase_name;
using telemetry::LoopStats;

struct Call {
  const resp::Request& request;
  Session& session;
  Answer answer;

  Worker& worker() const { return session.worker(); }
  const Settings& settings() const { return session.worker().settings(); }
};

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

void scripts(Call& call) {
  using Entry = telemetry::ScriptCounts::Entry;
  std::map<std::string, Entry> by_script;
  for (const LoopStats* one : call.worker().proxy().stats()) {
    for (Entry& entry : one->scripts.entries()) {
      Entry& sum = by_script[entry.script];
      sum.calls += entry.calls;
      sum.suspicious += entry.suspicious;
      sum.example = std::move(entry.example);
      sum.rule = std::move(entry.rule);
    }
  }
  std::vector<std::pair<std::string, Entry>> sorted(by_script.begin(), by_script.end());
  std::ranges::stable_sort(sorted, std::greater(), [](const auto& entry) { return entry.second.suspicious; });
  Answer& answer = call.answer;
  answer.list(sorted.size());
  for (const auto& [script, entry] : sorted) {
    answer.map(5);
    answer.field("script", script);
    answer.field("calls", entry.calls);
    answer.field("suspicious", entry.suspicious);
    answer.field("example", entry.example);
    answer.field("rule", entry.rule);
  }
}

void reload(Call& call) {
  call.session.reload();
}

void explain(Call& call) {
  append_explanation(plan::explain(call.session.context(), call.request[2]), *call.settings().rules,
                     call.answer);
}

void help(Call& call) {
  constexpr std::array<std::string_view, 20> kLines = {
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
      "SCRIPTS",
      "    Return the scripts that were given an argument which a rule would rename if it were a key, by "
      "SHA. "
      "`calls`",
      "    are counted from the first such call on.",
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
      {"keyshift|convert", convert}, {"keyshift|explain", explain}, {"keyshift|help", help},
      {"keyshift|reload", reload},   {"keyshift|rules", rules},     {"keyshift|scripts", scripts},
      {"keyshift|stats", stats},     {"keyshift|status", status},   {"keyshift|unmatched", unmatched},
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
