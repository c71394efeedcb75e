// The half of `keyshift check` that asks the live server, read-only: what it is, and what its keyspace looks like to
// the scheme.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <memory>
#include <string>

#include "commands.h"
#include "findings.h"
#include "keyshift/base/result.h"
#include "keyshift/config/config.h"
#include "keyshift/migrate/server_facts.h"
#include "keyshift/migrate/survey.h"
#include "text.h"

namespace keyshift::cli {

struct UpstreamFlags {
  uint64_t keys_per_second = 50'000;
  uint64_t sample = 0;
  size_t top = 20;  // shapes of unmatched keys that are printed
};

struct UpstreamReport {
  std::string address;
  migrate::ServerFacts facts;
  std::unique_ptr<migrate::Survey> survey;
};

// Asks; fails with the reason and what to do about it. Shows progress when standard error is a terminal.
Result<UpstreamReport> examine_upstream(const config::Config& config, const UpstreamFlags& flags,
                                        Console& console);

Findings upstream_findings(const config::Config& config, const UpstreamReport& report);
void print_upstream(const UpstreamReport& report, size_t top, std::ostream& out);
Json json_upstream(const UpstreamReport& report, size_t top);

}  // namespace keyshift::cli
