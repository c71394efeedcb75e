// Findings: what `keyshift check` has to say about a configuration that is valid.
//
// A warning needs a decision and makes the exit code 1; a notice is only to be known. The name of a check is stable:
// scripts may look for it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "keyshift/config/config.h"

namespace keyshift::cli {

struct Finding {
  enum class Severity : uint8_t { kNotice, kWarning };

  Severity severity = Severity::kNotice;
  std::string check;              // "no-default-ttl"
  std::string text;               // a sentence
  std::string location;           // where in the file; empty: nowhere in particular
  std::vector<std::string> keys;  // keys that show it, as bytes
};

using Findings = std::vector<Finding>;

// What the configuration alone tells.
Findings config_findings(const config::Config& config);

// Logs what of it deserves a warning where nobody has asked: at the start, and after a reload.
void log_findings(const config::Config& config);

}  // namespace keyshift::cli
