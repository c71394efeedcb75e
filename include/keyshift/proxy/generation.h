// Generation: settings in force on one worker, and the counters that their domains and rules have there.
//
// A reload makes one on each worker, on its thread, in one step between two requests. What outlives its request (a large
// one that is still arriving) keeps the generation it began with.
#pragma once

#include <memory>
#include <vector>

#include "keyshift/proxy/settings.h"
#include "keyshift/telemetry/loop_stats.h"

namespace keyshift::proxy {

struct Generation {
  Generation(std::shared_ptr<const Settings> from, telemetry::LoopStats& stats) : settings(std::move(from)) {
    for (const scheme::Domain& domain : settings->rules->domains())
      domains.push_back(&stats.domains.at(domain.name));
    for (const scheme::Rule& rule : settings->rules->rules()) rules.push_back(&stats.rules.at(rule.title()));
    no_domain = &stats.domains.at("");
  }

  // `id` may be Match::kNone.
  telemetry::DomainStats& domain(uint32_t id) const {
    return id == scheme::Match::kNone ? *no_domain : *domains[id];
  }

  std::shared_ptr<const Settings> settings;
  std::vector<telemetry::DomainStats*> domains;  // by the ruleset's numbers
  std::vector<telemetry::RuleStats*> rules;
  telemetry::DomainStats* no_domain;
};

}  // namespace keyshift::proxy
