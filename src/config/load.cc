#include "keyshift/config/load.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <set>
#include <tuple>

#include <fmt/format.h>

#include "keyshift/config/option.h"
#include "problems.h"
#include "toml_reader.h"
#include "value.h"

extern char** environ;

namespace keyshift::config {
namespace {

constexpr std::string_view kFeatureFlag = "USE_CONSOLIDATED_CACHE";
constexpr const char* kEnvironment = "environment";

std::string quoted(std::string_view text) {
  return fmt::format("\"{}\"", text);
}

// A listener's option, said outside of the file, holds for all of them.
Result<void> store_in(const Option& option, Config& config, const Value& value) {
  if (const auto* field = std::get_if<Field<Config>>(&option.field)) return field->store(config, value);
  if (const auto* field = std::get_if<Field<Listener>>(&option.field)) {
    for (Listener& listener : config.listeners)
      if (auto stored = field->store(listener, value); !stored) return stored;
  }
  return {};
}

// Not a stream: those throw where a directory is read.
Result<std::string> text_of(const std::string& path) {
  constexpr size_t kLongest = 16u << 20;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
  if (file == nullptr) return fail(std::strerror(errno));
  std::string text;
  std::array<char, 16 * 1024> chunk;
  while (const size_t size = std::fread(chunk.data(), 1, chunk.size(), file.get())) {
    text.append(chunk.data(), size);
    if (text.size() > kLongest) return fail("it is larger than 16mb, which no configuration is");
  }
  if (std::ferror(file.get()) != 0) return fail(std::strerror(errno));
  return text;
}

class Loader {
 public:
  explicit Loader(const Sources& sources) : sources_(sources) {}

  tl::expected<Config, std::vector<Problem>> load() {
    read_file();
    read_environment();
    read_flags();
    resolve_phases();
    check_listeners();
    check_numbers();
    compile_rules();
    if (problems_.empty()) return std::move(config_);
    return tl::make_unexpected(in_order(problems_.take()));
  }

 private:
  void read_file() {
    config_.file = sources_.file;
    if (sources_.file.empty() && !sources_.has_toml) return;
    std::string text = sources_.toml;
    if (!sources_.has_toml) {
      auto read = text_of(sources_.file);
      if (!read) return problems_.add({sources_.file}, "cannot be read: " + read.error().text);
      text = std::move(*read);
    }
    facts_ = read_toml(sources_.file, text, config_, problems_);
  }

  void apply(const Option& option, std::string_view text, const Place& place, const std::string& spelling) {
    const std::string said = option.is_secret() ? spelling : spelling + "=" + std::string(text);
    const auto value = parse_value(option, text);
    const auto stored = value ? store_in(option, config_, *value) : tl::make_unexpected(value.error());
    if (!stored) {
      problems_.add_bad_value(place, option, said, text, stored.error().text);
      return;
    }
    facts_.options[std::string(option.name)] = place;
    if (option.table() == "listener") facts_.listeners.assign(config_.listeners.size(), place);
  }

  // An empty variable counts as unset: `REDIS_PASSWORD=` in a compose file means none.
  const std::string* variable(std::string_view name) const {
    if (name.empty()) return nullptr;
    const auto found = sources_.environment.find(name);
    return found == sources_.environment.end() || found->second.empty() ? nullptr : &found->second;
  }

  void read_environment() {
    for (const Option& option : options()) {
      if (option.is_file_only()) continue;
      const std::string own = option.environment();
      if (const std::string* text = variable(own)) {
        apply(option, *text, {kEnvironment}, own);
      } else if (const std::string* other = variable(option.also)) {
        read_other(option, *other);
      }
    }
    notice_unknown();
  }

  // Variables whose names others have given, and which mean what those mean by them.
  void read_other(const Option& option, const std::string& text) {
    const std::string name(option.also);
    if (option.also == kFeatureFlag) {
      const auto on = parse_bool(text);
      if (!on) return problems_.add({kEnvironment}, name + "=" + text + ": " + on.error().text);
      feature_flag_off_ = !*on;
      return apply(option, *on ? "consolidated" : "legacy", {kEnvironment}, name);
    }
    // Kubernetes gives each container NAME_PORT=tcp://10.0.0.1:6379 for a service called "redis".
    if (option.name == "upstream.port" && text.find("://") != std::string::npos) {
      if (variable("REDIS_URL") == nullptr && variable("KEYSHIFT_UPSTREAM_URL") == nullptr)
        problems_.add({kEnvironment},
                      name + "=" + text +
                          ": must be a port's number. Kubernetes sets this variable for a service "
                          "called redis: set enableServiceLinks to false, or set REDIS_URL");
      return;
    }
    apply(option, text, {kEnvironment}, name);
  }

  // Only a notice: variables that begin like ours may be somebody else's.
  void notice_unknown() {
    constexpr std::string_view kPrefix = "KEYSHIFT_";
    std::vector<std::string> known{"KEYSHIFT_CONFIG"};
    for (const Option& option : options())
      if (!option.is_file_only()) known.push_back(option.environment());
    for (auto it = sources_.environment.lower_bound(kPrefix);
         it != sources_.environment.end() && it->first.starts_with(kPrefix); ++it) {
      const std::string& name = it->first;
      const bool kubernetes = name.starts_with("KEYSHIFT_SERVICE_") || name.starts_with("KEYSHIFT_PORT");
      if (kubernetes || std::ranges::count(known, name) != 0) continue;
      const std::string near = nearest(name, known);
      config_.notices.push_back("the environment variable " + name + " is not known and was ignored" +
                                (near.empty() ? "" : "; did you mean " + near + "?"));
    }
  }

  // In the table's order, as the other sources; of one flag given twice the last counts, of a list's all.
  void read_flags() {
    for (const Option& option : options()) {
      const Flag* last = nullptr;
      std::string text;
      for (const Flag& flag : sources_.flags) {
        if (flag.option != option.name) continue;
        const bool joins = option.type == OptionType::kList && last != nullptr;
        text = joins ? text + "," + flag.value : flag.value;
        last = &flag;
      }
      if (last == nullptr) continue;
      if (option.name == "phase") feature_flag_off_ = false;
      apply(option, text, {}, last->spelling.empty() ? option.flag() : last->spelling);
    }
    for (const Flag& flag : sources_.flags) {
      const Option* option = find_option(flag.option);
      if (option == nullptr || option->is_file_only()) problems_.add({}, flag.option + ": unknown option");
    }
  }

  // The rule's own phase, else its domain's, else the one for all; keys of a domain that fit no rule are in the domain's.
  // The feature flag, switched off, is the way back in an emergency: it holds for everything.
  void resolve_phases() {
    const auto of_domain = [this](std::string_view name) {
      if (feature_flag_off_) return scheme::Phase::kLegacy;
      const auto found = facts_.domain_phases.find(name);
      return found == facts_.domain_phases.end() ? config_.phase : found->second;
    };
    for (scheme::DomainSpec& domain : config_.scheme.domains) domain.phase = of_domain(domain.name);
    std::vector<scheme::RuleSpec>& rules = config_.scheme.rules;
    for (size_t i = 0; i < rules.size(); ++i) {
      const std::string_view key = rules[i].key;
      const bool own = facts_.rules[i].phase && !feature_flag_off_;
      rules[i].phase = own ? *facts_.rules[i].phase : of_domain(key.substr(0, key.find(':')));
    }
  }

  void check_listeners() {
    std::set<std::string> seen;
    for (size_t i = 0; i < config_.listeners.size(); ++i) {
      const Listener& listener = config_.listeners[i];
      const Place place = i < facts_.listeners.size() ? facts_.listeners[i] : Place{};
      const bool wants_prefix = listener.view.unmatched == scheme::Unmatched::kPrefix;
      if (wants_prefix && listener.view.prefix.empty())
        problems_.add(place, "listener.unmatched = \"prefix\" needs unmatched_prefix");
      if (!wants_prefix && !listener.view.prefix.empty())
        problems_.add(place, "listener.unmatched_prefix has an effect only with unmatched = \"prefix\"");
      const std::string address = listener.address.text();
      const bool any_port = !listener.address.is_unix() && listener.address.port == 0;
      if (!any_port && !seen.insert(address).second)
        problems_.add(place, "listener.address = " + quoted(address) + " is taken by another listener");
      if (!any_port && !config_.embedded.enabled && listener.address == config_.upstream.address)
        problems_.add(place, "listener.address = " + quoted(address) +
                                 " is the upstream's own address: Keyshift would talk to itself");
    }
    const std::string admin = config_.admin.address.text();
    if (config_.admin.enabled && config_.admin.address.port != 0 && seen.contains(admin))
      problems_.add(place_of("admin.address"),
                    "admin.address = " + quoted(admin) + " is taken by a listener");
  }

  void check_numbers() {
    const Upstream& upstream = config_.upstream;
    const Limits& limits = config_.limits;
    if (upstream.reconnect_min_ms > upstream.reconnect_max_ms)
      add_relation("upstream.reconnect_min", upstream.reconnect_min_ms, "must not be above",
                   "upstream.reconnect_max", upstream.reconnect_max_ms);
    if (limits.client_output_soft_bytes > limits.client_output_limit_bytes)
      add_relation("limits.client_output_soft", static_cast<int64_t>(limits.client_output_soft_bytes),
                   "must not be above", "limits.client_output",
                   static_cast<int64_t>(limits.client_output_limit_bytes));
    if (limits.max_inline_bytes > limits.max_request_bytes)
      add_relation("limits.max_inline", static_cast<int64_t>(limits.max_inline_bytes), "must not be above",
                   "limits.max_request", static_cast<int64_t>(limits.max_request_bytes));
    // Each worker has its shared connections for RESP2 and for RESP3 clients.
    const int64_t shared = int64_t{2} * config_.workers * upstream.shared_connections;
    if (shared > upstream.pool_size) {
      const Place place = place_of("upstream.pool_size");
      problems_.add(
          place.source.empty() ? place_of("workers") : place,
          "upstream.pool_size = " + std::to_string(upstream.pool_size) +
              " is too few for workers = " + std::to_string(config_.workers) +
              ": each keeps upstream.shared_connections for RESP2 and as many for RESP3 clients; set it to " +
              std::to_string(shared) + " or more");
    }
  }

  void add_relation(std::string_view name, int64_t value, const char* relation, std::string_view other,
                    int64_t bound) {
    const std::string text = std::string(name) + " = " + number_text(*find_option(name), value) + " " +
                             relation + " " + std::string(other) + " = " +
                             number_text(*find_option(other), bound);
    const Place place = place_of(name);
    problems_.add(place.source.empty() ? place_of(other) : place, text);
  }

  Place place_of(std::string_view option) const {
    const auto found = facts_.options.find(option);
    return found == facts_.options.end() ? Place{} : found->second;
  }

  // Whatever else is wrong: the operator wants to know both.
  void compile_rules() {
    for (const scheme::RuleSpec& rule : config_.scheme.rules)
      if (rule.legacy.empty() || rule.key.empty()) return;
    auto rules = scheme::Ruleset::compile(config_.scheme);
    if (rules) {
      config_.rules = std::move(*rules);
      check_prefixes();
      return;
    }
    for (const scheme::SchemeError& error : rules.error()) {
      for (const DomainPlace& domain : facts_.domains)
        if (domain.place.text() == error.location)
          problems_.add(domain.place, domain.path + ": " + error.text);
      for (const RulePlaces& rule : facts_.rules)
        if (rule.rule.text() == error.location) problems_.add(place_in(rule, error), error.text);
    }
  }

  // unmatched = "prefix" must be reversible, whatever the names of the rules.
  void check_prefixes() {
    for (size_t i = 0; i < config_.listeners.size(); ++i) {
      const scheme::View& view = config_.listeners[i].view;
      if (const auto clash = config_.rules->prefix_clash(view))
        problems_.add(i < facts_.listeners.size() ? facts_.listeners[i] : Place{},
                      "listener.unmatched_prefix = " + quoted(view.prefix) +
                          " cannot be taken off again: " + clash->text);
    }
  }

  // The rule, or the very byte of its template that the proof complains about.
  static Place place_in(const RulePlaces& rule, const scheme::SchemeError& error) {
    using Field = scheme::SchemeError::Field;
    if (error.field != Field::kLegacy && error.field != Field::kKey) return rule.rule;
    Place place = error.field == Field::kLegacy ? rule.legacy : rule.key;
    if (error.column > 0) place.column += error.column - 1;
    return place;
  }

  // The file's problems by line, whichever pass has found them; then the environment's, then the flags'.
  static std::vector<Problem> in_order(std::vector<Problem> problems) {
    const auto rank = [](const Problem& problem) {
      const int source = problem.source == kEnvironment ? 1 : problem.source.empty() ? 2 : 0;
      return std::tuple(source, problem.line, problem.column);
    };
    std::ranges::stable_sort(problems, {}, rank);
    return problems;
  }

  const Sources& sources_;
  Config config_;
  Problems problems_;
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
