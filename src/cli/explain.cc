// What Keyshift knows about a name and does with it: plan/explanation.h as text or JSON.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <ostream>

#include <fmt/format.h>

#include "commands.h"
#include "keyshift/base/printable.h"
#include "keyshift/cli/app.h"
#include "keyshift/plan/explanation.h"
#include "text.h"

namespace keyshift::cli {
namespace {

using plan::Explanation;
using scheme::Match;
using scheme::Naming;

struct Flags {
  ConfigFlags config;
  std::string view;
  bool json = false;
  int db = 0;
  std::vector<std::string> keys;
};

std::string words_text(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    if (!text.empty()) text += ' ';
    // As redis-cli would want it typed.
    const bool plain = word.find_first_of(" '") == std::string::npos;
    text += plain ? printable(word) : "\"" + word + "\"";
  }
  return text;
}

// ---- JSON: one object a key

Json json_rule(const scheme::Ruleset& rules, uint32_t index) {
  const scheme::Rule& rule = rules.rules()[index];
  return {{"number", index + 1},
          {"location", rule.location},
          {"legacy", rule.legacy.text()},
          {"key", rule.key.text()},
          {"db", rule.db < 0 ? Json(nullptr) : Json(rule.db)}};
}

Json json_command(const plan::ExplainedCommand& command) {
  const auto words = [](const std::vector<std::string>& list) {
    Json made = Json::array();
    for (const std::string& word : list) made.push_back(printable(word));
    return made;
  };
  Json steps = Json::array();
  for (const auto& step : command.steps)
    steps.push_back({{"command", words(step.words)}, {"reply", plan::disposition_name(step.reply)}});
  return {{"command", words(command.sent)},
          {"refused", command.refusal != plan::Refusal::kNone},
          {"upstream", std::move(steps)}};
}

Json json_of(const scheme::Ruleset& rules, const Explanation& made) {
  Json captures = Json::object();
  for (const auto& capture : made.captures) captures[capture.name] = printable(capture.value);
  Json others = Json::array();
  for (const auto& other : made.others) {
    Json rule = json_rule(rules, other.rule);
    rule["side"] = naming_name(other.side);
    rule["reason"] = plan::reason_name(other.why);
    others.push_back(std::move(rule));
  }
  Json commands = Json::array();
  for (const auto& command : made.commands) commands.push_back(json_command(command));
  const bool by_rule = made.kind == Match::Kind::kRule;
  Json ttl = json_policy(made.policy);
  ttl["from"] = plan::policy_source_name(made.policy_source);
  return {{"key", printable(made.key)},
          {"db", made.database},
          {"view", naming_name(made.view)},
          {"kind", scheme::match_kind_name(made.kind)},
          {"side", by_rule ? Json(naming_name(made.side)) : Json(nullptr)},
          {"rule", by_rule ? json_rule(rules, made.rule) : Json(nullptr)},
          {"captures", std::move(captures)},
          {"domain", made.domain.empty() ? Json(nullptr) : Json(printable(made.domain))},
          {"resource", made.resource.empty() ? Json(nullptr) : Json(printable(made.resource))},
          {"phase", made.kind == Match::Kind::kUnmatched ? Json(nullptr) : Json(phase_name(made.phase))},
          {"ttl", std::move(ttl)},
          {"legacy", json_key(made.legacy)},
          {"consolidated", json_key(made.consolidated)},
          {"physical", json_key(made.physical)},
          {"shown", json_key(made.shown)},
          {"reachable", made.stored_is_reachable},
          {"unmatched",
           made.kind == Match::Kind::kUnmatched ? Json(unmatched_name(made.unmatched)) : Json(nullptr)},
          {"shape", made.kind == Match::Kind::kUnmatched ? Json(made.shape) : Json(nullptr)},
          {"others", std::move(others)},
          {"commands", std::move(commands)}};
}

// ---- text: a heading and labelled lines

class Page {
 public:
  Page(const scheme::Ruleset& rules, const Explanation& made, std::ostream& out)
      : rules_(rules), made_(made), out_(out) {}

  void print() {
    out_ << printable(made_.key) << '\n';
    switch (made_.kind) {
      case Match::Kind::kRule:
        print_rule();
        break;
      case Match::Kind::kNative:
        line("is", fmt::format("a key of the domain {} that no rule renames", printable(made_.domain)));
        break;
      case Match::Kind::kUnmatched:
        print_unmatched();
        break;
    }
    print_domain();
    if (made_.kind == Match::Kind::kRule) {
      line("phase",
           fmt::format("{}: read and written under the {} name{}", phase_name(made_.phase),
                       phase_name(made_.phase),
                       made_.phase == scheme::Phase::kLegacy ? ", expiries as the client gives them" : ""));
      print_names();
    }
    print_physical();
    print_others();
    for (const auto& command : made_.commands) print_command(command);
  }

 private:
  void line(std::string_view label, std::string_view text) {
    out_ << fmt::format("  {:<10} {}\n", label, text);
  }

  std::string rule_title(uint32_t index) const {
    const std::string& location = rules_.rules()[index].location;
    return location.empty() ? fmt::format("rule {}", index + 1)
                            : fmt::format("rule {} ({})", index + 1, location);
  }

  void print_rule() {
    const scheme::Rule& rule = rules_.rules()[made_.rule];
    line("is", fmt::format("a {} name of {}", naming_name(made_.side), rule_title(made_.rule)));
    line("", "legacy = \"" + rule.legacy.text() + "\"");
    line("", "key    = \"" + rule.key.text() + "\"");
    std::string captures;
    for (const auto& capture : made_.captures)
      captures +=
          fmt::format("{}{} = {}", captures.empty() ? "" : ", ", capture.name, printable(capture.value));
    if (!captures.empty()) line("captures", captures);
  }

  void print_unmatched() {
    line("is", "a key that no rule and no domain knows");
    line("shape", printable(made_.shape) +
                      "     a rule for it: legacy = this pattern, with a name for each capture: {id:int}");
    switch (made_.unmatched) {
      case scheme::Unmatched::kPass:
        line("unmatched", "pass: it goes upstream as it is");
        break;
      case scheme::Unmatched::kRefuse:
        line("unmatched", "refuse: its commands are answered with an error");
        break;
      case scheme::Unmatched::kPrefix:
        line("unmatched", "prefix: it gets the listener's prefix upstream, and loses it on the way back");
        break;
    }
  }

  void print_domain() {
    if (made_.domain.empty()) return;
    line("domain", made_.resource.empty()
                       ? printable(made_.domain)
                       : fmt::format("{}, resource {}", printable(made_.domain), printable(made_.resource)));
    const std::string policy = policy_text(made_.policy);
    switch (made_.policy_source) {
      case Explanation::PolicySource::kNone:
        line("expiry", fmt::format("{}: there is no [domain.{}]", policy, made_.domain));
        break;
      case Explanation::PolicySource::kDomain:
        line("expiry", fmt::format("{}, by [domain.{}]", policy, made_.domain));
        break;
      case Explanation::PolicySource::kResource:
        line("expiry", fmt::format("{}, by [domain.{}.resource.{}]", policy, made_.domain, made_.resource));
        break;
    }
  }

  void print_names() {
    const std::string none = "none: a more specific rule takes that name";
    line("legacy", made_.legacy ? printable(*made_.legacy) : none);
    line("new name", made_.consolidated ? printable(*made_.consolidated) : none);
  }

  void print_physical() {
    if (!made_.physical) return;
    line("in Redis", printable(*made_.physical));
    line("shown as", made_.shown ? fmt::format("{} by KEYS and SCAN in the {} view", printable(*made_.shown),
                                               naming_name(made_.view))
                                 : "nothing: KEYS and SCAN leave it out");
    if (!made_.stored_is_reachable)
      line("beware",
           fmt::format("what is in Redis as {} itself, clients do not reach", printable(made_.key)));
  }

  void print_others() {
    for (const auto& other : made_.others) {
      const scheme::Rule& rule = rules_.rules()[other.rule];
      std::string why;
      switch (other.why) {
        case Explanation::Other::Why::kLessSpecific:
          why = "which is less specific";
          break;
        case Explanation::Other::Why::kOtherNaming:
          why = fmt::format("as a {} name; a {} view reads it so", naming_name(other.side),
                            naming_name(other.side));
          break;
        case Explanation::Other::Why::kOtherDatabase:
          why = fmt::format("which is for database {}", rule.db);
          break;
      }
      line("also fits",
           fmt::format("{} \"{}\", {}", rule_title(other.rule), rule.side(other.side).text(), why));
    }
  }

  void print_command(const plan::ExplainedCommand& command) {
    if (command.refusal != plan::Refusal::kNone) return line(command.sent[0], "an error");
    std::string_view label = command.sent[0];
    for (const auto& step : command.steps) {
      const bool ours = step.reply == plan::Disposition::kDiscard;
      line(label, words_text(step.words) + (ours ? "     (its reply is dropped)" : ""));
      label = "";
    }
  }

  const scheme::Ruleset& rules_;
  const Explanation& made_;
  std::ostream& out_;
};

// The listener whose view is asked for, or the first with another naming.
scheme::View view_of(const config::Config& config, const std::string& wanted) {
  if (wanted.empty()) return config.listeners.front().view;
  const Naming naming = wanted == "legacy" ? Naming::kLegacy : Naming::kConsolidated;
  const auto found = std::ranges::find_if(
      config.listeners, [&](const config::Listener& listener) { return listener.view.naming == naming; });
  if (found != config.listeners.end()) return found->view;
  scheme::View view = config.listeners.front().view;
  view.naming = naming;
  return view;
}

int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

int explain(const Flags& flags, Console& console) {
  if (flags.config.file().empty()) {
    console.err << "explain needs the rules: --config FILE\n";
    return kExitUsage;
  }
  std::vector<std::string> keys;
  for (const std::string& key : flags.keys) {
    if (!read_printable(key, keys.emplace_back())) {
      console.err << key << ": the quotes are not those of a key as redis-cli prints it\n";
      return kExitUsage;
    }
  }
  const auto config = flags.config.load(console);
  if (!config) return kExitConfig;
  const scheme::View view = view_of(*config, flags.view);
  const plan::Context context{.rules = config->rules,
                              .view = view,
                              .protocol = resp::Protocol::kResp2,
                              .database = flags.db,
                              .now_ms = now_ms()};
  bool all_known = true;
  for (const std::string& key : keys) {
    const Explanation made = plan::explain(context, key);
    if (made.kind == Match::Kind::kUnmatched) all_known = false;
    if (flags.json) {
      console.out << json_line(json_of(*config->rules, made));
    } else {
      if (&key != &keys.front()) console.out << '\n';
      Page(*config->rules, made, console.out).print();
    }
  }
  return all_known ? kExitYes : kExitNo;
}

}  // namespace

Command add_explain(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("explain", "Say which rule knows a key, and what becomes of its commands");
  auto flags = std::make_shared<Flags>();
  flags->config.add_file(*command);
  command->add_option("--db", flags->db, "The logical database, for rules limited to one")
      ->check(CLI::Range(0, 1'000'000).description(""))
      ->type_name("NUMBER");
  command
      ->add_option("--view", flags->view,
                   "As clients of which view see it; the first listener's if not given")
      ->check(CLI::IsMember({"legacy", "consolidated"}).description(""))
      ->type_name("legacy|consolidated");
  command->add_flag("--json", flags->json, "One JSON object a line");
  command
      ->add_option("KEY", flags->keys,
                   "The keys, legacy or consolidated, also quoted as redis-cli prints them")
      ->required();
  command->footer(
      "Needs no server: what SET, GET and DEL become is planned as the sidecar plans it.\n"
      "\n"
      "Example:\n"
      "  keyshift explain --config conf/examples/writing-assistant.toml writing_stats:user123:30d\n"
      "      writing_stats:user123:30d\n"
      "        is         a legacy name of rule 1 (...)\n"
      "                   legacy = \"writing_stats:{user}:{days:int}d\"\n"
      "                   key    = \"analytics:writing_stats:user:{user}:days:{days}d\"\n"
      "        captures   user = user123, days = 30\n"
      "        ...\n"
      "        SET        SET analytics:writing_stats:user:user123:days:30d value EX 3600\n"
      "\n"
      "Fields of --json: key, db, view, kind (rule, native, unmatched), side, rule {number, location, "
      "legacy, key,\n"
      "db}, captures, domain, resource, phase, ttl {default_ms, min_ms, max_ms, mode, jitter, from}, "
      "legacy,\n"
      "consolidated, physical, shown, reachable, unmatched, shape, others [{number, ..., side, reason}],\n"
      "commands [{command, refused, upstream [{command, reply}]}].\n"
      "\n"
      "Exit codes: 0 a rule or a domain knows every key, 1 not every one, 2 usage, 78 configuration.");
  return {command, [flags](Console& console) { return explain(*flags, console); }};
}

}  // namespace keyshift::cli
