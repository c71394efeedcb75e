#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <ostream>
#include <set>
#include <string_view>

#include "commands.h"
#include "keyshift/config/option.h"

namespace keyshift::cli {
namespace {

// What --help shows behind a flag.
const char* value_name(config::OptionType type) {
  using enum config::OptionType;
  switch (type) {
    case kInteger:
      return "NUMBER";
    case kDuration:
      return "DURATION";
    case kSize:
      return "SIZE";
    case kUrl:
      return "URL";
    default:
      return "TEXT";
  }
}

// Flags of what the file names.
constexpr std::array<std::string_view, 3> kNamed = {"--domain-", "--ttl-", "--user-"};

}  // namespace

void ConfigFlags::add_file(CLI::App& command) {
  command.add_option("-c,--config", file_, "The configuration file; conf/keyshift.toml is its manual")
      ->type_name("FILE")
      ->envname("KEYSHIFT_CONFIG");
}

void ConfigFlags::add_all(CLI::App& command, std::span<const std::string> arguments) {
  add_file(command);
  for (const config::Option& option : config::options()) {
    if (option.flag().empty()) continue;
    const bool short_form = !option.short_flag.empty();
    std::string names = option.flag();
    if (short_form && option.short_flag != names) names = std::string(option.short_flag) + "," + names;
    auto& given = *given_.emplace_back(std::make_unique<Given>());
    given.name = option.name;
    given.spelling = short_form ? std::string(option.short_flag) : option.flag();
    const std::string doc(option.doc);
    CLI::Option* added = nullptr;
    if (option.type == config::OptionType::kBool) {
      added = command.add_flag(names, given.last, doc)->take_last();
    } else if (option.type == config::OptionType::kList) {
      // One value each time the flag is given: `--listen A --listen B`, never `--listen A B`.
      added = command.add_option(names, given.all, doc)->allow_extra_args(false);
    } else {
      added = command.add_option(names, given.last, doc)->take_last();
      added->type_name(option.choices.empty() ? value_name(option.type) : std::string(option.choices));
    }
    if (!short_form) added->group("");
    given.option = added;
    if (option.is_secret()) add_secret_file(command, option);
  }
  add_named(command, arguments);
}

void ConfigFlags::add_secret_file(CLI::App& command, const config::Option& option) {
  auto& given = *given_.emplace_back(std::make_unique<Given>());
  given.name = std::string(option.name) + "_file";
  given.spelling = option.flag() + "-file";
  given.option = command.add_option(given.spelling, given.last, "A file whose first line it is")
                     ->take_last()
                     ->type_name("FILE")
                     ->group("");
}

// Which names there are only the file knows, and load() reads that: until then every flag of the kind is taken.
void ConfigFlags::add_named(CLI::App& command, std::span<const std::string> arguments) {
  std::set<std::string> spellings;
  for (const std::string& argument : arguments) {
    const std::string spelling = argument.substr(0, argument.find('='));
    const bool names =
        std::ranges::any_of(kNamed, [&](std::string_view table) { return spelling.starts_with(table); });
    if (!names || !spellings.insert(spelling).second) continue;
    auto& given = *given_.emplace_back(std::make_unique<Given>());
    given.spelling = spelling;
    given.option = command.add_option(spelling, given.last)->take_last()->group("");
  }
}

config::Sources ConfigFlags::sources() const {
  config::Sources sources;
  sources.file = file_;
  sources.environment = config::process_environment();
  for (const auto& given : given_) {
    if (given->option->count() == 0) continue;
    const auto& values = given->all.empty() ? std::vector{given->last} : given->all;
    for (const std::string& value : values) sources.flags.push_back({given->name, value, given->spelling});
  }
  return sources;
}

std::optional<config::Config> ConfigFlags::load(Console& console) const {
  auto config = config::load(sources());
  if (config) return std::move(*config);
  for (const config::Problem& problem : config.error()) console.err << problem.render() << '\n';
  return std::nullopt;
}

}  // namespace keyshift::cli
