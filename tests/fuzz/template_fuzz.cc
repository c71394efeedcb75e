// Laws of the template compiler on any scheme. The input is lines, a blank one between the scheme and keys:
//
//   writing_stats:{user}:{days:int}d -> analytics:writing_stats:user:{user}:days:{days}d
//   legacy 1 a:{x} -> d:{x}                 in phase legacy, in database 1; both may be left out
//   domain d
//
//   writing_stats:user123:30d
//
//   - a template has a key with two readings, which really are two, or every name made from it is read as it was made
//   - a refusal about two rules shows a key that both rules take
//   - an accepted scheme: what is shown leads back to the same key, conversion there and back is nothing, and the
//     captures are those that trying everything finds
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ambiguity.h"
#include "extraction.h"
#include "keyshift/scheme/ruleset.h"
#include "readings.h"

namespace keyshift::scheme {
namespace {

// Templates multiply each other: few, so that the sanitizers' time is bounded too.
constexpr size_t kMaxRules = 6;
constexpr size_t kMaxInput = 2048;
constexpr size_t kMaxKeys = 24;

std::string context;  // what is being checked, for a report

void require(bool law, std::string_view what) {
  if (law) return;
  std::cerr << "broken: " << what << "\n" << context << "\n";
  std::abort();
}

struct Input {
  SchemeSpec scheme;
  std::vector<std::string> keys;
};

bool take(std::string_view& line, std::string_view word) {
  if (line.substr(0, word.size()) != word) return false;
  line.remove_prefix(word.size());
  return true;
}

void read_line(std::string_view line, SchemeSpec& scheme) {
  if (take(line, "domain ")) {
    scheme.domains.push_back({std::string(line), {}, {}, "domain"});
    return;
  }
  const size_t arrow = line.find(" -> ");
  if (arrow == std::string_view::npos || scheme.rules.size() == kMaxRules) return;
  RuleSpec rule;
  rule.key = std::string(line.substr(arrow + 4));
  line = line.substr(0, arrow);
  if (take(line, "legacy ")) rule.phase = Phase::kLegacy;
  if (take(line, "0 ")) rule.db = 0;
  if (take(line, "1 ")) rule.db = 1;
  rule.legacy = std::string(line);
  rule.location = std::to_string(scheme.rules.size());
  scheme.rules.push_back(std::move(rule));
}

Input read(std::string_view bytes) {
  Input input;
  bool keys = false;
  while (!bytes.empty()) {
    const size_t end = std::min(bytes.find('\n'), bytes.size());
    const std::string_view line = bytes.substr(0, end);
    bytes.remove_prefix(std::min(end + 1, bytes.size()));
    if (!keys && line.empty()) {
      keys = true;
    } else if (!keys) {
      read_line(line, input.scheme);
    } else if (input.keys.size() < kMaxKeys) {
      input.keys.emplace_back(line);
    }
  }
  return input;
}

std::string plain_value(const Capture& capture) {
  switch (capture.type) {
    case CaptureType::kInt:
      return "-1";
    case CaptureType::kHex:
      return "0a";
    case CaptureType::kUuid:
      return "01234567-89ab-CDEF-0123-456789abcdef";
    case CaptureType::kDate:
      return "20251231";
    case CaptureType::kList:
      return capture.words.back();
    default:
      return "a1";
  }
}

struct Filling {
  std::string key;
  std::vector<Span> captures;
};

// A name of the template, with values from `bytes` where they are some.
Filling fill(const Template& shape, std::string_view bytes) {
  Filling made{"", std::vector<Span>(shape.captures().size())};
  for (const Piece& piece : shape.pieces()) {
    if (piece.is_literal()) {
      made.key += piece.literal;
      continue;
    }
    const Capture& capture = shape.captures()[static_cast<size_t>(piece.capture)];
    std::string value;
    for (size_t size = std::min<size_t>(bytes.size(), 9); size > 0 && value.empty(); --size) {
      if (is_value(capture, bytes.substr(0, size))) value = std::string(bytes.substr(0, size));
    }
    bytes.remove_prefix(std::min(bytes.size(), value.size() + 1));
    if (value.empty()) value = plain_value(capture);
    made.captures[static_cast<size_t>(piece.capture)] = {static_cast<uint32_t>(made.key.size()),
                                                         static_cast<uint32_t>(value.size())};
    made.key += value;
  }
  return made;
}

bool same(const std::vector<Span>& wanted, const Span* got) {
  return std::equal(wanted.begin(), wanted.end(), got, [](const Span& a, const Span& b) {
    return a.offset == b.offset && a.length == b.length;
  });
}

// Do the captures, with the literals between them, make the key, and is each a value of its type?
bool is_reading(const Template& shape, std::string_view key, const std::vector<Span>& captures) {
  size_t at = 0;
  for (const Piece& piece : shape.pieces()) {
    if (piece.is_literal()) {
      if (key.substr(at, piece.literal.size()) != piece.literal) return false;
      at += piece.literal.size();
      continue;
    }
    const Span span = captures[static_cast<size_t>(piece.capture)];
    if (span.offset != at || at + span.length > key.size()) return false;
    if (!is_value(shape.captures()[static_cast<size_t>(piece.capture)], key.substr(at, span.length)))
      return false;
    at += span.length;
  }
  return at == key.size();
}

// Adds the names that the template makes to `keys`.
void check_template(const std::string& text, std::vector<std::string>& keys) {
  const auto shape = Template::parse(text);
  if (!shape) {
    require(shape.error().column >= 1 && shape.error().column <= static_cast<int>(text.size()) + 1,
            "an error stands in the text");
    return;
  }
  context += "\ntemplate " + text;
  const std::optional<Ambiguity> ambiguity = find_ambiguity(*shape);
  const auto plan = Extraction::plan(*shape);
  require(plan.has_value() == !ambiguity, "a template is planned if it has one reading");
  if (ambiguity) {
    for (const std::vector<Span>& reading : ambiguity->readings)
      require(is_reading(*shape, ambiguity->key, reading), "a reading of the witness is one");
    require(!same(ambiguity->readings[0], ambiguity->readings[1].data()), "two readings are two");
    return;
  }
  const std::vector<std::string> given = keys;
  for (const std::string& key : given) {
    const Filling filling = fill(*shape, key);
    Span got[Template::kMaxCaptures];
    plan->run(filling.key, got);
    require(same(filling.captures, got), "a name is read as it was made");
    TableReading(*shape, 0, shape->pieces().size()).run(filling.key, 0, got);
    require(same(filling.captures, got), "the table reads a name as it was made");
    keys.push_back(filling.key);
  }
}

void check_refusal(const SchemeSpec& scheme, const std::vector<SchemeError>& errors) {
  require(!errors.empty(), "a refusal says why");
  for (const SchemeError& error : errors) require(!error.text.empty(), "a refusal says why");
  // Rules that are refused together but not alone clash.
  std::vector<std::shared_ptr<const Ruleset>> alone;
  for (const RuleSpec& rule : scheme.rules) {
    SchemeSpec one;
    one.rules.push_back(rule);
    one.rules[0].db.reset();
    auto made = Ruleset::compile(one);
    if (!made) return;
    alone.push_back(*made);
  }
  const auto rules_that = [&alone](const auto& holds) {
    return std::count_if(alone.begin(), alone.end(), [&](const auto& rules) { return holds(*rules); });
  };
  const auto fits = [](const Ruleset& rules, const std::string& name) {
    const Match match = rules.match(name, 0, View());
    return match.kind == Match::Kind::kRule && match.side == Naming::kLegacy;
  };
  const auto becomes = [&](const Ruleset& rules, const std::string& name, const std::string& key) {
    Buffer made;
    return fits(rules, name) && (name == key || (rules.convert(name, 0, Naming::kConsolidated, made) ==
                                                     Ruleset::Conversion::kConverted &&
                                                 made.view() == key));
  };
  for (const SchemeError& error : errors) {
    if (error.field != SchemeError::Field::kLegacy && error.field != SchemeError::Field::kKey) continue;
    const std::vector<std::string>& witness = error.witness;
    if (error.text.find("legacy names") < 12) {
      require(rules_that([&](const Ruleset& rules) { return fits(rules, witness[0]); }) >= 2,
              "both rules take the legacy name");
      for (const std::string& name : witness)
        require(rules_that([&](const Ruleset& rules) { return fits(rules, name); }) >= 1,
                "a rule takes the name");
    } else {
      require(witness.size() == 3, "two names and a key");
      for (const size_t name : {0, 1}) {
        const auto leads = [&](const Ruleset& rules) { return becomes(rules, witness[name], witness[2]); };
        require(rules_that(leads) >= 1, "the name is stored under the key");
      }
      const auto either = [&](const Ruleset& rules) {
        return becomes(rules, witness[0], witness[2]) || becomes(rules, witness[1], witness[2]);
      };
      require(rules_that(either) >= 2, "two rules store under the key");
    }
  }
}

// Trying everything is exponential.
bool is_small(const Template& shape, std::string_view key) {
  return shape.captures().size() <= 4 && key.size() <= 24;
}

void check_key(const Ruleset& rules, bool one_phase, std::string_view key, int db, const View& view) {
  const Match match = rules.match(key, db, view);
  Buffer physical;
  rules.append_physical(match, key, physical);
  Buffer name;
  const std::string in_redis(physical.view());
  require(rules.shown(in_redis, db, view, name), "a key that has a name is shown");
  Buffer again;
  rules.append_physical(rules.match(name.view(), db, view), name.view(), again);
  require(again.view() == in_redis, "what is shown leads back");
  if (match.kind == Match::Kind::kRule) {
    if (one_phase && match.side == Naming::kLegacy && view.naming == Naming::kLegacy)
      require(name.view() == key, "a legacy view shows the legacy name");
    const Template& shape = rules.rules()[match.rule].side(match.side);
    const std::vector<Span> captures(match.captures.begin(), match.captures.begin() + match.capture_count);
    require(is_reading(shape, key, captures), "the captures are a reading");
    if (is_small(shape, key)) require(readings(shape, key).size() == 1, "there is one reading");
  }
  for (const Naming to : {Naming::kLegacy, Naming::kConsolidated}) {
    Buffer there;
    if (rules.convert(key, db, to, there) != Ruleset::Conversion::kConverted) continue;
    Buffer back;
    require(rules.convert(there.view(), db, other(to), back) == Ruleset::Conversion::kConverted &&
                back.view() == key,
            "a conversion can be undone");
  }
}

void check(std::string_view bytes) {
  Input input = read(bytes);
  context = std::string(bytes);
  if (input.keys.empty()) input.keys.emplace_back();
  for (const RuleSpec& rule : input.scheme.rules) {
    if (input.keys.size() > kMaxKeys) input.keys.resize(kMaxKeys);
    check_template(rule.legacy, input.keys);
    if (input.keys.size() > kMaxKeys) input.keys.resize(kMaxKeys);
    check_template(rule.key, input.keys);
  }
  const auto rules = Ruleset::compile(input.scheme);
  if (!rules) {
    check_refusal(input.scheme, rules.error());
    return;
  }
  const std::vector<RuleSpec>& specs = input.scheme.rules;
  const bool one_phase = std::all_of(specs.begin(), specs.end(),
                                     [&](const RuleSpec& rule) { return rule.phase == specs[0].phase; });
  View views[3];
  views[1].naming = Naming::kConsolidated;
  views[2].unmatched = Unmatched::kPrefix;
  views[2].prefix = "p:";
  for (const std::string& key : input.keys) {
    context = std::string(bytes) + "\nkey " + key;
    for (const View& view : views) {
      for (const int db : {0, 1}) check_key(**rules, one_phase, key, db, view);
    }
  }
}

}  // namespace
}  // namespace keyshift::scheme

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > keyshift::scheme::kMaxInput) return -1;
  keyshift::scheme::check(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
