#include "glob_readings.h"

#include <algorithm>

#include "matcher.h"

namespace keyshift::scheme {

GlobReadings::GlobReadings(const Ruleset& rules, const GlobTokens& glob, int db, const View& view)
    : rules_(rules), db_(db), view_(view), sides_(2 * rules.rules().size(), false) {
  walk(glob);
}

// The states that names of the glob's first tokens end in; a star adds whatever follows them.
void GlobReadings::walk(const GlobTokens& glob) {
  const Dfa& dfa = rules_.matcher_->dfa;
  std::vector<uint32_t> now{dfa.start()};
  std::vector<uint32_t> next;
  std::vector<uint32_t> targets;
  std::vector<bool> seen;
  for (const GlobToken& token : glob) {
    next.clear();
    if (token.is_byte()) {
      const auto byte = static_cast<unsigned char>(token.literal().front());
      for (const uint32_t state : now) next.push_back(dfa.next(state, byte));
      std::sort(next.begin(), next.end());
      next.erase(std::unique(next.begin(), next.end()), next.end());
      visits_ += 1 + now.size() / kCheapVisits;
    } else {
      seen.assign(dfa.index_end(), false);
      const auto add = [&](uint32_t state) {
        if (!seen[state]) next.push_back(state);
        seen[state] = true;
      };
      if (token.star) std::for_each(now.begin(), now.end(), add);
      const std::vector<uint32_t>& from = token.star ? next : now;
      for (size_t i = 0; i < from.size() && visits_ <= kMaxVisits; ++i, ++visits_) {
        targets.clear();
        dfa.targets(from[i], token.bytes, targets);
        std::for_each(targets.begin(), targets.end(), add);
      }
    }
    if (visits_ > kMaxVisits) {
      complete_ = false;
      return;
    }
    now.swap(next);
  }
  std::vector<bool> classified(rules_.matcher_->acceptances.size(), false);
  for (const uint32_t state : now) {
    const uint32_t set = dfa.accept(state);
    if (!classified[set]) classify(set);
    classified[set] = true;
  }
}

// As match() would: see there.
void GlobReadings::classify(uint32_t accept_set) {
  const Matcher& matcher = *rules_.matcher_;
  const Acceptance& acceptance = matcher.acceptances[accept_set];
  const Candidate* const found = matcher.choose(acceptance, db_, view_.naming);
  if (found != nullptr) {
    sides_[2 * size_t{found->rule} + static_cast<size_t>(found->side)] = true;
    any_side_[static_cast<size_t>(found->side)] = true;
  } else if (matcher.native_domain(acceptance, db_, view_.naming) != Match::kNone ||
             view_.unmatched == Unmatched::kPass) {
    foreign_ = true;
  } else if (view_.unmatched == Unmatched::kPrefix) {
    (view_.prefix_in(db_).empty() ? foreign_ : prefixed_) = true;
  }
}

bool GlobReadings::shows(uint32_t rule, Naming side, Naming naming) const {
  // Names of the other side are shown only where the key's name of this naming would not lead back to it.
  return fits(rule, side) &&
         (side == naming || rules_.matcher_->side(rule, naming).contested[static_cast<size_t>(view_.naming)]);
}

bool GlobReadings::calls_own() const {
  if (foreign_) return true;
  const Matcher& matcher = *rules_.matcher_;
  for (uint32_t rule = 0; rule < rules_.rules().size(); ++rule) {
    for (const Naming side : {Naming::kLegacy, Naming::kConsolidated}) {
      if (fits(rule, side) && matcher.side(rule, side).physical) return true;
    }
    // A consolidated name whose legacy name is another rule's calls the key of its own bytes.
    if (fits(rule, Naming::kConsolidated) &&
        matcher.side(rule, Naming::kLegacy).contested[static_cast<size_t>(view_.naming)]) {
      return true;
    }
  }
  return false;
}

bool GlobReadings::shows_own(Naming naming) const {
  if (foreign_) return true;
  const Matcher& matcher = *rules_.matcher_;
  for (uint32_t rule = 0; rule < rules_.rules().size(); ++rule) {
    for (const Naming side : {Naming::kLegacy, Naming::kConsolidated}) {
      if (!shows(rule, side, naming)) continue;
      if (matcher.side(rule, side).physical) return true;
      // A consolidated name whose legacy name is another rule's calls the key of its own bytes.
      if (side == Naming::kConsolidated &&
          matcher.side(rule, Naming::kLegacy).contested[static_cast<size_t>(view_.naming)]) {
        return true;
      }
    }
  }
  return false;
}

}  // namespace keyshift::scheme
