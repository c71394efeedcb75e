#include "keyshift/scheme/prefixes.h"

#include <algorithm>

#include "glob_readings.h"
#include "glob_translation.h"
#include "keyshift/scheme/glob.h"
#include "keyshift/scheme/patterns.h"

namespace keyshift::scheme {
namespace {

// What every string begins with that fits the pattern.
std::string literal_prefix(std::string_view pattern) {
  std::string prefix;
  for (const GlobToken& token : glob_tokens(pattern, KeyPattern::kMaxGlob)) {
    if (!token.is_byte()) break;
    prefix += token.literal();
  }
  return prefix;
}

}  // namespace

std::vector<std::string> physical_prefixes(const Ruleset& rules, std::string_view prefix, int db,
                                           const View& view) {
  std::string glob;
  append_glob_escaped(glob, prefix.substr(0, KeyPattern::kMaxGlob));
  glob += '*';
  const GlobTokens tokens = glob_tokens(glob, KeyPattern::kMaxGlob);
  const GlobReadings readings(rules, tokens, db, view);
  if (!readings.complete()) return {""};
  std::vector<std::string> made;
  if (readings.calls_own()) made.push_back(literal_prefix(glob));
  if (readings.prefixed()) made.push_back(std::string(view.prefix_in(db)) + literal_prefix(glob));
  for (uint32_t i = 0; i < rules.rules().size(); ++i) {
    const Rule& rule = rules.rules()[i];
    const Naming side = other(rule.physical_side());
    if (!readings.fits(i, side)) continue;
    made.push_back(literal_prefix(translate_glob(tokens, rule.side(side), rule.side(other(side)))));
  }
  drop_covered_prefixes(made);
  return made;
}

void drop_covered_prefixes(std::vector<std::string>& prefixes) {
  std::ranges::sort(prefixes);
  // In this order whatever begins with a prefix stands behind it, and nothing else between them.
  size_t kept = 0;
  for (std::string& prefix : prefixes) {
    if (kept > 0 && prefix.starts_with(prefixes[kept - 1])) continue;
    if (&prefixes[kept] != &prefix) prefixes[kept] = std::move(prefix);
    ++kept;
  }
  prefixes.resize(kept);
}

}  // namespace keyshift::scheme
