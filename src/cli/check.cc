// Is the configuration right, and does it fit what is there?
#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

#include <fmt/format.h>

#include "check_upstream.h"
#include "commands.h"
#include "findings.h"
#include "keyshift/base/printable.h"
#include "keyshift/cli/app.h"
#include "text.h"

namespace keyshift::cli {
namespace {

struct Flags {
  ConfigFlags config;
  CLI::Option* upstream = nullptr;
  std::string url;
  UpstreamFlags live;
  bool json = false;
};

std::string title(const std::string& file) {
  return file.empty() ? "the configuration without a file" : "configuration " + file;
}

const char* severity_name(Finding::Severity severity) {
  return severity == Finding::Severity::kWarning ? "warning" : "notice";
}

bool is_warning(const Finding& finding) {
  return finding.severity == Finding::Severity::kWarning;
}

// ---- invalid

int report_problems(const std::string& file, const std::vector<config::Problem>& problems, bool json,
                    Console& console) {
  if (json) {
    Json list = Json::array();
    for (const config::Problem& problem : problems)
      list.push_back({{"source", problem.source},
                      {"line", problem.line},
                      {"column", problem.column},
                      {"text", problem.text},
                      {"suggestion", problem.suggestion.empty() ? Json(nullptr) : Json(problem.suggestion)}});
    console.out << json_line({{"valid", false}, {"file", file}, {"problems", std::move(list)}});
    return kExitConfig;
  }
  for (const config::Problem& problem : problems) console.err << problem.render() << '\n';
  console.err << fmt::format("{} is not valid: {}\n", title(file), counted(problems.size(), "problem"));
  return kExitConfig;
}

// ---- valid

void print_finding(const Finding& finding, std::ostream& out) {
  out << fmt::format("  {:<8} ", severity_name(finding.severity));
  if (!finding.location.empty()) out << finding.location << ": ";
  out << finding.text << '\n';
}

Json json_of(const config::Config& config, const Findings& findings) {
  Json list = Json::array();
  for (const Finding& finding : findings) {
    Json keys = Json::array();
    for (const std::string& key : finding.keys) keys.push_back(printable(key));
    list.push_back({{"severity", severity_name(finding.severity)},
                    {"check", finding.check},
                    {"text", finding.text},
                    {"location", finding.location.empty() ? Json(nullptr) : Json(finding.location)},
                    {"keys", std::move(keys)}});
  }
  return {{"valid", true},
          {"file", config.file},
          {"rules", config.rules->rules().size()},
          {"domains", config.rules->domains().size()},
          {"listeners", config.listeners.size()},
          {"findings", std::move(list)}};
}

int finish(const config::Config& config, const Findings& findings, const UpstreamReport* live,
           const Flags& flags, Console& console) {
  const int code = std::ranges::any_of(findings, is_warning) ? kExitNo : kExitYes;
  if (flags.json) {
    Json json = json_of(config, findings);
    if (live != nullptr) json["upstream"] = json_upstream(*live, flags.live.top);
    console.out << json_line(json);
    return code;
  }
  console.out << fmt::format(
      "{} is valid: {}, {}, {}\n", title(config.file), counted(config.rules->rules().size(), "rule"),
      counted(config.rules->domains().size(), "domain"), counted(config.listeners.size(), "listener"));
  if (live != nullptr) print_upstream(*live, flags.live.top, console.out);
  // Warnings last: that is where a person's eyes are.
  for (const Finding& finding : findings)
    if (!is_warning(finding)) print_finding(finding, console.out);
  for (const Finding& finding : findings)
    if (is_warning(finding)) print_finding(finding, console.out);
  return code;
}

int check(const Flags& flags, Console& console) {
  config::Sources sources = flags.config.sources();
  if (!flags.url.empty()) sources.flags.push_back({"upstream.url", flags.url, "--upstream"});
  const auto config = config::load(sources);
  if (!config) return report_problems(sources.file, config.error(), flags.json, console);
  Findings findings = config_findings(*config);
  if (flags.upstream->count() == 0) return finish(*config, findings, nullptr, flags, console);

  if (config->embedded.enabled && flags.url.empty()) {
    console.err << "the upstream is embedded, and does not run yet: --upstream URL names another one\n";
    return kExitUsage;
  }
  const auto live = examine_upstream(*config, flags.live, console);
  if (!live) {
    if (flags.json) {
      Json json = json_of(*config, findings);
      json["upstream"] = {
          {"address", config->upstream.address.text()}, {"reachable", false}, {"reason", live.error().text}};
      console.out << json_line(json);
    }
    console.err << live.error().text << '\n';
    return kExitUnavailable;
  }
  std::ranges::move(upstream_findings(*config, *live), std::back_inserter(findings));
  return finish(*config, findings, &*live, flags, console);
}

}  // namespace

Command add_check(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "check", "Say whether the configuration is right, and whether it fits the upstream's data");
  auto flags = std::make_shared<Flags>();
  flags->config.add_file(*command);
  flags->upstream = command
                        ->add_option("--upstream", flags->url,
                                     "Ask the live server too: the configured one, or the one that is given")
                        ->expected(0, 1)
                        ->type_name("[URL]");
  // CLI11 would read -1 as the largest number there is.
  const CLI::Validator count = CLI::Range(int64_t{0}, int64_t{1'000'000'000'000}).description("");
  command->add_option("--sample", flags->live.sample, "Count about so many keys of each database, not all")
      ->needs(flags->upstream)
      ->check(count)
      ->type_name("KEYS");
  command
      ->add_option("--rate", flags->live.keys_per_second,
                   "Keys to look at in a second, 50000 if not given; 0: as fast as the server answers")
      ->needs(flags->upstream)
      ->check(count)
      ->type_name("KEYS");
  command->add_option("--top", flags->live.top, "How many shapes of unmatched keys to print; 20 if not given")
      ->needs(flags->upstream)
      ->check(CLI::Range(1, 1000).description(""))
      ->type_name("NUMBER");
  command->add_flag("--json", flags->json, "One JSON object");
  command->footer(
      "`keyshift -t -c FILE` is the same as `keyshift check -c FILE`.\n"
      "\n"
      "Without --upstream nothing but the file and the environment is read: options, templates, and the "
      "proofs that\n"
      "no two rules can be confused. All problems are printed at once, as FILE:LINE:COLUMN.\n"
      "\n"
      "With --upstream the server is asked what it is, and every key is counted: by rule, under which of its "
      "two\n"
      "names, by domain, without expiry, of no rule (by shape), and where both names of a key exist. Nothing "
      "is\n"
      "written. The commands are PING, INFO, SELECT, SCAN, PTTL and EXISTS.\n"
      "\n"
      "Examples:\n"
      "  keyshift check --config keyshift.toml\n"
      "      configuration keyshift.toml is valid: 12 rules, 4 domains, 1 listener\n"
      "        notice   keyshift.toml:30:1: [domain.queue] has no default_ttl: what is written there without "
      "...\n"
      "  keyshift check --config keyshift.toml --upstream\n"
      "  keyshift check --config keyshift.toml --upstream redis://10.0.0.5:6379 --sample 100000\n"
      "  keyshift check --config keyshift.toml --upstream --json | jq .upstream.keyspace.unmatched\n"
      "\n"
      "Fields of --json: valid, file, and when it is not valid: problems [{source, line, column, text,\n"
      "suggestion}]; else rules, domains, listeners, findings [{severity (notice, warning), check, text, "
      "location,\n"
      "keys}], and with --upstream: upstream {address, reachable, reason (if it is not), server, version,\n"
      "supported, role, read_only, loading, cluster, used_memory, maxmemory, maxmemory_policy, aof,\n"
      "keyspace {keys, without_expiry, complete, databases [{db, keys, without_expiry, unmatched, "
      "complete}],\n"
      "rules [{number, location, legacy, key, phase, legacy_names {keys, without_expiry},\n"
      "consolidated_names {...}, clashes}], domains [{name, configured, keys, without_expiry}],\n"
      "unmatched {keys, without_expiry, shapes [{shape, keys, error, example}]},\n"
      "clashes [{db, rule, key, twin}]}}.\n"
      "A shape's count may be too high by `error`, never too low.\n"
      "\n"
      "Exit codes: 0 valid, 1 a warning needs a decision, 2 usage, 69 the upstream cannot be asked,\n"
      "78 the configuration is not valid.");
  return {command, [flags](Console& console) { return check(*flags, console); }};
}

}  // namespace keyshift::cli
