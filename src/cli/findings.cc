#include "findings.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "keyshift/base/ascii.h"
#include "keyshift/base/log.h"
#include "keyshift/base/printable.h"
#include "keyshift/command/table.h"
#include "keyshift/config/nearest.h"
#include "text.h"

namespace keyshift::cli {
namespace {

using scheme::TtlMode;
using scheme::TtlPolicy;
using Severity = Finding::Severity;

class Examination {
 public:
  explicit Examination(const config::Config& config) : config_(config) {}

  Findings run() {
    for (const std::string& notice : config_.notices) add(Severity::kNotice, "source", notice);
    domains();
    policies();
    phases();
    folds();
    overlaps();
    allowed();
    embedded();
    return std::move(found_);
  }

 private:
  void add(Severity severity, std::string check, std::string text, std::string location = "",
           std::vector<std::string> keys = {}) {
    found_.push_back({severity, std::move(check), std::move(text), std::move(location), std::move(keys)});
  }

  // Rules whose keys nobody gives an expiry.
  void domains() {
    const scheme::Ruleset& rules = *config_.rules;
    std::map<uint32_t, std::vector<const scheme::Rule*>> unknown;
    for (const scheme::Rule& rule : rules.rules())
      if (!rules.domains()[rule.domain].configured) unknown[rule.domain].push_back(&rule);
    for (const auto& [domain, list] : unknown) {
      const std::string& name = rules.domains()[domain].name;
      add(Severity::kNotice, "no-domain",
          fmt::format("{} into the domain {}, but there is no [domain.{}]: what is written there without "
                      "expiry stays",
                      list.size() == 1 ? "a rule leads" : counted(list.size(), "rule") + " lead", name, name),
          list.front()->location);
    }
  }

  void policies() {
    for (const scheme::DomainSpec& domain : config_.scheme.domains) {
      const std::string table = fmt::format("[domain.{}]", domain.name);
      const bool has_default = domain.policy.default_ms.has_value();
      if (!has_default && !every_resource_has_default(domain))
        add(Severity::kNotice, "no-default-ttl",
            table + " has no default_ttl: what is written there without expiry stays", domain.location);
      no_effect(table, domain.policy, TtlPolicy{}, domain.resources.empty(), domain.location);
      for (const scheme::ResourceSpec& resource : domain.resources)
        no_effect(fmt::format("[domain.{}.resource.{}]", domain.name, resource.name), resource.policy,
                  merged(domain.policy, {}), true, resource.location);
    }
  }

  static bool every_resource_has_default(const scheme::DomainSpec& domain) {
    return !domain.resources.empty() && std::ranges::all_of(domain.resources, [](const auto& resource) {
      return resource.policy.default_ms.has_value();
    });
  }

  static TtlPolicy merged(const scheme::PolicySpec& spec, TtlPolicy policy) {
    policy.default_ms = spec.default_ms.value_or(policy.default_ms);
    policy.min_ms = spec.min_ms.value_or(policy.min_ms);
    policy.max_ms = spec.max_ms.value_or(policy.max_ms);
    policy.mode = spec.mode.value_or(policy.mode);
    policy.jitter = spec.jitter.value_or(policy.jitter);
    return policy;
  }

  // Options that are written and change nothing. What resources may inherit has an effect there (`is_leaf` is false).
  void no_effect(const std::string& table, const scheme::PolicySpec& spec, const TtlPolicy& inherited,
                 bool is_leaf, const std::string& location) {
    if (!is_leaf) return;
    const TtlPolicy policy = merged(spec, inherited);
    const bool has_default = policy.default_ms != TtlPolicy::kUnset;
    const auto bound = [&](const char* name, const std::optional<int64_t>& written) {
      // A default within its bounds stays there, but its jitter may lead out of them.
      if (written && policy.mode == TtlMode::kKeep && !(has_default && policy.jitter > 0))
        add(Severity::kWarning, "no-effect",
            fmt::format("{} in {} has no effect: mode \"keep\" leaves the expiries of clients alone", name,
                        table),
            location);
    };
    bound("min_ttl", spec.min_ms);
    bound("max_ttl", spec.max_ms);
    if (spec.jitter.value_or(0) > 0 && !has_default)
      add(Severity::kWarning, "no-effect",
          fmt::format("jitter in {} has no effect: it spreads default_ttl, and there is none", table),
          location);
    if (spec.mode && policy.mode == TtlMode::kClamp && policy.min_ms == TtlPolicy::kUnset &&
        policy.max_ms == TtlPolicy::kUnset)
      add(Severity::kWarning, "no-effect",
          fmt::format("mode \"clamp\" in {} has no effect: there is neither min_ttl nor max_ttl", table),
          location);
  }

  void phases() {
    const auto& rules = config_.rules->rules();
    const auto in_legacy =
        static_cast<size_t>(std::ranges::count(rules, scheme::Phase::kLegacy, &scheme::Rule::phase));
    if (in_legacy == 0) return;
    add(Severity::kNotice, "phase-legacy",
        fmt::format("{} of {} in phase legacy: names and expiries are counted there, not changed", in_legacy,
                    counted(rules.size(), "rule") + (rules.size() == 1 ? " is" : " are")));
  }

  // Which of the clients' databases are views of one, and why the others are not yet.
  void folds() {
    const scheme::Fold& fold = config_.rules->fold();
    if (fold.into < 0) return;
    std::map<int, size_t> ruled;
    for (const scheme::Rule& rule : config_.rules->rules()) ++ruled[rule.db];
    std::vector<int> folding;
    std::vector<int> waiting;
    std::vector<int> unnamed;
    size_t rules_waiting = 0;
    for (int db = 0; db < fold.databases; ++db) {
      const auto found = ruled.find(db);
      (fold.holds(db) ? folding : found != ruled.end() ? waiting : unnamed).push_back(db);
      if (!fold.holds(db) && found != ruled.end()) rules_waiting += found->second;
    }
    const bool one = folding.size() == 1;
    std::string text = folding.empty()
                           ? fmt::format("no database folds into {} yet", fold.into)
                           : fmt::format("{} {} {} into {}", one ? "database" : "databases",
                                         numbers_text(folding), one ? "folds" : "fold", fold.into);
    if (!waiting.empty())
      text += fmt::format("; {} ({} in phase legacy)", staying(waiting),
                          waiting.size() > 1   ? "their rules are"
                          : rules_waiting == 1 ? "its rule is"
                                               : "its rules are");
    if (!unnamed.empty())
      text += fmt::format("; {} (no rule names {}, and the phase at the top is legacy)", staying(unnamed),
                          unnamed.size() == 1 ? "it" : "them");
    add(Severity::kNotice, "fold", std::move(text));
  }

  static std::string staying(const std::vector<int>& databases) {
    return numbers_text(databases) + (databases.size() == 1 ? " stays where it is" : " stay where they are");
  }

  // A name with two readings: harmless while all clients have the same view, and a decision when they have not.
  void overlaps() {
    const auto has = [&](scheme::Naming naming) {
      return std::ranges::any_of(config_.listeners,
                                 [&](const auto& one) { return one.view.naming == naming; });
    };
    const bool both_views = has(scheme::Naming::kLegacy) && has(scheme::Naming::kConsolidated);
    const scheme::Ruleset& rules = *config_.rules;
    for (const scheme::Overlap& overlap : rules.overlaps())
      add(both_views ? Severity::kWarning : Severity::kNotice, "overlap",
          fmt::format("{} is a legacy name of rule {} and a consolidated one of rule {}: {}",
                      printable(overlap.witness), overlap.legacy_rule + 1, overlap.key_rule + 1,
                      both_views ? "clients of the two views mean different keys by it"
                                 : fmt::format("clients mean the {} one by it",
                                               naming_name(config_.listeners.front().view.naming))),
          rules.rules()[overlap.legacy_rule].location, {overlap.witness});
    if (rules.overlap_count() > rules.overlaps().size())
      add(Severity::kNotice, "overlap",
          fmt::format("and {} of rules with such names",
                      counted(rules.overlap_count() - rules.overlaps().size(), "more pair")));
  }

  // Names of commands that are none, or need no leave. A module may bring commands that we do not know.
  void allowed() {
    const command::Table& table = command::Table::built_in();
    for (const std::string& name : config_.allow) {
      const size_t blank = name.find(' ');
      const std::string_view first = std::string_view(name).substr(0, blank);
      const std::string_view second =
          blank == std::string::npos ? std::string_view() : std::string_view(name).substr(blank + 1);
      const command::Match found = table.find(first, second);
      const bool known = found.outcome == command::Match::Outcome::kFound;
      if (!known)
        add(Severity::kWarning, "allow",
            fmt::format("allow names \"{}\", and there is no such command{}", name, like_known(table, name)));
      else if (needs_no_leave(table, *found.row))
        add(Severity::kNotice, "allow", fmt::format("allow names \"{}\", which needs no leave", name));
    }
  }

  static bool needs_no_leave(const command::Table& table, const command::Row& row) {
    const auto needs_leave = [](const command::Row& one) {
      return one.scope == command::Scope::kRefused || one.scope == command::Scope::kTunnels;
    };
    if (needs_leave(row)) return false;
    for (size_t i = 0; i < table.size(); ++i) {
      const bool is_within = table[i].name.starts_with(std::string(row.name) + '|');
      if (is_within && needs_leave(table[i])) return false;
    }
    return true;
  }

  // "; did you mean config set?"
  static std::string like_known(const command::Table& table, std::string_view name) {
    std::vector<std::string> names;
    for (size_t i = 0; i < table.size(); ++i) {
      std::string known(table[i].name);
      std::replace(known.begin(), known.end(), '|', ' ');
      names.push_back(std::move(known));
    }
    const std::string near = config::nearest(to_lower(name), names);
    return near.empty() ? "" : fmt::format("; did you mean {}?", near);
  }

  void embedded() {
    const config::Upstream initial;
    const bool configured = config_.upstream.address != initial.address || !config_.upstream.password.empty();
    if (config_.embedded.enabled && configured)
      add(Severity::kWarning, "no-effect",
          "[upstream] says where a server is, but embedded.enabled = true starts one of its own instead");
  }

  const config::Config& config_;
  Findings found_;
};

}  // namespace

Findings config_findings(const config::Config& config) {
  return Examination(config).run();
}

void log_findings(const config::Config& config) {
  for (const std::string& notice : config.notices) log::warn("{}", notice);
  for (const Finding& finding : config_findings(config)) {
    if (finding.severity == Severity::kWarning) log::warn("{}", finding.text);
  }
}

}  // namespace keyshift::cli
