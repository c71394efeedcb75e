// The domains of a scheme and what they say about expiries.
#include <algorithm>

#include "ruleset_compiler.h"

namespace keyshift::scheme {

void RulesetCompiler::segment_name(const std::string& name, const std::string& location, Field field) {
  const char* const what = field == Field::kDomain ? "a domain" : "a resource";
  if (name.empty()) {
    error(location, field, 0, std::string("the name of ") + what + " is empty");
  } else if (name.find(':') != std::string::npos) {
    error(location, field, 0,
          std::string("`") + name + "` is no name for " + what + ": it is one segment, without `:`");
  }
}

uint32_t RulesetCompiler::policy(const PolicySpec& spec, const TtlPolicy& inherited,
                                 const std::string& location, Field field) {
  TtlPolicy made = inherited;
  if (spec.default_ms) made.default_ms = *spec.default_ms;
  if (spec.min_ms) made.min_ms = *spec.min_ms;
  if (spec.max_ms) made.max_ms = *spec.max_ms;
  if (spec.mode) made.mode = *spec.mode;
  if (spec.jitter) made.jitter = *spec.jitter;
  const bool has_default = made.default_ms != TtlPolicy::kUnset;
  const bool has_min = made.min_ms != TtlPolicy::kUnset;
  const bool has_max = made.max_ms != TtlPolicy::kUnset;
  if (made.default_ms < 0 || made.min_ms < 0 || made.max_ms < 0) {
    error(location, field, 0, "a TTL is negative");
  } else if (has_min && has_max && made.min_ms > made.max_ms) {
    error(location, field, 0, "min_ttl is longer than max_ttl");
  } else if (has_default && has_max && made.default_ms > made.max_ms) {
    error(location, field, 0, "default_ttl is longer than max_ttl");
  } else if (has_default && has_min && made.default_ms < made.min_ms) {
    error(location, field, 0, "default_ttl is shorter than min_ttl");
  }
  if (!(made.jitter >= 0 && made.jitter <= 1))
    error(location, field, 0, "jitter is a part of the TTL: 0% to 100%");
  if (made.mode == TtlMode::kOverride && !has_default) {
    error(location, field, 0, "mode override replaces expiries by default_ttl, but there is none");
  }
  rules_->policies_.push_back(made);
  return static_cast<uint32_t>(rules_->policies_.size() - 1);
}

void RulesetCompiler::domains() {
  rules_->policies_.push_back({});
  for (const DomainSpec& spec : spec_.domains) {
    segment_name(spec.name, spec.location, Field::kDomain);
    if (rules_->find_domain(spec.name) != Match::kNone) {
      error(spec.location, Field::kDomain, 0, "the domain `" + spec.name + "` is there twice");
    }
    const auto domain = static_cast<uint32_t>(rules_->domains_.size());
    const uint32_t own = policy(spec.policy, {}, spec.location, Field::kDomain);
    rules_->domains_.push_back({spec.name, true, own, spec.phase});
    natives_.push_back({domain, own, false});
    std::vector<ResourcePolicy>& resources = matcher_->resources.emplace_back();
    for (const ResourceSpec& resource : spec.resources) {
      segment_name(resource.name, resource.location, Field::kResource);
      const auto same = [&](const ResourcePolicy& known) { return known.name == resource.name; };
      if (std::any_of(resources.begin(), resources.end(), same)) {
        error(resource.location, Field::kResource, 0, "the resource `" + resource.name + "` is there twice");
      }
      const TtlPolicy inherited = rules_->policies_[own];
      resources.push_back(
          {resource.name, policy(resource.policy, inherited, resource.location, Field::kResource)});
      natives_.push_back({domain, resources.back().policy, true});
    }
  }
}

}  // namespace keyshift::scheme
