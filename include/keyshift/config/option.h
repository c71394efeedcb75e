// Option: one row for each thing that an operator can set, and everything that is to be known about it.
//
// The table feeds the TOML reader (which keys exist, their types and ranges, what a misspelt one may have meant), the
// environment, the flags of `keyshift serve` and, by its last column, the reference in the documentation.
//
//   name        "upstream.reply_timeout"              [upstream] reply_timeout = "30s"
//   environment "KEYSHIFT_UPSTREAM_REPLY_TIMEOUT"     made from the name; `also` is a second one, "REDIS_POOL_SIZE"
//   flag        "--upstream-reply-timeout"            made from the name; `short_flag` is a second one, "--upstream"
//
// Rows of a [[listener]], a [domain.*] and a [[rule]] have that word in front of their name ("listener.view",
// "rule.legacy"); those of a domain's expiries also hold for [domain.*.resource.*]. What environment and flags say of a
// listener holds for every listener. What they say of a domain is named after the domain, by its full name:
//
//   full name   "domain.ai-model.default_ttl"         [domain.ai-model] default_ttl = "1h"
//   environment "KEYSHIFT_DOMAIN_AI_MODEL_DEFAULT_TTL"
//   flag        "--domain-ai-model-default-ttl"
//
// Those of a user are named after the user likewise: "user.app.password", KEYSHIFT_USER_APP_PASSWORD. Rules have no
// names and are the file's alone. A secret has a second name, with "_file" behind, for a file that holds it:
// password_file, KEYSHIFT_UPSTREAM_PASSWORD_FILE, REDIS_PASSWORD_FILE, --upstream-password-file. The table is constant:
// any thread, at any time.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "keyshift/base/result.h"
#include "keyshift/config/config.h"

namespace keyshift::config {

enum class OptionType {
  kBool,      // true or false
  kInteger,   // a whole number
  kDuration,  // "90s"; in milliseconds
  kSize,      // "512mb"; in bytes
  kPercent,   // "5%"; in hundredths of a percent
  kTtl,       // a duration, or a name from [ttl]; in milliseconds
  kChoice,    // one of `choices`
  kText,
  kSecret,  // text that is never shown
  kUrl,     // text that may hold a password: never shown
  kList,    // texts; between commas outside of the file
};

// What a text of an option's type says: the member that its type speaks of is set.
struct Value {
  bool boolean = false;
  int64_t number = 0;               // integers, durations, sizes, percentages
  std::string text{};               // choices, texts, secrets, URLs
  std::vector<std::string> list{};  // lists

  bool operator==(const Value&) const = default;
};

// Puts a value where it belongs; fails with what is wrong when only the destination can tell.
template <class Target>
using Store = Result<void> (*)(Target&, const Value&);

// Both ways between a value and its place in a Target.
template <class Target>
struct Field {
  Store<Target> store;
  // What is there, nothing where nothing was said. nullptr: another row reads that place.
  std::optional<Value> (*read)(const Target&);
};

// When a change of an option takes effect: at the next reload, or only in a new process.
enum class Applies { kReload, kRestart };

struct Option {
  std::string_view name;
  OptionType type = OptionType::kText;
  std::string_view default_text;  // as in the file, without quotes; empty: nothing
  std::variant<Field<Config>, Field<Listener>, Field<scheme::PolicySpec>, Field<scheme::RuleSpec>,
               Field<scheme::Phase>, Field<User>>
      field;
  Applies applies = Applies::kRestart;
  std::string_view doc;  // one or two sentences
  int64_t minimum = 0;   // of numbers, in the unit of the type
  int64_t maximum = INT64_MAX;
  std::string_view choices = "";     // "legacy|consolidated"
  std::string_view also = "";        // an environment variable that others have named
  std::string_view short_flag = "";  // "--listen"

  bool is_secret() const { return type == OptionType::kSecret || type == OptionType::kUrl; }
  bool is_number() const;
  // "reply_timeout": the key in its table.
  std::string_view key() const;
  // "upstream": the table, empty at the top of the file.
  std::string_view table() const;
  // A rule's: no environment, no flag.
  bool is_file_only() const;
  // A domain's or a user's: its environment and flag follow from its full name.
  bool is_named() const;
  // "domain.analytics.default_ttl" for the table "domain.analytics".
  std::string full_name(std::string_view path) const;
  // Empty for what only the file can say, and for what is named.
  std::string environment() const;
  std::string flag() const;
  std::vector<std::string> choice_list() const;
};

// All rows, in the order in which one source is applied: what a URL says comes behind the options for its parts.
std::span<const Option> options();
// The word in front of a table that may come more than once or has a name: "listener", "user", "ttl", "domain",
// "rule".
bool is_table_of_many(std::string_view table);
// The row of that name, or nullptr.
const Option* find_option(std::string_view name);

// The variable and the flag of a full name: every byte but letters and digits becomes "_" or "-".
std::string environment_name(std::string_view full_name);
std::string flag_name(std::string_view full_name);

// Reads and checks a text as the option's type; fails with what is wrong: "must be 1 to 256".
Result<Value> parse_value(const Option& option, std::string_view text);
// What a number of the option's type is called: "30s", "512mb", "10".
std::string number_text(const Option& option, int64_t number);

}  // namespace keyshift::config
