#include "keyshift/scheme/patterns.h"

#include <algorithm>

#include "glob_translation.h"
#include "keyshift/scheme/glob.h"

namespace keyshift::scheme {
namespace {

bool in_db(const Rule& rule, int db) {
  return rule.db < 0 || rule.db == db;
}

bool any_template_meets(const Ruleset& rules, const GlobTokens& glob, int db, Naming side) {
  return std::any_of(rules.rules().begin(), rules.rules().end(),
                     [&](const Rule& rule) { return in_db(rule, db) && glob_meets(glob, rule.side(side)); });
}

// Do the bytes before the first wildcard hold the name of a domain and its `:`?
bool names_domain(const Ruleset& rules, const GlobTokens& glob) {
  std::string segment;
  for (const GlobToken& token : glob) {
    if (!token.is_byte()) return false;
    const char byte = token.text.back();
    if (byte == ':') return rules.find_domain(segment) != Match::kNone;
    segment.push_back(byte);
  }
  return false;
}

Naming naming_of(const Ruleset& rules, const GlobTokens& glob, int db, Naming view) {
  if (glob.empty() || glob.front().star) return view;
  if (view == Naming::kLegacy) {
    return names_domain(rules, glob) && !any_template_meets(rules, glob, db, Naming::kLegacy)
               ? Naming::kConsolidated
               : view;
  }
  if (names_domain(rules, glob) || any_template_meets(rules, glob, db, Naming::kConsolidated)) return view;
  return any_template_meets(rules, glob, db, Naming::kLegacy) ? Naming::kLegacy : view;
}

// Is every name, but the empty one, read as a legacy name whose key lies elsewhere ({k:any})? Then none is a physical name.
bool all_renamed(const Ruleset& rules, int db, const View& view) {
  if (view.naming != Naming::kLegacy) return false;
  bool every = false;
  for (const Rule& rule : rules.rules()) {
    if (!in_db(rule, db)) continue;
    if (rule.physical_side() == Naming::kLegacy) return false;
    const std::vector<Capture>& captures = rule.legacy.captures();
    every = every || (rule.legacy.pieces().size() == 1 && captures.size() == 1 &&
                      captures[0].type == CaptureType::kAny);
  }
  return every;
}

bool fits_empty(const GlobTokens& glob) {
  return std::all_of(glob.begin(), glob.end(), [](const GlobToken& token) { return token.star; });
}

}  // namespace

KeyPattern translate_pattern(const Ruleset& rules, std::string_view glob, int db, const View& view) {
  KeyPattern made{std::string(glob), {}, view.naming};
  const auto everything = [&made]() -> KeyPattern& {
    made.physical.assign(1, "*");
    return made;
  };
  if (glob.size() > KeyPattern::kMaxGlob) return std::move(everything());
  const GlobTokens tokens = glob_tokens(glob);
  made.naming = naming_of(rules, tokens, db, view.naming);
  const auto add = [&made](std::string pattern) {
    if (std::find(made.physical.begin(), made.physical.end(), pattern) == made.physical.end()) {
      made.physical.push_back(std::move(pattern));
    }
  };
  // Names that are physical names too: of the physical side, native, unmatched.
  if (fits_empty(tokens) || !all_renamed(rules, db, view)) add(std::string(glob));
  if (!tokens.empty() && fits_empty(tokens)) return std::move(everything());
  if (view.unmatched == Unmatched::kPrefix) {
    std::string prefixed;
    append_glob_escaped(prefixed, view.prefix);
    add(prefixed + std::string(glob));
  }
  for (const Rule& rule : rules.rules()) {
    const Naming physical = rule.physical_side();
    const Template& names = rule.side(other(physical));
    if (!in_db(rule, db) || !glob_meets(tokens, names)) continue;
    add(translate_glob(tokens, names, rule.side(physical)));
    if (made.physical.size() > KeyPattern::kMaxPatterns) return std::move(everything());
  }
  if (made.physical.empty()) add(std::string(glob));  // fits nothing here, and nothing there
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
