// TomlReader: the configuration file into a Config, with the place of everything that later checks may ask for.
//
// First of the sources that load() applies. It reads what the option table knows, refuses what it does not, and keeps
// on after each problem, so that one run shows them all. What environment and flags say of the names in the file, the
// domains and [ttl], is applied on the way, where their values are needed.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "outside.h"
#include "problems.h"
#include "toml_syntax.h"

namespace keyshift::config {

// Where a rule's parts stand, so that a proof that fails can point at them.
struct RulePlaces {
  Place rule;
  TextPlace legacy;
  TextPlace key;
  std::optional<scheme::Phase> phase;  // as the rule itself says it
};

struct ListenerPlaces {
  Place table;
  std::map<std::string, Place, std::less<>> options;  // by name: "listener.view"
};

// A domain or a resource: "domain.analytics.resource.daily".
struct DomainPlace {
  Place place;
  std::string path;
};

// A user: "user.app".
struct UserPlace {
  Place place;
  std::string path;
};

struct FileFacts {
  bool is_whole = true;                               // false: parts of the file could not be read
  std::map<std::string, Place, std::less<>> options;  // where an option of the file was set, by name
  std::vector<ListenerPlaces> listeners;              // of each of config.listeners that the file made
  std::vector<UserPlace> users;                       // of each of config.users
  std::vector<RulePlaces> rules;                      // of each of config.scheme.rules
  std::vector<DomainPlace> domains;                   // of each domain, and of each resource
  std::map<std::string, scheme::Phase, std::less<>> domain_phases;

  // Where an option was said; nowhere where it is the default.
  Place place_of(std::string_view option) const;
  // The same of the i-th listener's; where that listener begins where it does not say the option.
  Place place_of(std::string_view option, size_t listener) const;
};

// Applies `toml`, which came from sources.file, to `config`.
FileFacts read_toml(const Sources& sources, std::string_view toml, Config& config, Outside& outside,
                    Problems& problems);

}  // namespace keyshift::config
