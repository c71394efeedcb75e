#include "keyshift/plan/pattern_cache.h"

#include <utility>

namespace keyshift::plan {

std::shared_ptr<const scheme::KeyPattern> PatternCache::find(
    const std::shared_ptr<const scheme::Ruleset>& rules, std::string_view glob, int db,
    const scheme::View& view, size_t most) {
  if (rules != rules_) {
    rules_ = rules;
    entries_.fill({});
  }
  for (const Entry& entry : entries_) {
    if (entry.pattern != nullptr && entry.pattern->glob == glob && entry.db == db && entry.most == most &&
        entry.view == view) {
      return entry.pattern;
    }
  }
  auto made =
      std::make_shared<const scheme::KeyPattern>(scheme::translate_pattern(*rules, glob, db, view, most));
  if (glob.size() <= kMaxGlob) {
    entries_[oldest_] = {made, db, view, most};
    oldest_ = (oldest_ + 1) % kEntries;
  }
  return made;
}

}  // namespace keyshift::plan
