// What the tests of scheme/ share: a small language to say a ruleset, and names in and out as strings.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "keyshift/scheme/ruleset.h"

namespace keyshift::scheme {

using Pairs = std::vector<std::pair<std::string, std::string>>;

inline SchemeSpec spec_of(const Pairs& rules, Phase phase = Phase::kConsolidated) {
  SchemeSpec spec;
  int line = 1;
  for (const auto& [legacy, key] : rules) {
    RuleSpec rule;
    rule.legacy = legacy;
    rule.key = key;
    rule.phase = phase;
    rule.location = "rules:" + std::to_string(line++);
    spec.rules.push_back(std::move(rule));
  }
  return spec;
}

inline std::string text_of(const std::vector<SchemeError>& errors) {
  std::string text;
  for (const SchemeError& error : errors) {
    text += error.location + ":" + std::to_string(error.column) + ": " + error.text + "\n";
  }
  return text;
}

inline std::shared_ptr<const Ruleset> compiled(const SchemeSpec& spec) {
  auto rules = Ruleset::compile(spec);
  if (rules) return *rules;
  ADD_FAILURE() << text_of(rules.error());
  return *Ruleset::compile({});
}

inline std::string errors_of(const SchemeSpec& spec) {
  auto rules = Ruleset::compile(spec);
  return rules ? "accepted" : text_of(rules.error());
}

inline View view_of(Naming naming, Unmatched unmatched = Unmatched::kPass, std::string prefix = "") {
  return {naming, unmatched, std::move(prefix)};
}

// The key in Redis behind a client's name.
inline std::string physical(const Ruleset& rules, std::string_view name, const View& view, int db = 0) {
  const Match match = rules.match(name, db, view);
  if (match.refused) return "(refused)";
  Buffer out;
  rules.append_physical(match, name, out);
  EXPECT_TRUE(!match.identity || out.view() == name);
  return std::string(out.view());
}

// The name that a client sees for a key in Redis.
inline std::optional<std::string> shown(const Ruleset& rules, std::string_view key, const View& view,
                                        Naming naming, int db = 0) {
  Buffer out;
  out.append("before");
  if (!rules.shown(key, db, view, naming, out)) {
    EXPECT_EQ(out.view(), "before");
    return std::nullopt;
  }
  return std::string(out.view().substr(6));
}
inline std::optional<std::string> shown(const Ruleset& rules, std::string_view key, const View& view,
                                        int db = 0) {
  return shown(rules, key, view, view.naming, db);
}

inline std::string converted(const Ruleset& rules, std::string_view key, Naming to, int db = 0) {
  Buffer out;
  if (rules.convert(key, db, to, out) == Ruleset::Conversion::kNone) return "(none)";
  return std::string(out.view());
}

}  // namespace keyshift::scheme
