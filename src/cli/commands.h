// The subcommands: each adds itself to the command line, and runs when it was the one that was asked for.
#pragma once

#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "keyshift/config/load.h"
#include "keyshift/config/option.h"

// CLI11 and the JSON library are headers of many thousand lines: only the files that use them include them.
namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace keyshift::cli {

struct Console {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
};

// Returns the exit code.
using Run = std::function<int(Console&)>;

struct Command {
  CLI::App* parsed = nullptr;
  Run run;
};

// `arguments`: the command line, for flags that only the file can name.
Command add_serve(CLI::App& app, std::span<const std::string> arguments);
Command add_check(CLI::App& app);
Command add_explain(CLI::App& app);
Command add_convert(CLI::App& app);

// The options of the configuration that a command takes as flags, and the file.
class ConfigFlags {
 public:
  // Adds --config, the short flags, and (not shown in --help) one flag for every other option, one for the file of
  // each secret, and those of `arguments` that speak of names in the file: --domain-analytics-default-ttl,
  // --ttl-hourly. Stays valid only as long as the ConfigFlags.
  void add_all(CLI::App& command, std::span<const std::string> arguments);
  void add_file(CLI::App& command);

  // What the process was started with: file, environment, flags.
  config::Sources sources() const;
  // Loads what was asked for; without a value, all problems are on `err`.
  std::optional<config::Config> load(Console& console) const;
  const std::string& file() const { return file_; }

 private:
  void add_secret_file(CLI::App& command, const config::Option& option);
  void add_named(CLI::App& command, std::span<const std::string> arguments);

  struct Given {
    const CLI::Option* option = nullptr;
    std::string name;  // the option's full name; empty: only the file can tell
    std::string spelling;
    std::string last;              // of an option that counts once
    std::vector<std::string> all;  // of a list
  };

  std::string file_;
  std::vector<std::unique_ptr<Given>> given_;  // CLI11 keeps the addresses
};

}  // namespace keyshift::cli
