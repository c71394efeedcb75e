#include "keyshift/cli/serve.h"

#include <CLI/CLI.hpp>

#include "commands.h"
#include "keyshift/cli/app.h"

namespace keyshift::cli {

Command add_serve(CLI::App& app, std::span<const std::string> arguments) {
  CLI::App* command = app.add_subcommand("serve", "Run the sidecar: speak to clients as their Redis would");
  auto flags = std::make_shared<ConfigFlags>();
  flags->add_all(*command, arguments);
  command->footer(
      "Every option of the configuration file is also a flag: [upstream] reply_timeout is\n"
      "--upstream-reply-timeout, and KEYSHIFT_UPSTREAM_REPLY_TIMEOUT in the environment. A flag wins over "
      "the\n"
      "environment, the environment over the file. So have the domains and names that the file configures:\n"
      "--domain-analytics-default-ttl 2h, --ttl-hourly 30m. A secret can be in a file: "
      "--upstream-password-file.\n"
      "\n"
      "Examples:\n"
      "  keyshift serve --embedded --config conf/examples/writing-assistant.toml\n"
      "  keyshift serve --config /etc/keyshift/keyshift.toml --upstream redis://10.0.0.5:6379\n"
      "  keyshift serve --listen 127.0.0.1:6380 --listen unix:/run/keyshift.sock --workers 2\n"
      "  keyshift serve --config keyshift.toml --phase legacy     rename nothing, count what would be "
      "renamed\n"
      "\n"
      "SIGHUP reads the configuration again; a file that is wrong changes nothing, and the log says why.\n"
      "SIGTERM stops taking clients, finishes what is in flight, and ends. Exit codes: 0 stopped when asked "
      "to,\n"
      "2 usage, 69 an address or a program is not to be had, 78 configuration.");
  return {command, [flags](Console& console) {
            const auto config = flags->load(console);
            if (!config) return kExitConfig;
            return run_daemon(*config, [sources = flags->sources()] { return config::load(sources); });
          }};
}

}  // namespace keyshift::cli
