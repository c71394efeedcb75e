// What one key costs: match and physical name, for 10, 100, 1,000 and 10,000 rules; and what it costs to prove a
// scheme. Built, not run as a test; `./dev bench --match` counts instructions with it.
//
//   match_bench            nanoseconds a key
//   match_bench 1000 N     N keys matched against 1,000 rules, nothing else: for perf stat or callgrind, with two N
//   match_bench 1000 N key the same, and their physical names written
//   match_bench shapes     1,000 rules of shapes that meet each other: milliseconds and states
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "keyshift/scheme/ruleset.h"
#include "proof_shapes.h"

namespace {

using namespace keyshift::scheme;

std::shared_ptr<const Ruleset> compiled(const SchemeSpec& spec, const char* what) {
  const auto begin = std::chrono::steady_clock::now();
  auto rules = Ruleset::compile(spec);
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
  if (!rules) {
    std::fprintf(stderr, "%s: %s\n", what, rules.error()[0].text.c_str());
    std::exit(1);
  }
  std::fprintf(stderr, "%6zu rules, %s: proved in %.1f ms, %zu states, %zu steps\n", spec.rules.size(), what,
               took.count(), (*rules)->matcher_states(), (*rules)->proof_steps());
  return *rules;
}

std::shared_ptr<const Ruleset> rules_of(int count) {
  SchemeSpec spec;
  spec.domains.push_back({"analytics", {.default_ms = 3'600'000}, {}, ""});
  for (int i = 0; i < count; ++i) {
    const std::string n = i == 0 ? "writing_stats" : "thing_" + std::to_string(i);
    RuleSpec rule;
    rule.legacy = n + ":{user}:{days:int}d";
    rule.key = "analytics:" + n + ":user:{user}:days:{days}d";
    spec.rules.push_back(rule);
  }
  return compiled(spec, "disjoint");
}

void shapes() {
  for (const proof_shapes::Shape& shape : proof_shapes::kAll) compiled(shape.make(1000), shape.name);
}

// Returns something that depends on all of the work.
template <bool kWrite>
size_t turn(const Ruleset& rules, const View& view, long keys) {
  const std::string_view key = "writing_stats:user123:30d";
  char name[256];
  size_t sum = 0;
  for (long i = 0; i < keys; ++i) {
    const Match match = rules.match(key, 0, view);
    if (!kWrite) {
      sum += match.rule + match.captures[0].length;
      continue;
    }
    sum += rules.physical_size(match);
    sum += static_cast<size_t>(rules.write_physical(match, key, name) - name);
  }
  return sum;
}

}  // namespace

int main(int argc, char** argv) {
  const View view;
  if (argc == 2) {
    shapes();
    return 0;
  }
  if (argc >= 3) {
    const auto rules = rules_of(std::atoi(argv[1]));
    const auto run = argc > 3 ? turn<true> : turn<false>;
    std::printf("%zu\n", run(*rules, view, std::atol(argv[2])));
    return 0;
  }
  for (const int count : {10, 100, 1000, 10000}) {
    const auto rules = rules_of(count);
    constexpr long kKeys = 2'000'000;
    const auto begin = std::chrono::steady_clock::now();
    const size_t sum = turn<true>(*rules, view, kKeys);
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - begin;
    std::printf("%6d rules: %.1f ns a key (%zu)\n", count, took.count() / kKeys, sum / kKeys);
  }
  return 0;
}
