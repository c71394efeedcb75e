#include "keyshift/config/load.h"

#include <algorithm>
#include <tuple>

#include "checks.h"
#include "keyshift/config/option.h"
#include "option_text.h"
#include "outside.h"
#include "problems.h"
#include "toml_reader.h"
#include "value.h"

extern char** environ;

namespace keyshift::config {
namespace {

constexpr std::string_view kFeatureFlag = "USE_CONSOLIDATED_CACHE";
constexpr std::string_view kEnvironment = "environment";

// A listener's option, said outside of the file, holds for all of them.
Result<void> store_in(const Option& option, Config& config, const Value& value) {
  if (const auto* field = std::get_if<Field<Config>>(&option.field)) return field->store(config, value);
  if (const auto* field = std::get_if<Field<Listener>>(&option.field)) {
    for (Listener& listener : config.listeners)
      if (auto stored = field->store(listener, value); !stored) return stored;
  }
  return {};
}

class Loader {
 public:
  explicit Loader(const Sources& sources) : sources_(sources) {}

  tl::expected<Config, std::vector<Problem>> load() {
    read_file();
    for (const Option& option : options())
      if (!option.flag().empty())
        if (const auto said = outside_.environment(option, option.name)) read_variable(option, *said);
    read_brake();
    for (const Option& option : options())
      if (!option.flag().empty())
        if (const auto said = outside_.flag(option, option.name)) read_flag(option, *said);
    outside_.finish(facts_.is_whole, config_.notices);
    // Of half a file no more can be said than what stands in it.
    if (facts_.is_whole) {
      resolve_phases();
      check_relations(config_, facts_, problems_);
      note_unused_users(config_);
      compile_rules();
    }
    if (problems_.empty()) return std::move(config_);
    return tl::make_unexpected(in_order(problems_.take()));
  }

 private:
  void read_file() {
    config_.file = sources_.file;
    if (sources_.file.empty() && !sources_.has_toml) return;
    auto text = sources_.has_toml ? Result<std::string>(sources_.toml) : read_text(sources_, sources_.file);
    if (text) {
      facts_ = read_toml(sources_, *text, config_, outside_, problems_);
    } else {
      problems_.add({sources_.file}, text.error().text);
      facts_.is_whole = false;
    }
  }

  void apply(const Option& option, const Said& said, std::string_view text) {
    const auto value = parse_value(option, text);
    const auto stored = value ? store_in(option, config_, *value) : tl::make_unexpected(value.error());
    if (!stored)
      return problems_.add(said.place, said.shown + ": " + stored.error().text,
                           suggest_text(option, text, {}));
    facts_.options[std::string(option.name)] = said.named_place();
    if (option.table() != "listener") return;
    // New addresses are new listeners: nothing of them stands in the file any more.
    if (option.name == "listener.address") facts_.listeners.clear();
    for (ListenerPlaces& places : facts_.listeners)
      places.options[std::string(option.name)] = said.named_place();
  }

  // Variables whose names others have given mean what those mean by them.
  void read_variable(const Option& option, const Said& said) {
    if (said.name == kFeatureFlag) {
      const auto on = parse_bool(said.text);
      if (!on) return problems_.add(said.place, said.shown + ": " + on.error().text);
      feature_flag_off_ = !*on;
      return apply(option, said, *on ? "consolidated" : "legacy");
    }
    // Kubernetes gives each container NAME_PORT=tcp://10.0.0.1:6379 for a service called "redis".
    if (said.name == "REDIS_PORT" && said.text.find("://") != std::string::npos) {
      if (outside_.variable("REDIS_URL") == nullptr && outside_.variable("KEYSHIFT_UPSTREAM_URL") == nullptr)
        problems_.add(said.place,
                      said.shown +
                          ": must be a port's number. Kubernetes sets this variable for a service "
                          "called redis: set enableServiceLinks to false, or set REDIS_URL");
      return;
    }
    apply(option, said, said.text);
  }

  // The brake holds whatever else the environment says of the phase.
  void read_brake() {
    const std::string* text = outside_.variable(kFeatureFlag);
    if (text == nullptr || outside_.variable("KEYSHIFT_PHASE") == nullptr) return;
    const auto on = parse_bool(*text);
    if (!on || *on) return;
    feature_flag_off_ = true;
    config_.phase = scheme::Phase::kLegacy;
    config_.notices.push_back(std::string(kFeatureFlag) +
                              "=false holds for everything: KEYSHIFT_PHASE is ignored");
  }

  void read_flag(const Option& option, const Said& said) {
    if (option.name == "phase") feature_flag_off_ = false;
    apply(option, said, said.text);
  }

  // The rule's own phase, else its domain's, else the one for all; keys of a domain that fit no rule are in the
  // domain's. The feature flag, switched off, is the way back in an emergency: it holds for everything.
  void resolve_phases() {
    const auto of_domain = [this](std::string_view name) {
      if (feature_flag_off_) return scheme::Phase::kLegacy;
      const auto found = facts_.domain_phases.find(name);
      return found == facts_.domain_phases.end() ? config_.phase : found->second;
    };
    for (scheme::DomainSpec& domain : config_.scheme.domains) domain.phase = of_domain(domain.name);
    if (config_.fold.into >= 0)
      config_.scheme.fold = scheme::FoldSpec{config_.fold.into, config_.fold.databases, of_domain("")};
    std::vector<scheme::RuleSpec>& rules = config_.scheme.rules;
    for (size_t i = 0; i < rules.size(); ++i) {
      const std::string_view key = rules[i].key;
      const bool own = facts_.rules[i].phase && !feature_flag_off_;
      rules[i].phase = own ? *facts_.rules[i].phase : of_domain(key.substr(0, key.find(':')));
    }
  }

  // Whatever else is wrong: the operator wants to know both.
  void compile_rules() {
    // A rule that lacks a template is a problem already; the others are proved without it.
    scheme::SchemeSpec complete = config_.scheme;
    std::erase_if(complete.rules,
                  [](const scheme::RuleSpec& rule) { return rule.legacy.empty() || rule.key.empty(); });
    auto rules = scheme::Ruleset::compile(complete);
    if (rules) {
      config_.rules = std::move(*rules);
      for (Listener& listener : config_.listeners) config_.rules->prepare(listener.view);
      check_prefixes();
      check_folding();
      return;
    }
    for (const scheme::SchemeError& error : rules.error()) {
      const size_t before = problems_.size();
      for (const DomainPlace& domain : facts_.domains)
        if (domain.place.text() == error.location)
          problems_.add(domain.place, domain.path + ": " + error.text);
      for (const RulePlaces& rule : facts_.rules)
        if (rule.rule.text() == error.location) problems_.add(place_in(rule, error), error.text);
      if (problems_.size() == before) problems_.add({config_.file}, error.text);
    }
  }

  // unmatched = "prefix" must be reversible, whatever the names of the rules.
  void check_prefixes() {
    for (size_t i = 0; i < config_.listeners.size(); ++i) {
      const scheme::View& view = config_.listeners[i].view;
      if (const auto clash = config_.rules->prefix_clash(view))
        problems_.add(facts_.place_of("listener.unmatched_prefix", i),
                      "listener.unmatched_prefix = " + quoted_text(view.prefix) +
                          " cannot be taken off again: " + clash->text);
    }
  }

  // Databases that fold must not share keys which they did not share before.
  void check_folding() {
    std::vector<const scheme::View*> before;
    for (size_t i = 0; i < config_.listeners.size(); ++i) {
      const scheme::View& view = config_.listeners[i].view;
      const auto clash = config_.rules->fold_clash(view, before);
      before.push_back(&view);
      if (!clash) continue;
      const bool prefixed = view.unmatched == scheme::Unmatched::kPrefix;
      const std::string_view option = prefixed ? "listener.unmatched_prefix" : "listener.unmatched";
      problems_.add(
          place_of_listener(option, i),
          std::string(option) + " = " + quoted_text(prefixed ? view.prefix : "pass") +
              ": databases fold (fold.into), so " + clash->text +
              "; let unmatched be \"refuse\", or \"prefix\" with an unmatched_prefix like \"db{db}:\"");
    }
  }

  // Where a listener says the option; else where it begins, or where folding is asked for.
  Place place_of_listener(std::string_view option, size_t i) const {
    const Place place = facts_.place_of(option, i);
    return place.source.empty() ? facts_.place_of("fold.into") : place;
  }

  // The rule, or the very byte of its template that the proof complains about.
  static Place place_in(const RulePlaces& rule, const scheme::SchemeError& error) {
    using Field = scheme::SchemeError::Field;
    if (error.field == Field::kLegacy) return rule.legacy.place_of_byte(error.column);
    if (error.field == Field::kKey) return rule.key.place_of_byte(error.column);
    return rule.rule;
  }

  // The file's problems by line, whichever pass has found them; then the environment's, then the flags'.
  static std::vector<Problem> in_order(std::vector<Problem> problems) {
    const auto rank = [](const Problem& problem) {
      const bool is_flag = problem.source.empty() || problem.source.starts_with("--");
      const int source = is_flag ? 2 : problem.source.starts_with(kEnvironment) ? 1 : 0;
      return std::tuple(source, problem.line, problem.column);
    };
    std::ranges::stable_sort(problems, {}, rank);
    return problems;
  }

  const Sources& sources_;
  Config config_;
  Problems problems_;
  Outside outside_{sources_, problems_};
  FileFacts facts_;
  bool feature_flag_off_ = false;
};

}  // namespace

tl::expected<Config, std::vector<Problem>> load(const Sources& sources) {
  return Loader(sources).load();
}

std::map<std::string, std::string, std::less<>> process_environment() {
  std::map<std::string, std::string, std::less<>> environment;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const size_t equals = text.find('=');
    if (equals != std::string_view::npos)
      environment.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return environment;
}

}  // namespace keyshift::config
