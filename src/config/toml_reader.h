// TomlReader: the configuration file into a Config, with the place of everything that later checks may ask for.
//
// First of the sources that load() applies. It reads what the option table knows, refuses what it does not, and keeps
// on after each problem, so that one run shows them all. The only code that knows toml++.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "problems.h"

namespace keyshift::config {

// Where a rule's parts stand, so that a proof that fails can point at them.
struct RulePlaces {
  Place rule;
  Place legacy;  // the text's first byte, behind the quote
  Place key;
  std::optional<scheme::Phase> phase;  // as the rule itself says it
};

// A domain or a resource: "domain.analytics.resource.daily".
struct DomainPlace {
  Place place;
  std::string path;
};

struct FileFacts {
  std::map<std::string, Place, std::less<>> options;  // where an option of the file was set, by name
  std::vector<Place> listeners;                       // of each of config.listeners that the file made
  std::vector<RulePlaces> rules;                      // of each of config.scheme.rules
  std::vector<DomainPlace> domains;                   // of each domain, and of each resource
  std::map<std::string, scheme::Phase, std::less<>> domain_phases;
};

// Applies `toml`, which came from `file`, to `config`.
FileFacts read_toml(const std::string& file, std::string_view toml, Config& config, Problems& problems);

}  // namespace keyshift::config
