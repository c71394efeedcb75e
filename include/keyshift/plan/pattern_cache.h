// PatternCache: the translations of the globs that were asked for last.
//
// An iteration is thousands of SCANs with one glob, and a translation looks at every rule that the glob can mean: it is
// made once. Part of the Planner, so one per event loop. Bounded: kEntries translations, of globs no longer than
// kMaxGlob.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string_view>

#include "keyshift/scheme/patterns.h"
#include "keyshift/scheme/ruleset.h"

namespace keyshift::plan {

class PatternCache {
 public:
  static constexpr size_t kEntries = 16;
  static constexpr size_t kMaxGlob = 256;

  // translate_pattern() with these arguments, made now or before.
  std::shared_ptr<const scheme::KeyPattern> find(const std::shared_ptr<const scheme::Ruleset>& rules,
                                                 std::string_view glob, int db, const scheme::View& view,
                                                 size_t most);

 private:
  struct Entry {
    std::shared_ptr<const scheme::KeyPattern> pattern;
    int db = 0;
    scheme::View view;
    size_t most = 0;
  };

  std::shared_ptr<const scheme::Ruleset> rules_;  // that made all entries
  std::array<Entry, kEntries> entries_;
  size_t oldest_ = 0;
};

}  // namespace keyshift::plan
