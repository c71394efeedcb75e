#include "keyshift/scheme/patterns.h"

#include "glob_cover.h"
#include "glob_readings.h"
#include "glob_translation.h"
#include "keyshift/scheme/glob.h"

namespace keyshift::scheme {
namespace {

// Do the bytes before the first wildcard hold the name of a domain and its `:`?
bool names_domain(const Ruleset& rules, const GlobTokens& glob) {
  std::string segment;
  for (const GlobToken& token : glob) {
    if (!token.is_byte()) return false;
    if (token.literal() == ":") return rules.find_domain(segment) != Match::kNone;
    segment += token.literal();
  }
  return false;
}

Naming naming_of(const Ruleset& rules, const GlobTokens& glob, const GlobReadings& readings, Naming view) {
  if (glob.empty() || glob.front().star) return view;
  if (view == Naming::kLegacy) {
    return names_domain(rules, glob) && !readings.fits_side(Naming::kLegacy) ? Naming::kConsolidated : view;
  }
  if (names_domain(rules, glob) || readings.fits_side(Naming::kConsolidated)) return view;
  return readings.fits_side(Naming::kLegacy) ? Naming::kLegacy : view;
}

}  // namespace

KeyPattern translate_pattern(const Ruleset& rules, std::string_view glob, int db, const View& view,
                             size_t most) {
  KeyPattern made{std::string(glob), {}, view.naming};
  // The common case, and its answer is clear: the empty name is nobody's, so its key has its own bytes.
  if (glob == "*" && view.unmatched == Unmatched::kPass) {
    made.physical.emplace_back("*");
    return made;
  }
  const GlobTokens tokens = glob_tokens(glob, KeyPattern::kMaxGlob);
  const GlobReadings readings(rules, tokens, db, view);
  if (!readings.complete()) {
    made.physical.emplace_back("*");
    return made;
  }
  made.naming = naming_of(rules, tokens, readings, view.naming);
  const std::string own = glob.size() <= KeyPattern::kMaxGlob ? made.glob : glob_text(tokens);
  if (readings.shows_own(made.naming)) made.physical.push_back(own);
  if (readings.prefixed()) {
    std::string prefixed;
    append_glob_escaped(prefixed, view.prefix_in(db));
    made.physical.push_back(prefixed + own);
  }
  for (uint32_t i = 0; i < rules.rules().size(); ++i) {
    const Rule& rule = rules.rules()[i];
    const Naming side = other(rule.physical_side());
    if (!readings.shows(i, side, made.naming)) continue;
    made.physical.push_back(translate_glob(tokens, rule.side(side), rule.side(other(side))));
  }
  cover(made.physical, most);
  if (made.physical.empty()) made.physical.push_back(own);  // fits nothing here, and shows nothing
  return made;
}

bool client_name(const Ruleset& rules, const KeyPattern& pattern, std::string_view physical, int db,
                 const View& view, Buffer& out) {
  const size_t before = out.size();
  if (!rules.shown(physical, db, view, pattern.naming, out)) return false;
  if (glob_match(pattern.glob, out.view().substr(before))) return true;
  out.truncate(before);
  return false;
}

}  // namespace keyshift::scheme
