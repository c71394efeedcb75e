#include "keyshift/cli/app.h"

#include <algorithm>
#include <array>
#include <ostream>
#include <string>
#include <vector>

#include "commands.h"

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
    "  keyshift convert --config keyshift.toml writing_stats:user123:30d          what a key becomes\n"
    "\n"
    "`keyshift COMMAND --help` says more. Clients connect to port 6380; metrics are on port 9380; both on "
    "loopback.";

}  // namespace

int run(int argc, const char* const* argv, std::istream& in, std::ostream& out, std::ostream& err) {
  CLI::App app(kAbout, "keyshift");
  app.set_version_flag("--version", "keyshift " KEYSHIFT_VERSION);
  app.require_subcommand(1);
  app.footer(kExamples);
  const std::array commands{add_serve(app), add_convert(app)};
  // CLI11 would only say that a command is missing.
  const auto is_given = [&](const Command& command) { return command.parsed->check_name(argv[1]); };
  if (argc > 1 && argv[1][0] != '-' && std::ranges::none_of(commands, is_given)) {
    err << "there is no command \"" << argv[1] << "\"; keyshift --help lists them\n";
    return kExitUsage;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ExtrasError&) {
    // CLI11 would name all that follows too, from the end.
    const auto command =
        std::ranges::find_if(commands, [](const Command& one) { return one.parsed->parsed(); });
    const std::string name =
        command == commands.end() ? "keyshift" : "keyshift " + command->parsed->get_name();
    const std::vector<std::string> unknown = app.remaining(true);
    err << name << " does not know " << (unknown.empty() ? "that" : unknown.front()) << "; " << name
        << " --help lists what it does\n";
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
