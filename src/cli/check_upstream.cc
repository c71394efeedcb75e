#include "check_upstream.h"

#include <algorithm>
#include <chrono>
#include <iostream>

#include <fmt/format.h>
#include <unistd.h>

#include "keyshift/base/printable.h"
#include "keyshift/migrate/dialogue.h"

namespace keyshift::cli {
namespace {

using migrate::DatabaseCount;
using migrate::KeyCount;
using migrate::RuleCount;
using migrate::ServerFacts;
using scheme::Naming;
using Severity = Finding::Severity;

// Shapes that are counted; what is rarer than one key in so many may be lost.
constexpr size_t kShapes = 2000;

// ---- asking

// The reason, and what the operator can do about it.
std::string with_advice(const Address& address, const std::string& reason) {
  const auto begins = [&](std::string_view word) { return reason.starts_with(word); };
  std::string advice;
  if (begins("NOAUTH")) {
    advice = "it wants a password: upstream.password, or REDIS_PASSWORD";
  } else if (begins("WRONGPASS") || begins("ERR AUTH") || begins("ERR invalid password")) {
    advice = "upstream.username and upstream.password are not those of this server";
  } else if (reason.find("NOPERM") != std::string::npos) {
    advice = "the user needs +ping +info +select +scan +pttl +exists ~*";
  } else if (reason.find("refused") != std::string::npos ||
             reason.find("No such file") != std::string::npos) {
    advice = "is it running, and is upstream.url right?";
  } else if (begins("no answer")) {
    advice = "is upstream.url right, and does a firewall let us through?";
  }
  return fmt::format("cannot ask the upstream {}: {}{}{}", address.text(), reason, advice.empty() ? "" : "; ",
                     advice);
}

// A line on the terminal that is written again and again, and wiped at the end.
class Progress {
 public:
  Progress(Console& console, uint64_t expected)
      : err_(console.err),
        expected_(expected),
        shown_(&console.err == &std::cerr && ::isatty(STDERR_FILENO) == 1) {}
  ~Progress() {
    if (shown_) err_ << "\r\x1b[K" << std::flush;
  }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void show(uint64_t done) {
    const auto now = std::chrono::steady_clock::now();
    if (!shown_ || now - last_ < std::chrono::milliseconds(100)) return;
    last_ = now;
    err_ << fmt::format("\r\x1b[K{} of {} counted ({})", count_text(done), counted(expected_, "key"),
                        share_text(std::min(done, expected_), expected_))
         << std::flush;
  }

 private:
  std::ostream& err_;
  uint64_t expected_;
  bool shown_;
  std::chrono::steady_clock::time_point last_;
};

// ---- judging

class Judgement {
 public:
  Judgement(const config::Config& config, const UpstreamReport& report)
      : config_(config), report_(report), total_(report.survey->total()) {}

  Findings run() {
    server();
    memory();
    rules();
    unmatched();
    return std::move(found_);
  }

 private:
  void add(Severity severity, std::string check, std::string text, std::string location = "",
           std::vector<std::string> keys = {}) {
    found_.push_back({severity, std::move(check), std::move(text), std::move(location), std::move(keys)});
  }

  void server() {
    const ServerFacts& facts = report_.facts;
    if (!facts.supported)
      add(Severity::kWarning, "version",
          fmt::format("{} {} is not supported: default expiries need EXPIRE ... NX of Redis 7.0",
                      facts.server, facts.version));
    if (facts.read_only)
      add(Severity::kWarning, "read-only", "the upstream is a replica and takes no writes");
    if (facts.master_link_down)
      add(Severity::kWarning, "replica",
          "the upstream is a replica that has lost its master: its data grows old");
    if (facts.loading)
      add(Severity::kWarning, "loading", "the upstream is loading its data: the counts are not whole");
    if (facts.cluster)
      add(Severity::kWarning, "cluster",
          "the upstream is a node of a Redis Cluster: only its own keys were counted");
    if (facts.rdb_failed) add(Severity::kNotice, "persistence", "the upstream's last snapshot (RDB) failed");
  }

  void memory() {
    const ServerFacts& facts = report_.facts;
    const std::string lasting = fmt::format("{} without expiry ({})", counted(total_.all.lasting, "key"),
                                            share_text(total_.all.lasting, total_.all.keys));
    if (facts.maxmemory == 0) {
      if (total_.all.lasting != 0)
        add(Severity::kNotice, "memory", fmt::format("no maxmemory is set, and {} never make room", lasting));
      return;
    }
    if (static_cast<double>(facts.used_memory) > 0.9 * static_cast<double>(facts.maxmemory))
      add(Severity::kWarning, "memory",
          fmt::format("{} of maxmemory are used", share_text(facts.used_memory, facts.maxmemory)));
    const std::string_view policy = facts.maxmemory_policy;
    if (policy == "noeviction") {
      add(Severity::kNotice, "eviction",
          fmt::format(
              "maxmemory-policy is noeviction: when memory is full, writes fail (OOM); {} never make room",
              lasting));
    } else if (policy.starts_with("allkeys")) {
      add(Severity::kNotice, "eviction",
          fmt::format("maxmemory-policy is {}: when memory is full, any key may go, also {}", policy,
                      lasting));
    } else if (total_.all.lasting != 0) {
      add(Severity::kNotice, "eviction",
          fmt::format("maxmemory-policy is {}: only keys with an expiry make room, not {}", policy, lasting));
    }
  }

  void rules() {
    size_t unused = 0;
    for (uint32_t i = 0; i < total_.rules.size(); ++i) {
      const scheme::Rule& rule = config_.rules->rules()[i];
      const RuleCount& count = total_.rules[i];
      const Naming elsewhere = other(rule.physical_side());
      const uint64_t left = count.names[static_cast<size_t>(elsewhere)].keys;
      if (left + count.names[static_cast<size_t>(rule.physical_side())].keys == 0) ++unused;
      if (left != 0)
        add(Severity::kWarning, elsewhere == Naming::kLegacy ? "left-behind" : "ahead",
            fmt::format("rule {} \"{}\" is in phase {}, but {} under {} names: clients do not see them",
                        i + 1, rule.legacy.text(), phase_name(rule.phase),
                        left == 1 ? "1 key is" : count_text(left) + " keys are", naming_name(elsewhere)),
            rule.location);
      if (count.clashes != 0)
        add(Severity::kWarning, "clash",
            fmt::format(
                "rule {} \"{}\": {} under both names; clients see the {} one: unlink the other, or move "
                "it over this one if it is the one that counts",
                i + 1, rule.legacy.text(),
                count.clashes == 1 ? "1 key is" : count_text(count.clashes) + " keys are",
                naming_name(rule.physical_side())),
            rule.location, examples(i));
    }
    if (unused != 0)
      add(Severity::kNotice, "unused",
          fmt::format("{} of {} {} no key", unused, counted(total_.rules.size(), "rule"),
                      unused == 1 ? "has" : "have"));
  }

  std::vector<std::string> examples(uint32_t rule) const {
    std::vector<std::string> keys;
    for (const auto& clash : report_.survey->clashes())
      if (clash.rule == rule) keys.push_back(clash.key);
    return keys;
  }

  void unmatched() {
    const KeyCount& count = total_.unmatched;
    if (count.keys == 0) return;
    const bool refused = std::ranges::any_of(config_.listeners, [](const config::Listener& listener) {
      return listener.view.unmatched == scheme::Unmatched::kRefuse;
    });
    const std::string what = fmt::format("no rule knows {} ({})", counted(count.keys, "key"),
                                         share_text(count.keys, total_.all.keys));
    if (refused) {
      add(Severity::kWarning, "unmatched", what + ", and a listener refuses such keys");
    } else {
      add(Severity::kNotice, "unmatched", what);
    }
  }

  const config::Config& config_;
  const UpstreamReport& report_;
  const DatabaseCount total_;
  Findings found_;
};

}  // namespace

Result<UpstreamReport> examine_upstream(const config::Config& config, const UpstreamFlags& flags,
                                        Console& console) {
  const config::Upstream& upstream = config.upstream;
  const auto failed = [&](const Error& error) { return fail(with_advice(upstream.address, error.text)); };
  migrate::Dialogue dialogue({.address = upstream.address,
                              .username = upstream.username,
                              .password = upstream.password,
                              .connect_timeout_ms = upstream.connect_timeout_ms,
                              .reply_timeout_ms = upstream.reply_timeout_ms});
  if (auto opened = dialogue.open(); !opened) return failed(opened.error());
  const auto info = dialogue.ask({"INFO"});
  if (!info) return failed(info.error());
  if (info->is_error()) return failed({info->text});

  UpstreamReport report{
      upstream.address.text(), migrate::read_info(info->text),
      std::make_unique<migrate::Survey>(config.rules, config.listeners.front().view, kShapes)};
  Progress progress(console, report.facts.keys());
  migrate::SurveyOptions options;
  options.keys_per_second = flags.keys_per_second;
  options.sample = flags.sample;
  options.progress = [&progress](uint64_t done) { progress.show(done); };
  const auto counted = migrate::survey_server(dialogue, report.facts, options, *report.survey);
  if (!counted) return failed(counted.error());
  return report;
}

Findings upstream_findings(const config::Config& config, const UpstreamReport& report) {
  return Judgement(config, report).run();
}

}  // namespace keyshift::cli
