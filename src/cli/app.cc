#include "keyshift/cli/app.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "commands.h"
#include "keyshift/config/nearest.h"

namespace keyshift::cli {
namespace {

constexpr const char* kAbout =
    "Keyshift: a sidecar that speaks Redis to a legacy application, and gives its keys and TTLs one scheme.";
constexpr const char* kExamples =
    "Examples:\n"
    "  keyshift serve --embedded --config conf/examples/writing-assistant.toml    try it, with a server of "
    "its own\n"
    "  redis-cli -p 6380 SET writing_stats:user123:30d x                          as the application would\n"
    "  keyshift serve --config keyshift.toml --upstream redis://10.0.0.5:6379     next to an application\n"
    "  keyshift check --config keyshift.toml                                      is it right? (also: "
    "keyshift -t)\n"
    "  keyshift check --config keyshift.toml --upstream                           and does it fit the data?\n"
    "  keyshift explain --config keyshift.toml writing_stats:user123:30d          all about a key\n"
    "  keyshift convert --config keyshift.toml writing_stats:user123:30d          what a key becomes\n"
    "\n"
    "`keyshift COMMAND --help` says more. Clients connect to port 6380; metrics are on port 9380; both on "
    "loopback.";

// `keyshift -t [-c FILE]`, in any order, and `-tc FILE`, as operators of nginx and haproxy know it: check.
std::vector<const char*> with_test_flag(int argc, const char* const* argv) {
  std::vector<const char*> arguments(argv, argv + argc);
  if (argc < 2 || argv[1][0] != '-') return arguments;
  const auto flag =
      std::ranges::find_if(arguments, [](std::string_view one) { return one == "-t" || one == "-tc"; });
  if (flag == arguments.end()) return arguments;
  if (std::string_view(*flag) == "-tc") {
    *flag = "-c";
  } else {
    arguments.erase(flag);
  }
  arguments.insert(arguments.begin() + 1, "check");
  return arguments;
}

std::string did_you_mean(std::string_view given, const std::vector<std::string>& known) {
  const std::string near = config::nearest(given, known);
  return near.empty() ? "" : " (did you mean " + near + "?)";
}

std::vector<std::string> options_of(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

// CLI11 would name all that follows too, from the end.
void report_unknown_option(const CLI::App& app, const CLI::App* command, std::ostream& err) {
  const std::string name = command == nullptr ? "keyshift" : "keyshift " + command->get_name();
  const std::vector<std::string> unknown = app.remaining(true);
  // Not what is behind "=": it may be a secret whose flag is misspelt.
  const std::string first = unknown.empty() ? "that" : unknown.front().substr(0, unknown.front().find('='));
  err << name << " does not know " << first
      << did_you_mean(first, options_of(command == nullptr ? app : *command)) << "; " << name
      << " --help lists what it does\n";
}

}  // namespace

int run(int argc, const char* const* argv, std::istream& in, std::ostream& out, std::ostream& err) {
  CLI::App app(kAbout, "keyshift");
  app.set_version_flag("--version", "keyshift " KEYSHIFT_VERSION);
  app.require_subcommand(1);
  app.footer(kExamples);
  const std::vector<const char*> arguments = with_test_flag(argc, argv);
  const std::vector<std::string> words(arguments.begin(), arguments.end());
  const std::array commands{add_serve(app, words), add_check(app), add_explain(app), add_convert(app)};
  // CLI11 would only say that a command is missing.
  const std::string_view first = arguments.size() > 1 ? arguments[1] : "";
  const auto is_given = [&](const Command& command) {
    return command.parsed->check_name(std::string(first));
  };
  if (!first.empty() && first[0] != '-' && std::ranges::none_of(commands, is_given)) {
    std::vector<std::string> names;
    for (const Command& command : commands) names.push_back(command.parsed->get_name());
    err << "there is no command \"" << first << '"' << did_you_mean(first, names)
        << "; keyshift --help lists them\n";
    return kExitUsage;
  }
  try {
    app.parse(static_cast<int>(arguments.size()), arguments.data());
  } catch (const CLI::ExtrasError&) {
    const auto command =
        std::ranges::find_if(commands, [](const Command& one) { return one.parsed->parsed(); });
    report_unknown_option(app, command == commands.end() ? nullptr : command->parsed, err);
    return kExitUsage;
  } catch (const CLI::ParseError& error) {
    // Help and version are successes; every other reason is the operator's to mend.
    return app.exit(error, out, err) == 0 ? kExitYes : kExitUsage;
  }
  Console console{in, out, err};
  for (const Command& command : commands)
    if (command.parsed->parsed()) return command.run(console);
  return kExitUsage;
}

}  // namespace keyshift::cli
