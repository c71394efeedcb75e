// Schemes that are hard to prove: rules that meet each other, or many states. A test counts the proof's work on them,
// and match_bench its time.
#pragma once

#include <array>
#include <string>

#include "keyshift/scheme/scheme_spec.h"

namespace keyshift::scheme::proof_shapes {

inline void add(SchemeSpec& spec, std::string legacy, std::string key, int db = -1) {
  RuleSpec rule;
  rule.legacy = std::move(legacy);
  rule.key = std::move(key);
  if (db >= 0) rule.db = db;
  spec.rules.push_back(std::move(rule));
}

inline SchemeSpec disjoint(int count) {
  SchemeSpec spec;
  for (int i = 0; i < count; ++i) {
    const std::string n = std::to_string(i);
    add(spec, "app_" + n + ":{user}:{days:int}d", "dom:res_" + n + ":user:{user}:days:{days}d");
  }
  return spec;
}

// Every other rule's names of both sides are its legacy names too.
inline SchemeSpec catch_all(int count) {
  SchemeSpec spec = disjoint(count - 1);
  add(spec, "{k:any}", "compat:kv:{k}");
  return spec;
}

// Told apart only behind a capture.
inline SchemeSpec one_prefix(int count) {
  SchemeSpec spec;
  for (int i = 0; i < count; ++i) {
    const std::string n = std::to_string(i);
    add(spec, "app:{a}:{b}:r" + n, "dom:r" + n + ":a:{a}:b:{b}");
  }
  return spec;
}

// As one_prefix, with a rule below that takes all of their names.
inline SchemeSpec over_one_prefix(int count) {
  SchemeSpec spec = one_prefix(count - 1);
  add(spec, "app:{a}:{b:any}", "dom:rest:{a}:{b}");
  return spec;
}

// 256 words in each rule, the same ones.
inline SchemeSpec lists(int count) {
  std::string words;
  for (int i = 0; i < 256; ++i) {
    words += i == 0 ? "" : "|";
    words += std::string(1, static_cast<char>('a' + i / 16)) + static_cast<char>('a' + i % 16);
  }
  SchemeSpec spec;
  for (int i = 0; i < count; ++i) {
    const std::string n = std::to_string(i);
    add(spec, "app" + n + ":{w:" + words + "}{v}", "dom:r" + n + ":{w}:{v}");
  }
  return spec;
}

// Rules that differ in the database only.
inline SchemeSpec databases(int count) {
  SchemeSpec spec;
  for (int i = 0; i < count; ++i) add(spec, "u:{x}:{y:any}", "dom:db" + std::to_string(i) + ":{x}:{y}", i);
  return spec;
}

// Twenty at a time, each inside the one before it.
inline SchemeSpec nested(int count) {
  SchemeSpec spec;
  for (int i = 0; i < count; ++i) {
    const std::string inner(static_cast<size_t>(i % 20), 'a');
    add(spec, "group" + std::to_string(i / 20) + ":" + inner + "{k:any}",
        "dom:n" + std::to_string(i) + ":{k}");
  }
  return spec;
}

struct Shape {
  const char* name;
  SchemeSpec (*make)(int);
};

inline constexpr std::array<Shape, 7> kAll{{{"disjoint", disjoint},
                                            {"catch-all", catch_all},
                                            {"one prefix", one_prefix},
                                            {"one prefix and its rest", over_one_prefix},
                                            {"lists of 256 words", lists},
                                            {"databases", databases},
                                            {"nested", nested}}};

}  // namespace keyshift::scheme::proof_shapes
