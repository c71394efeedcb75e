#include "keyshift/admin/metrics.h"

#include <limits>
#include <map>
#include <string>
#include <utility>

#include "keyshift/command/row.h"
#include "keyshift/telemetry/loop_stats.h"

namespace keyshift::admin {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using telemetry::Counter;
using telemetry::LoopStats;

using AllStats = std::vector<const LoopStats*>;
// The counters of one label, on all loops that have it.
template <class Stats>
using ByLabel = std::map<std::string, std::vector<const Stats*>>;

template <class Stats>
ByLabel<Stats> by_label(const AllStats& all, telemetry::ByLabel<Stats> LoopStats::*member) {
  ByLabel<Stats> found;
  for (const LoopStats* stats : all) {
    (stats->*member).for_each([&found](const std::string& label, const Stats& one) {
      found[label].push_back(&one);
    });
  }
  return found;
}
using Labels = std::vector<ClientMetric::Label>;

// Numbers without labels: one row a metric.
struct Plain {
  const char* name;
  MetricType type;
  Counter LoopStats::*counter;
  const char* help;
};
constexpr Plain kPlain[] = {
    {"keyshift_client_connections", MetricType::Gauge, &LoopStats::clients, "Client connections open now."},
    {"keyshift_client_connections_accepted_total", MetricType::Counter, &LoopStats::clients_accepted,
     "Client connections accepted."},
    {"keyshift_client_connections_dropped_total", MetricType::Counter, &LoopStats::clients_dropped,
     "Client connections closed by Keyshift: a limit, a protocol error, CLIENT KILL. The log says which."},
    {"keyshift_subscribers", MetricType::Gauge, &LoopStats::subscribers,
     "Clients that are subscribed to any channel or pattern now."},
    {"keyshift_subscribers_dropped_total", MetricType::Counter, &LoopStats::subscribers_dropped,
     "Subscribers closed because they did not read: more than limits.subscriber_output waited for them."},
    {"keyshift_subscriptions_renewed_total", MetricType::Counter, &LoopStats::subscriptions_renewed,
     "Channels and patterns subscribed to again after the loss of the subscriber connection. What was "
     "published in "
     "between did not reach their subscribers."},
    {"keyshift_messages_received_total", MetricType::Counter, &LoopStats::messages_received,
     "Published messages that the upstream sent, once for all subscribers of a worker."},
    {"keyshift_messages_delivered_total", MetricType::Counter, &LoopStats::messages_delivered,
     "Published messages given to clients, one for each subscription."},
    {"keyshift_upstream_connections", MetricType::Gauge, &LoopStats::upstream_connected,
     "Upstream connections open now; never more than upstream.pool_size."},
    {"keyshift_upstream_connects_total", MetricType::Counter, &LoopStats::upstream_connects,
     "Upstream connections made. A rise without a restart of the upstream means that they are being lost."},
    {"keyshift_upstream_failures_total", MetricType::Counter, &LoopStats::upstream_failures,
     "Failed connects and lost upstream connections."},
    {"keyshift_upstream_pending_replies", MetricType::Gauge, &LoopStats::upstream_waiting,
     "Replies that the upstream owes now."},
    {"keyshift_upstream_errors_total", MetricType::Counter, &LoopStats::upstream_errors,
     "Error replies of the upstream."},
    {"keyshift_request_timeouts_total", MetricType::Counter, &LoopStats::timeouts,
     "Requests that got no reply within upstream.reply_timeout."},
    {"keyshift_requests_lost_total", MetricType::Counter, &LoopStats::lost,
     "Requests that failed because their upstream connection did."},
    {"keyshift_script_undeclared_keys_total", MetricType::Counter, &LoopStats::script_undeclared_keys,
     "Arguments of scripts that look like keys a rule renames: such a script may look under the old name. "
     "KEYSHIFT "
     "SCRIPTS says which scripts, and scripts = \"map\" of a listener mends them."},
    {"keyshift_error_replies_total", MetricType::Counter, &LoopStats::client_errors,
     "Error replies that Keyshift made itself."},
};

template <class Stats>
uint64_t sum(const std::vector<const Stats*>& all, auto&& counter_of) {
  uint64_t total = 0;
  for (const Stats* stats : all) total += counter_of(*stats).value();
  return total;
}

ClientMetric number(MetricType type, uint64_t value, Labels labels = {}) {
  ClientMetric metric;
  metric.label = std::move(labels);
  (type == MetricType::Gauge ? metric.gauge.value : metric.counter.value) = static_cast<double>(value);
  return metric;
}

MetricFamily counters(std::string name, std::string help) {
  return {std::move(name), std::move(help), MetricType::Counter, {}};
}

void add_plain(const AllStats& all, std::vector<MetricFamily>& families) {
  for (const Plain& row : kPlain) {
    const uint64_t value =
        sum(all, [&row](const LoopStats& stats) -> const Counter& { return stats.*row.counter; });
    families.push_back({row.name, row.help, row.type, {number(row.type, value)}});
  }
}

void add_traffic(const AllStats& all, std::vector<MetricFamily>& families) {
  const auto bytes = [&all](const char* name, const char* help, Counter LoopStats::*client,
                            Counter LoopStats::*upstream) {
    MetricFamily family = counters(name, help);
    for (const auto& [side, counter] : {std::pair{"client", client}, std::pair{"upstream", upstream}}) {
      const auto member = counter;
      family.metric.push_back(
          number(MetricType::Counter,
                 sum(all, [member](const LoopStats& stats) -> const Counter& { return stats.*member; }),
                 {{"side", side}}));
    }
    return family;
  };
  families.push_back(bytes("keyshift_received_bytes_total",
                           "Bytes received from clients and from the upstream.",
                           &LoopStats::client_received_bytes, &LoopStats::upstream_received_bytes));
  families.push_back(bytes("keyshift_sent_bytes_total", "Bytes sent to clients and to the upstream.",
                           &LoopStats::client_sent_bytes, &LoopStats::upstream_sent_bytes));
}

void add_families(const AllStats& all, std::vector<MetricFamily>& families) {
  MetricFamily commands = counters("keyshift_commands_total", "Commands of clients, by family.");
  MetricFamily durations{"keyshift_request_duration_seconds",
                         "From a request's arrival to the end of its reply, by family of the command.",
                         MetricType::Histogram,
                         {}};
  for (size_t i = 0; i < command::kFamilyCount; ++i) {
    const Labels label = {{"family", std::string(command::family_name(static_cast<command::Family>(i)))}};
    commands.metric.push_back(
        number(MetricType::Counter,
               sum(all, [i](const LoopStats& stats) -> const Counter& { return stats.commands[i]; }), label));
    ClientMetric histogram;
    histogram.label = label;
    uint64_t cumulative = 0;
    for (size_t bucket = 0; bucket < telemetry::Histogram::kBuckets; ++bucket) {
      for (const LoopStats* stats : all) cumulative += stats->durations[i].bucket(bucket);
      const bool last = bucket == telemetry::Histogram::kBoundsUs.size();
      const double bound = last ? std::numeric_limits<double>::infinity()
                                : static_cast<double>(telemetry::Histogram::kBoundsUs[bucket]) / 1e6;
      histogram.histogram.bucket.push_back({cumulative, bound});
    }
    if (cumulative == 0) continue;  // a family that nobody uses needs no seventeen lines
    histogram.histogram.sample_count = cumulative;
    for (const LoopStats* stats : all) {
      histogram.histogram.sample_sum += static_cast<double>(stats->durations[i].sum_ns()) / 1e9;
    }
    durations.metric.push_back(std::move(histogram));
  }
  families.push_back(std::move(commands));
  families.push_back(std::move(durations));
}

void add_domains(const AllStats& all, std::vector<MetricFamily>& families) {
  using telemetry::DomainStats;
  MetricFamily hits = counters("keyshift_hits_total", "Reads that found what they asked for, by domain.");
  MetricFamily misses =
      counters("keyshift_misses_total",
               "Reads that did not, by domain. Compare with keyshift_hits_total: a domain whose hit "
               "rate falls went cold.");
  MetricFamily rewrites = counters("keyshift_ttl_rewrites_total", "Expiries set or changed by policy.");
  MetricFamily observed =
      counters("keyshift_ttl_observed_total",
               "Expiries that the policy would have set or changed but for phase legacy.");
  for (const auto& [name, stats] : by_label(all, &LoopStats::domains)) {
    const auto add = [&stats = stats](MetricFamily& family, auto&& counter_of, Labels labels) {
      family.metric.push_back(number(MetricType::Counter, sum(stats, counter_of), std::move(labels)));
    };
    add(hits, [](const DomainStats& one) -> const Counter& { return one.hits; }, {{"domain", name}});
    add(misses, [](const DomainStats& one) -> const Counter& { return one.misses; }, {{"domain", name}});
    if (name.empty()) continue;
    for (size_t action = 0; action < telemetry::kTtlActions; ++action) {
      const Labels labels = {{"domain", name}, {"action", telemetry::kTtlActionNames[action]}};
      const auto of = [action](auto member) {
        return [action, member](const DomainStats& one) -> const Counter& { return (one.*member)[action]; };
      };
      add(rewrites, of(&DomainStats::ttl_rewrites), labels);
      add(observed, of(&DomainStats::ttl_observed), labels);
    }
  }
  for (auto* family : {&hits, &misses, &rewrites, &observed}) families.push_back(std::move(*family));
}

void add_rules(const AllStats& all, std::vector<MetricFamily>& families) {
  using telemetry::RuleStats;
  MetricFamily keys =
      counters("keyshift_rule_keys_total", "Keys in requests that fit a rule, under either name.");
  MetricFamily rewritten =
      counters("keyshift_rule_rewritten_keys_total",
               "Those of them that went upstream under another name, or would have but for phase "
               "legacy.");
  for (const auto& [title, stats] : by_label(all, &LoopStats::rules)) {
    const Labels label = {{"rule", title}};
    const auto count = [](Counter RuleStats::*member) {
      return [member](const RuleStats& one) -> const Counter& { return one.*member; };
    };
    keys.metric.push_back(number(MetricType::Counter, sum(stats, count(&RuleStats::keys)), label));
    rewritten.metric.push_back(number(MetricType::Counter, sum(stats, count(&RuleStats::rewritten)), label));
  }
  families.push_back(std::move(keys));
  families.push_back(std::move(rewritten));

  MetricFamily unmatched =
      counters("keyshift_unmatched_keys_total",
               "Keys in requests that fit no rule and no domain, by what was done with them.");
  for (size_t i = 0; i < telemetry::kUnmatchedActions; ++i) {
    unmatched.metric.push_back(
        number(MetricType::Counter,
               sum(all, [i](const LoopStats& stats) -> const Counter& { return stats.unmatched[i]; }),
               {{"action", telemetry::kUnmatchedActionNames[i]}}));
  }
  families.push_back(std::move(unmatched));
}

void add_subscriptions(const AllStats& all, std::vector<MetricFamily>& families) {
  MetricFamily family{
      "keyshift_subscriptions",
      "Channels, patterns and shard channels that the workers are subscribed to at the upstream now.",
      MetricType::Gauge,
      {}};
  for (size_t kind = 0; kind < telemetry::kSubscriptionKinds; ++kind) {
    family.metric.push_back(number(
        MetricType::Gauge,
        sum(all, [kind](const LoopStats& stats) -> const Counter& { return stats.subscriptions[kind]; }),
        {{"kind", telemetry::kSubscriptionKindNames[kind]}}));
  }
  families.push_back(std::move(family));
}

// What a person who has edited the file wants to know: is it in force?
void add_configuration(const proxy::Facts::Configuration& facts, std::vector<MetricFamily>& families) {
  MetricFamily reloads =
      counters("keyshift_config_reloads_total",
               "Reloads of the configuration, by result. A failed one changes nothing: the "
               "log says what is wrong.");
  reloads.metric.push_back(number(MetricType::Counter, facts.reloads, {{"result", "applied"}}));
  reloads.metric.push_back(number(MetricType::Counter, facts.failed_reloads, {{"result", "failed"}}));
  families.push_back(std::move(reloads));
  const auto gauge = [&families](const char* name, const char* help, uint64_t value) {
    families.push_back({name, help, MetricType::Gauge, {number(MetricType::Gauge, value)}});
  };
  gauge("keyshift_config_last_reload_successful",
        "0 after a failed reload: the file is wrong, and what it says is not in force.",
        facts.last_failed ? 0 : 1);
  gauge("keyshift_config_applied_timestamp_seconds", "When the configuration in force was read.",
        static_cast<uint64_t>(facts.applied_unix_ms / 1000));
  gauge("keyshift_config_restart_needed",
        "1 when the reloaded file changes options that only a restart brings; the log names them.",
        facts.needs_restart.empty() ? 0 : 1);
}

}  // namespace

std::vector<MetricFamily> collect_metrics(const proxy::Proxy& proxy) {
  std::vector<MetricFamily> families;
  const AllStats all = proxy.stats();
  const auto health = proxy.facts().health();
  families.push_back({"keyshift_build_info",
                      "Always 1; the label says which version runs.",
                      MetricType::Gauge,
                      {number(MetricType::Gauge, 1, {{"version", KEYSHIFT_VERSION}})}});
  families.push_back({"keyshift_upstream_ready",
                      "1 while the upstream is reachable and takes writes.",
                      MetricType::Gauge,
                      {number(MetricType::Gauge, health.ready ? 1 : 0)}});
  add_configuration(proxy.facts().configuration(), families);
  add_plain(all, families);
  add_traffic(all, families);
  add_families(all, families);
  add_domains(all, families);
  add_rules(all, families);
  add_subscriptions(all, families);
  return families;
}

}  // namespace keyshift::admin
