// The captures of a rule's two sides: each stands once on each, with one type. What stands on one side only is shown by
// names that a client could use.
#include <map>

#include "ruleset_compiler.h"
#include "witness.h"

namespace keyshift::scheme {
namespace {

std::string braces(const Capture& capture) {
  return "`{" + capture.name + "}`";
}

// A value for the capture that stands at `place` of its template.
std::string sample(const Capture& capture, size_t place) {
  const auto letter = static_cast<char>('a' + place % 6);
  const auto digit = static_cast<char>('1' + place % 9);
  switch (capture.type) {
    case CaptureType::kInt:
      return {digit};
    case CaptureType::kUuid:
      return "01234567-89ab-cdef-0123-456789abcde" + std::string(1, letter);
    case CaptureType::kDate:
      return "2025010" + std::string(1, digit);
    case CaptureType::kList:
      return capture.words[0];
    default:
      return {letter};
  }
}

// Another value than any sample().
std::string other_sample(const Capture& capture) {
  switch (capture.type) {
    case CaptureType::kInt:
      return "0";
    case CaptureType::kHex:
      return "0";
    case CaptureType::kUuid:
      return "01234567-89ab-cdef-0123-456789abcde0";
    case CaptureType::kDate:
      return "20251231";
    case CaptureType::kList:
      return capture.words[1];
    default:
      return "z";
  }
}

// The name with these values, by name of the capture; what has none stays as it is written.
using Values = std::map<std::string, std::string>;
std::string name_of(const Template& shape, const Values& values) {
  std::string name;
  for (const Piece& piece : shape.pieces()) {
    if (piece.is_literal()) {
      name += piece.literal;
      continue;
    }
    const Capture& capture = shape.captures()[static_cast<size_t>(piece.capture)];
    const auto value = values.find(capture.name);
    name += value == values.end() ? "{" + capture.name + "}" : value->second;
  }
  return name;
}

Values samples(const Template& shape) {
  Values values;
  for (size_t i = 0; i < shape.captures().size(); ++i)
    values[shape.captures()[i].name] = sample(shape.captures()[i], i);
  return values;
}

std::vector<const Capture*> missing(const Template& from, const Template& in) {
  std::vector<const Capture*> found;
  for (const Capture& capture : from.captures()) {
    if (in.find_capture(capture.name) < 0) found.push_back(&capture);
  }
  return found;
}

}  // namespace

std::string sample_name(const Rule& rule, Naming side) {
  return name_of(rule.side(side), samples(rule.legacy));
}

// The same captures on both sides, each once, of the same type; the key's are renumbered as the legacy's.
bool RulesetCompiler::pair_captures(const RuleSpec& spec, Rule& rule) {
  const size_t before = errors_.size();
  std::vector<int> order;
  for (size_t i = 0; i < rule.key.captures().size(); ++i) {
    order.push_back(rule.legacy.find_capture(rule.key.captures()[i].name));
    if (order.back() >= 0) pair_types(spec, rule, static_cast<int>(i), order.back());
  }
  unpaired_captures(spec, rule);
  if (errors_.size() != before) return false;
  rule.key.renumber(order);
  return true;
}

void RulesetCompiler::pair_types(const RuleSpec& spec, Rule& rule, int in_key, int in_legacy) {
  const Capture& here = rule.key.captures()[static_cast<size_t>(in_key)];
  const Capture& legacy = rule.legacy.captures()[static_cast<size_t>(in_legacy)];
  if (here.typed && legacy.typed && !here.same_type(legacy)) {
    error(spec.location, Field::kKey, here.column,
          braces(here) + " is " + std::string(capture_type_name(here.type)) + " here and " +
              std::string(capture_type_name(legacy.type)) + " in the legacy template" +
              (here.type == legacy.type ? ", of other words" : "") + "; write the type on one side only");
  } else if (legacy.typed) {
    rule.key.adopt_type(in_key, legacy);
  } else if (here.typed) {
    rule.legacy.adopt_type(in_legacy, here);
  }
}

void RulesetCompiler::unpaired_captures(const RuleSpec& spec, const Rule& rule) {
  const Values values = samples(rule.legacy);
  const std::string legacy = name_of(rule.legacy, values);
  const std::string key = name_of(rule.key, values);
  const std::vector<const Capture*> lost = missing(rule.legacy, rule.key);
  const std::vector<const Capture*> unfilled = missing(rule.key, rule.legacy);
  for (const Capture* capture : lost) {
    Values changed = values;
    changed[capture->name] = other_sample(*capture);
    const std::string twin = name_of(rule.legacy, changed);
    error(spec.location, Field::kLegacy, capture->column,
          braces(*capture) + " is lost: " + quoted(legacy) + " and " + quoted(twin) + " would both become " +
              quoted(key) + "; put " + braces(*capture) + " into the key",
          {legacy, twin});
  }
  for (const Capture* capture : unfilled) {
    const bool misspelt = lost.size() == 1 && unfilled.size() == 1;
    error(spec.location, Field::kKey, capture->column,
          "nothing fills " + braces(*capture) + ", which is not in the legacy template: " + quoted(legacy) +
              " would become " + quoted(key) + "; " +
              (misspelt ? "if it is the legacy " + braces(*lost[0]) + ", call both the same"
                        : "capture it there, or write here the text that stands in its place"),
          {legacy});
  }
}

}  // namespace keyshift::scheme
