#include <istream>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string_view>

#include "commands.h"
#include "keyshift/base/buffer.h"
#include "keyshift/base/printable.h"
#include "keyshift/cli/app.h"

namespace keyshift::cli {
namespace {

using scheme::Naming;
using scheme::Ruleset;

struct Flags {
  ConfigFlags config;
  bool reverse = false;
  bool json = false;
  int db = 0;
  std::vector<std::string> keys;
};

const char* status_name(Ruleset::Conversion conversion) {
  switch (conversion) {
    case Ruleset::Conversion::kConverted:
      return "converted";
    case Ruleset::Conversion::kAlready:
      return "already";
    default:
      return "unmatched";
  }
}

// One pass over the keys: each gets one line, whatever becomes of it, so that input and output can be pasted together.
class Converter {
 public:
  Converter(const Flags& flags, const Ruleset& rules, Console& console)
      : flags_(flags),
        rules_(rules),
        console_(console),
        to_(flags.reverse ? Naming::kLegacy : Naming::kConsolidated) {}

  void convert(std::string_view key) {
    name_.clear();
    const auto conversion = rules_.convert(key, flags_.db, to_, name_);
    const bool matched = conversion != Ruleset::Conversion::kNone;
    if (!matched) {
      all_matched_ = false;
      console_.err << "no rule matches " << printable(key) << '\n';
    }
    const std::string_view name = matched ? name_.view() : key;
    if (flags_.json) {
      // JSON holds text: keys that are not are written as redis-cli would print them.
      const nlohmann::json line{
          {"key", printable(key)}, {"name", printable(name)}, {"result", status_name(conversion)}};
      console_.out << line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
    } else {
      console_.out << printable(name) << '\n';
    }
  }

  int exit_code() const { return all_matched_ ? kExitYes : kExitNo; }

 private:
  const Flags& flags_;
  const Ruleset& rules_;
  Console& console_;
  const Naming to_;
  Buffer name_;
  bool all_matched_ = true;
};

int convert(const Flags& flags, Console& console) {
  if (flags.config.file().empty()) {
    console.err << "convert needs the rules: --config FILE\n";
    return kExitUsage;
  }
  const auto config = flags.config.load(console);
  if (!config) return kExitConfig;
  Converter converter(flags, *config->rules, console);
  if (!flags.keys.empty()) {
    for (const std::string& key : flags.keys) converter.convert(key);
    return converter.exit_code();
  }
  for (std::string line; std::getline(console.in, line);) converter.convert(line);
  return converter.exit_code();
}

}  // namespace

Command add_convert(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("convert", "Print the consolidated names of legacy keys, or the way back");
  auto flags = std::make_shared<Flags>();
  flags->config.add_file(*command);
  command->add_flag("-r,--reverse", flags->reverse, "From consolidated to legacy names");
  command->add_flag("--json", flags->json,
                    "One JSON object a line: key, name, result (converted, already, unmatched)");
  command
      ->add_option("--db", flags->db, "The logical database that the keys are in, for rules limited to one")
      ->check(CLI::Range(0, 1'000'000))
      ->type_name("NUMBER");
  command->add_option("KEY", flags->keys,
                      "The keys; without any they are read from standard input, one a line");
  command->footer(
      "Needs no server. A key that has such a name already, or that no rule matches, is printed as it is, so "
      "every\n"
      "key gets one line. Names that are not printable are quoted and escaped as redis-cli does.\n"
      "\n"
      "Examples:\n"
      "  keyshift convert --config conf/examples/writing-assistant.toml writing_stats:user123:30d\n"
      "      analytics:writing_stats:user:user123:days:30d\n"
      "  redis-cli --scan | keyshift convert --config keyshift.toml --json\n"
      "  keyshift convert --config keyshift.toml --reverse session:data:id:42\n"
      "\n"
      "Exit codes: 0 a rule matched every key, 1 not every one (standard error says which), 2 usage,\n"
      "78 configuration.");
  return {command, [flags](Console& console) { return convert(*flags, console); }};
}

}  // namespace keyshift::cli
