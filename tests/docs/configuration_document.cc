// docs/configuration.md, from the option table.
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "documents.h"
#include "keyshift/config/option.h"

namespace keyshift::docs {
namespace {

using config::Option;
using config::OptionType;

constexpr std::string_view kBegin = R"(# Configuration

<!-- Made from the option table (src/config/option.cc) by `./dev docs`. Do not edit. -->

Every option, with its type, range and default. `conf/keyshift.toml` is the same as a file to start from, with more
advice; `docs/ttl.md` explains expiries.

An option can be said in four places; the first that says it wins:

1. a flag of `keyshift serve`,
2. the environment,
3. the file (`--config`, or `KEYSHIFT_CONFIG`),
4. the default.

The names follow from one another: `[upstream] reply_timeout` in the file is `KEYSHIFT_UPSTREAM_REPLY_TIMEOUT` in the
environment and `--upstream-reply-timeout` as a flag. Some options have a second variable or a shorter flag, which is
then named here. An empty variable counts as unset. Of a domain's, a resource's or a duration's name everything but
letters and digits becomes `_` or `-`: `KEYSHIFT_DOMAIN_ANALYTICS_RESOURCE_DAILY_DEFAULT_TTL`, `--ttl-hourly`. They
change what the file configures and create nothing.

| type | how it is written |
|---|---|
| duration | `"250ms"`, `"90s"`, `"5m"`, `"1h30m"`, `"24h"`, `"7d"`, `"2w"`; 0 needs no unit |
| expiry | a duration, or a name from `[ttl]` |
| size | bytes, or with Redis's units: `"1k"` is 1,000 bytes, `"1kb"` 1,024; likewise `m`, `mb`, `g`, `gb` |
| percentage | `"5%"` |
| list | `["a", "b"]`; with commas in the environment; as a flag once for each |
| secret, URL | text that is never logged or shown; or, with `_file` behind its name (`password_file`, `REDIS_PASSWORD_FILE`, `--upstream-password-file`), the name of a file whose first line it is |

A change takes effect with a reload (`SIGHUP`) or only with a restart, as is said here of each option. Whatever is wrong
is reported at once, each problem with its place (`keyshift.toml:12:1`); the exit code is then 78.
)";

struct TableText {
  std::string_view table;
  std::string_view heading;
  std::string_view text;
};
constexpr TableText kTables[] = {
    {"", "Top of the file", ""},
    {"upstream", "[upstream]", "The Redis or Valkey behind Keyshift, and how patient Keyshift is with it."},
    {"listener", "[[listener]]",
     "An address that clients connect to, and how they see the keyspace. Several may stand in the file; what "
     "the "
     "environment or a flag says holds for all of them."},
    {"user", "[user.NAME]",
     "Somebody who may log in where a listener's `users` has the name. Everybody else is the upstream's "
     "`username`."},
    {"fold", "[fold]",
     "Several databases in one: the databases of clients are views of one database of the upstream. "
     "`docs/databases.md` says what is the same and what is not."},
    {"admin", "[admin]", "HTTP for people and monitoring."},
    {"embedded", "[embedded]", "A private server instead of an upstream, for tests and development."},
    {"limits", "[limits]", "What bounds memory, and patience with clients."},
    {"log", "[log]", ""},
    {"domain", "[domain.NAME], [domain.NAME.resource.NAME]",
     "What a domain, or one of its resources, says about expiries: see `docs/ttl.md`. A resource has the "
     "same "
     "options, except `phase`; what it does not say is its domain's. `[ttl]` holds names for durations: "
     "`hourly = \"1h\"`."},
    {"rule", "[[rule]]",
     "A pair of templates: the names that the application uses, and the keys that they become."},
};

const TableText& text_of(std::string_view table) {
  for (const TableText& text : kTables)
    if (text.table == table) return text;
  throw std::logic_error("a table that configuration_document.cc has no words for: " + std::string(table));
}

std::string_view type_name(OptionType type) {
  switch (type) {
    case OptionType::kBool:
      return "`true` or `false`";
    case OptionType::kInteger:
      return "number";
    case OptionType::kDuration:
      return "duration";
    case OptionType::kSize:
      return "size";
    case OptionType::kPercent:
      return "percentage";
    case OptionType::kTtl:
      return "expiry";
    case OptionType::kChoice:
    case OptionType::kText:
      return "text";
    case OptionType::kSecret:
      return "secret";
    case OptionType::kUrl:
      return "URL";
    case OptionType::kList:
      return "list";
  }
  return "";
}

std::string code(std::string_view text) {
  return "`" + std::string(text) + "`";
}

std::string joined(const std::vector<std::string>& texts, std::string_view separator) {
  std::string out;
  for (const std::string& text : texts) {
    if (!out.empty()) out += separator;
    out += text;
  }
  return out;
}

// "duration, 1ms to 1d" or "`keep`, `clamp` or `override`".
std::string values_of(const Option& option) {
  if (option.type == OptionType::kChoice) {
    std::string out;
    const std::vector<std::string> choices = option.choice_list();
    for (size_t i = 0; i < choices.size(); ++i) {
      if (i != 0) out += i + 1 == choices.size() ? " or " : ", ";
      out += code(choices[i]);
    }
    return out;
  }
  std::string out(type_name(option.type));
  if (option.is_number()) {
    out += ", " + number_text(option, option.minimum) + " to " + number_text(option, option.maximum);
  }
  return out;
}

std::string default_of(const Option& option) {
  return option.default_text.empty() ? "default: none" : "default " + code(option.default_text);
}

// The places beside the file that can say it.
std::string elsewhere(const Option& option) {
  if (option.is_file_only()) return "";
  if (option.is_named()) {
    const std::string name = option.full_name(std::string(option.table()) + ".NAME");
    return code(config::environment_name(name)) + ", " + code(config::flag_name(name));
  }
  std::vector<std::string> names{code(option.environment())};
  if (!option.also.empty()) names.push_back(code(option.also));
  names.push_back(code(option.flag()));
  if (!option.short_flag.empty() && option.short_flag != option.flag())
    names.push_back(code(option.short_flag));
  return joined(names, ", ");
}

void append(std::string& out, const Option& option) {
  out += "\n**" + code(option.key()) + "**: " + std::string(option.doc) + "\n";
  const bool reloads = option.applies == config::Applies::kReload;
  out += "- " + values_of(option) + "; " + default_of(option) + "; changes with a " +
         (reloads ? "reload" : "restart") + "\n";
  if (const std::string names = elsewhere(option); !names.empty()) out += "- " + names + "\n";
}

}  // namespace

std::string configuration_document() {
  std::string out(kBegin);
  std::string_view table = "no table yet";
  for (const Option& option : config::options()) {
    if (option.table() != table) {
      table = option.table();
      const TableText& text = text_of(table);
      out += "\n## " + std::string(text.heading) + "\n";
      if (!text.text.empty()) out += "\n" + std::string(text.text) + "\n";
    }
    append(out, option);
  }
  return out;
}

}  // namespace keyshift::docs
