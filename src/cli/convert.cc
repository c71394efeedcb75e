// Names from one naming into the other, as fast as they can be read: nothing is allocated or flushed for a line.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstring>
#include <istream>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string_view>

#include "commands.h"
#include "keyshift/base/buffer.h"
#include "keyshift/base/printable.h"
#include "keyshift/cli/app.h"
#include "text.h"

namespace keyshift::cli {
namespace {

using scheme::Naming;
using scheme::Ruleset;

struct Flags {
  ConfigFlags config;
  bool reverse = false;
  bool json = false;
  bool null = false;
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
    if (!matched) report(key);
    const std::string_view name = matched ? name_.view() : key;
    if (flags_.json) {
      out_ += "{\"key\":";
      append_json(key);
      out_ += ",\"name\":";
      append_json(name);
      out_ += ",\"result\":\"";
      out_ += status_name(conversion);
      out_ += "\"}\n";
    } else if (flags_.null) {
      out_ += name;
      out_ += '\0';
    } else {
      append_printable(name);
      out_ += '\n';
    }
    if (out_.size() >= kFlushBytes) flush();
  }

  // A line of standard input, which may be a key as convert or redis-cli print it. What only looks quoted is a key too.
  void convert_line(std::string_view line) {
    const bool quoted = !flags_.null && line.starts_with('"') && read_printable(line, unquoted_);
    convert(quoted ? std::string_view(unquoted_) : line);
  }

  void flush() {
    console_.out.write(out_.data(), static_cast<std::streamsize>(out_.size()));
    console_.out.flush();
    out_.clear();
  }
  // Nobody reads what we write any more: `keyshift convert | head`.
  bool abandoned() const { return !console_.out; }

  int finish() {
    flush();
    if (unmatched_ > kReported)
      console_.err << "no rule matches " << counted(unmatched_ - kReported, "more key") << '\n';
    return unmatched_ == 0 ? kExitYes : kExitNo;
  }

 private:
  static constexpr size_t kFlushBytes = 64 * 1024;
  static constexpr uint64_t kReported = 20;

  void report(std::string_view key) {
    if (++unmatched_ <= kReported) console_.err << "no rule matches " << printable(key) << '\n';
  }

  void append_printable(std::string_view name) {
    if (!name.empty() && name[0] != '"' && is_printable(name)) {
      out_ += name;
    } else {
      out_ += printable(name);
    }
  }

  // JSON holds text: keys that are not are written as redis-cli would print them. That leaves two bytes to be escaped.
  void append_json(std::string_view name) {
    const size_t begin = out_.size();
    append_printable(name);
    for (size_t at = out_.find_first_of("\"\\", begin); at != std::string::npos;
         at = out_.find_first_of("\"\\", at + 2))
      out_.insert(at, 1, '\\');
    out_.insert(begin, 1, '"');
    out_ += '"';
  }

  const Flags& flags_;
  const Ruleset& rules_;
  Console& console_;
  const Naming to_;
  Buffer name_;
  std::string unquoted_;
  std::string out_;
  uint64_t unmatched_ = 0;
};

// Takes what one read(2) brings at a time, so that a slow producer sees its lines answered and a fast one is not held
// up.
void convert_input(std::istream& in, char separator, Converter& converter) {
  std::streambuf& input = *in.rdbuf();
  std::string chunk;
  std::string carried;  // the beginning of a line whose end is still to come
  while (input.sgetc() != std::char_traits<char>::eof() && !converter.abandoned()) {
    chunk.resize(static_cast<size_t>(std::max<std::streamsize>(input.in_avail(), 1)));
    chunk.resize(static_cast<size_t>(input.sgetn(chunk.data(), static_cast<std::streamsize>(chunk.size()))));
    std::string_view rest = chunk;
    while (const void* end = std::memchr(rest.data(), separator, rest.size())) {
      const auto size = static_cast<size_t>(static_cast<const char*>(end) - rest.data());
      if (carried.empty()) {
        converter.convert_line(rest.substr(0, size));
      } else {
        converter.convert_line(carried.append(rest.substr(0, size)));
        carried.clear();
      }
      rest.remove_prefix(size + 1);
    }
    carried.append(rest);
    if (input.in_avail() <= 0) converter.flush();
  }
  if (!carried.empty() && !converter.abandoned()) converter.convert_line(carried);
}

int convert(const Flags& flags, Console& console) {
  if (flags.config.file().empty()) {
    console.err << "convert needs the rules: --config FILE\n";
    return kExitUsage;
  }
  const auto config = flags.config.load(console);
  if (!config) return kExitConfig;
  Converter converter(flags, *config->rules, console);
  for (const std::string& key : flags.keys) converter.convert_line(key);
  if (flags.keys.empty()) convert_input(console.in, flags.null ? '\0' : '\n', converter);
  return converter.finish();
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
      ->add_flag(
          "-0,--null", flags->null,
          "Keys end with a zero byte, in and out, and are never quoted: for names with line ends in them")
      ->excludes("--json");
  command
      ->add_option("--db", flags->db, "The logical database that the keys are in, for rules limited to one")
      ->check(CLI::Range(0, 1'000'000).description(""))
      ->type_name("NUMBER");
  command->add_option("KEY", flags->keys,
                      "The keys; without any they are read from standard input, one a line");
  command->footer(
      "Needs no server. A key that has such a name already, or that no rule matches, is printed as it is, so "
      "every\n"
      "key gets one line. Names that are not printable are quoted and escaped as redis-cli does, and are "
      "understood so:\n"
      "what convert prints, convert reads.\n"
      "\n"
      "Examples:\n"
      "  keyshift convert --config conf/examples/writing-assistant.toml writing_stats:user123:30d\n"
      "      analytics:writing_stats:user:user123:days:30d\n"
      "  keyshift convert --config conf/examples/writing-assistant.toml --reverse session:data:id:42\n"
      "      sess_42\n"
      "  redis-cli --scan | keyshift convert --config keyshift.toml --json\n"
      "      {\"key\":\"system_health\",\"name\":\"maintenance:system_health\",\"result\":\"converted\"}\n"
      "\n"
      "Exit codes: 0 a rule matched every key, 1 not every one (standard error says which), 2 usage,\n"
      "78 configuration.");
  return {command, [flags](Console& console) { return convert(*flags, console); }};
}

}  // namespace keyshift::cli
