// Random rules and keys from a tiny alphabet, so that rules meet, keys nearly fit, and every byte occurs. A seed makes
// the same with every compiler: no two numbers are drawn in one expression, unless its order is the language's.
#pragma once

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "keyshift/scheme/glob.h"
#include "scheme_fixture.h"

namespace keyshift::scheme {

class RandomScheme {
 public:
  explicit RandomScheme(uint64_t seed) : random_(seed) {}

  size_t below(size_t limit) { return random_() % limit; }
  bool chance(size_t one_in) { return below(one_in) == 0; }

  std::string bytes(size_t least, size_t most, std::string_view alphabet) {
    std::string made;
    for (size_t i = least + below(most - least + 1); i > 0; --i)
      made.push_back(alphabet[below(alphabet.size())]);
    return made;
  }

  // One to four rules; most sets are refused, the caller tries until one is not.
  SchemeSpec spec() {
    SchemeSpec made;
    const size_t count = 1 + below(4);
    const bool mixed = chance(3);
    const Phase phase = chance(2) ? Phase::kLegacy : Phase::kConsolidated;
    for (size_t i = 0; i < count; ++i)
      made.rules.push_back(rule(mixed ? (chance(2) ? Phase::kLegacy : Phase::kConsolidated) : phase));
    if (chance(2)) {
      DomainSpec domain;
      domain.name = chance(2) ? "a" : "d";
      domain.policy.default_ms = 1000;
      domain.resources.push_back({"b", {}, ""});
      domain.resources.back().policy.default_ms = 2000;
      made.domains.push_back(domain);
    }
    return made;
  }

  // A value of the capture.
  std::string value(const Capture& capture) {
    switch (capture.type) {
      case CaptureType::kSeg:
        return bytes(1, 3, std::string("ab-1\xff\0*", 7));
      case CaptureType::kAny:
        return bytes(1, 4, std::string("ab-1:d\xff\0*", 9));
      case CaptureType::kInt:
        return std::string(chance(3) ? "-" : "").append(bytes(1, 3, "019"));
      case CaptureType::kHex:
        return bytes(1, 3, "aF01");
      case CaptureType::kUuid:
        return "0aF01234-89ab-cdef-0123-45678" + bytes(7, 7, "aF01");
      case CaptureType::kDate:
        return bytes(4, 4, "0129").append(chance(2) ? "02" : "11").append(chance(2) ? "09" : "30");
      case CaptureType::kList:
        return capture.words[below(capture.words.size())];
    }
    return "";
  }

  // A name that fits the template.
  std::string fill(const Template& shape) {
    std::string key;
    for (const Piece& piece : shape.pieces()) {
      key += piece.is_literal() ? piece.literal : value(shape.captures()[static_cast<size_t>(piece.capture)]);
    }
    return key;
  }

  // A key that fits a template, nearly fits one, or none.
  std::string key(const SchemeSpec& spec, const Ruleset& rules) {
    std::string made;
    if (!chance(4) && !spec.rules.empty()) {
      const Rule& rule = rules.rules()[below(rules.rules().size())];
      made = fill(rule.side(chance(2) ? Naming::kLegacy : Naming::kConsolidated));
    } else {
      made = bytes(0, 6, "ab:-1d");
    }
    if (chance(4) && !made.empty()) made[below(made.size())] = static_cast<char>(below(256));
    if (chance(8)) {
      const size_t at = below(made.size() + 1);
      made.insert(at, 1, "ab:-1\\*?\0\xff"[below(10)]);
    }
    if (chance(8) && !made.empty()) made.erase(below(made.size()), 1);
    return made;
  }

 private:
  RuleSpec rule(Phase phase) {
    RuleSpec made;
    made.phase = phase;
    std::vector<std::string> names;
    const size_t captures = below(4);
    for (size_t i = 0; i < captures; ++i) names.push_back("c" + std::to_string(i));
    if (chance(2)) made.legacy = chance(4) ? "d:" : bytes(1, 2, "ab:-1");
    for (const std::string& name : names) {
      made.legacy += "{" + name + type() + "}";
      if (!chance(5)) made.legacy += bytes(1, 2, "a:::-1");
    }
    if (made.legacy.empty()) made.legacy = bytes(1, 3, "ab:");
    std::shuffle(names.begin(), names.end(), random_);
    made.key = chance(2) ? "d:" : "a:";
    made.key += bytes(0, 2, "ab1");
    for (const std::string& name : names) {
      if (!chance(8)) made.key += ":";
      made.key += "{" + name + "}";
    }
    if (names.empty() || chance(3)) made.key += bytes(1, 2, "ab:");
    if (chance(5)) made.db = static_cast<int>(below(2));
    return made;
  }

  std::string type() {
    static const char* const kTypes[] = {"",     "",        ":seg",  ":int",  ":hex",
                                         ":any", ":a|b|ab", ":uuid", ":date", ":a|:"};
    return kTypes[below(10)];
  }

  std::mt19937_64 random_;
};

// A random spec that compiles.
struct Accepted {
  SchemeSpec spec;
  std::shared_ptr<const Ruleset> rules;
};

inline Accepted accepted(RandomScheme& random) {
  for (;;) {
    Accepted made{random.spec(), nullptr};
    auto rules = Ruleset::compile(made.spec);
    if (!rules) continue;
    made.rules = *rules;
    return made;
  }
}

inline std::string described(const SchemeSpec& spec) {
  std::string text;
  for (const RuleSpec& rule : spec.rules) {
    text += rule.legacy + " -> " + rule.key + (rule.phase == Phase::kLegacy ? " (legacy)" : "") +
            (rule.db ? " db " + std::to_string(*rule.db) : "") + "\n";
  }
  for (const DomainSpec& domain : spec.domains) text += "domain " + domain.name + "\n";
  return text;
}

inline View random_view(RandomScheme& random) {
  const Naming naming = random.chance(2) ? Naming::kLegacy : Naming::kConsolidated;
  return random.chance(4) ? view_of(naming, Unmatched::kPrefix, random.chance(2) ? "a:" : "*p[")
                          : view_of(naming);
}

// A glob that is made from a name, and so may fit it.
inline std::string random_glob(RandomScheme& random, const std::string& key) {
  if (random.chance(4)) return random.bytes(0, 6, "ab:*?d[^-]\\1");
  std::string glob;
  for (const char byte : key) {
    if (random.chance(6)) {
      glob += random.chance(2) ? "*" : "?";
    } else if (random.chance(10)) {
      glob += std::string("[") + (random.chance(3) ? "^" : "") + "a-b" + byte + "]";
    } else if (!random.chance(8)) {
      append_glob_escaped(glob, std::string_view(&byte, 1));
    } else {
      glob += "*";
    }
  }
  if (random.chance(3) && glob.size() > 2) glob = glob.substr(0, 1 + random.below(glob.size())) + "*";
  if (random.chance(8)) glob += "[ab";
  return glob;
}

}  // namespace keyshift::scheme
