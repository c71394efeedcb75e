// Outside: what the environment and the flags say, asked option by option.
//
// load() asks it for each row of the option table, and for each name that the file has: a domain's options exist
// outside of the file because the file has the domain.
//
//   KEYSHIFT_DOMAIN_AI_MODEL_DEFAULT_TTL=2h      environment(row, "domain.ai-model.default_ttl")  ->  "2h"
//   REDIS_PASSWORD_FILE=/run/secrets/redis       environment(row, "upstream.password")  ->  that file's first line
//   --ttl-hourly 30m                             flag(row, "ttl.hourly")  ->  "30m"
//
// Everything but letters and digits of a name becomes "_" (in a flag "-"), so two names of the file can have the same
// variable; that is a problem only where the variable is set. What nobody has asked for is unknown: a notice for a
// variable, which may be somebody else's, a problem for a flag. Borrows the sources and the problems.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "keyshift/config/option.h"
#include "problems.h"

namespace keyshift::config {

// A value outside of the file.
struct Said {
  std::string text;
  std::string name;   // of the variable or the flag
  std::string shown;  // "KEYSHIFT_WORKERS=0": what problems say; of a secret only the name
  Place place;        // where problems with the value are

  // Where problems with its relation to other values are: "environment: KEYSHIFT_WORKERS", "--workers".
  Place named_place() const;
};

class Outside {
 public:
  Outside(const Sources& sources, Problems& problems) : sources_(sources), problems_(problems) {}

  // What is said about `option` by its full name, "workers" or "domain.analytics.default_ttl". Nothing where nothing is
  // said, or (then there is a problem) nothing that can be used.
  std::optional<Said> environment(const Option& option, std::string_view full_name);
  std::optional<Said> flag(const Option& option, std::string_view full_name);

  // A variable's text; nullptr where it is unset or empty: `REDIS_PASSWORD=` in a compose file means none.
  const std::string* variable(std::string_view name) const;

  // To be called when every option has been asked for. `is_whole`: the file could be read to its end, so that it is
  // known which names it has.
  void finish(bool is_whole, std::vector<std::string>& notices);

 private:
  struct Given {
    std::string name;
    std::string text;
  };
  std::optional<Given> given_variable(std::string name, std::string_view full_name);
  std::optional<Given> given_flag(const Option& option, const std::string& full_name);
  // The secret or what its file holds, not both.
  std::optional<Said> said(const Option& option, const Place& place, std::optional<Given> text,
                           std::optional<Given> file);
  void notice_unknown_variables(std::vector<std::string>& notices) const;

  const Sources& sources_;
  Problems& problems_;
  std::map<std::string, std::string, std::less<>> variables_;  // asked for, and for which option
  std::map<std::string, std::string, std::less<>> flags_;      // likewise
  std::set<size_t> used_;                                      // of sources_.flags
};

// The first line of the file at `path`, without its end; fails with why there is none. Never shows it.
Result<std::string> read_secret(const Sources& sources, const std::string& path);
// All of a file.
Result<std::string> read_text(const Sources& sources, const std::string& path);

}  // namespace keyshift::config
