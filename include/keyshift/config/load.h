// load(): file, environment and flags become one Config, or all that is wrong with them.
//
// Called once at start and at each reload. Where two sources say something, the flag wins over the
// environment, the environment over the file, the file over the default. Every problem of every source is
// found in one go:
//
//   conf.toml:12:1: unknown option "pol_size" in [upstream]; did you mean "pool_size"?
//   conf.toml:19:17: default_ttl = "hourli": neither a duration nor a name from [ttl]; did you mean "hourly"?
//   environment: KEYSHIFT_WORKERS=0: must be 1 to 256
//   --phase=legasy: must be one of legacy, consolidated; did you mean "legacy"?
//
// Nothing throws out of here. The sources are borrowed for the call. Any thread; reads one file and those that it (or
// the environment, or a flag) names for a secret, and nothing else: environment and arguments are what the caller
// passes. Secrets are never quoted.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "keyshift/base/result.h"
#include "keyshift/config/config.h"

namespace keyshift::config {

// One thing that is wrong, and where.
struct Problem {
  std::string source;  // a file's path, "environment", or empty for a flag
  int line = 0;        // 1-based; 0: the source has no lines
  int column = 0;
  std::string text;        // what is wrong, with the offending text quoted
  std::string suggestion;  // what was probably meant; empty: nothing is near

  // "conf.toml:12:1: unknown option "pol_size"; did you mean "pool_size"?"
  std::string render() const;
};

// A flag as given: the option's full name and its value, "workers" and "4"; of a secret's file
// "upstream.password_file". A flag may come more than once.
struct Flag {
  // Empty where only the file can tell: `spelling` is then that of a name in it, "--domain-analytics-default-ttl".
  std::string option;
  std::string value;
  std::string spelling;  // how it was written, for problems: "--workers"; empty: as it follows from `option`
};

struct Sources {
  std::string file;  // path of the TOML file; empty: none
  std::string toml;  // used instead of reading `file` when has_toml; `file` is then only its name
  bool has_toml = false;
  std::map<std::string, std::string, std::less<>> environment;
  std::vector<Flag> flags;
  // What a file holds, or why it cannot be read. Empty: what the file system says.
  std::function<Result<std::string>(const std::string& path)> read_file;
};

// Returns the Config, or at least one problem, in the order file, environment, flags.
tl::expected<Config, std::vector<Problem>> load(const Sources& sources);

// The process's environment as load() wants it.
std::map<std::string, std::string, std::less<>> process_environment();

}  // namespace keyshift::config
