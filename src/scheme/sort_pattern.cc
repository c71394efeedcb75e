// SORT's BY and GET patterns. The element that fills the hole is unknown, so the hole is tried with values of every
// type: all that mean a rule must mean the same one.
#include <array>
#include <optional>

#include "keyshift/scheme/patterns.h"

namespace keyshift::scheme {
namespace {

constexpr std::array<std::string_view, 6> kProbes{
    "1", "zq", "7f", "20240229", "zq-zq_zq.9", "01234567-89ab-cdef-0123-456789abcdef"};

// The parts of a pattern: `weight_` `*` `` `->f`.
struct SortPattern {
  std::string_view before;
  std::string_view behind;
  std::string_view field;  // with its arrow
};

std::optional<SortPattern> split(std::string_view pattern) {
  const size_t star = pattern.substr(0, pattern.find('\0')).find('*');
  if (star == std::string_view::npos) return std::nullopt;
  SortPattern parts{pattern.substr(0, star), pattern.substr(star + 1), {}};
  const size_t arrow = parts.behind.find("->");
  if (arrow != std::string_view::npos && arrow + 2 < parts.behind.size()) {
    parts.field = parts.behind.substr(arrow);
    parts.behind = parts.behind.substr(0, arrow);
  }
  return parts;
}

// Are the bytes [begin, end) of a name inside one capture?
bool inside_capture(const Match& match, size_t begin, size_t end) {
  for (uint8_t i = 0; i < match.capture_count; ++i) {
    const Span span = match.captures[i];
    if (span.offset <= begin && end <= size_t{span.offset} + span.length) return true;
  }
  return false;
}

std::string physical_of(const Ruleset& rules, const Match& match, std::string_view name) {
  std::string physical(rules.physical_size(match), '\0');
  rules.write_physical(match, name, physical.data());
  return physical;
}

// The physical pattern that `probe` in the hole shows, or nothing if another `*` or `->` would come in its way there.
std::optional<std::string> pattern_of(const Ruleset& rules, const SortPattern& parts, int db,
                                      const View& view, std::string_view probe) {
  // Two values of the hole tell where it is in the physical name: the names agree up to it and behind it.
  const std::string name = std::string(parts.before) + std::string(probe) + std::string(parts.behind);
  std::string starred = name;
  for (size_t i = 0; i < probe.size(); ++i) starred[parts.before.size() + i] = '\1';
  const Match match = rules.match(name, db, view);
  const std::string with_probe = physical_of(rules, match, name);
  // The offsets of the match hold for any bytes of the same length.
  const std::string with_marks = physical_of(rules, match, starred);
  size_t hole = 0;
  while (hole < with_probe.size() && with_probe[hole] == with_marks[hole]) ++hole;
  std::string made = with_probe.substr(0, hole) + "*" + with_probe.substr(hole + probe.size());
  if (made.find('*') != hole) return std::nullopt;
  // An arrow with nothing behind it is part of the name, as Redis has it.
  const size_t arrow = made.find("->", hole);
  if (arrow != std::string::npos && (arrow + 2 < made.size() || !parts.field.empty())) return std::nullopt;
  return made + std::string(parts.field);
}

}  // namespace

Result<std::string> translate_sort_pattern(const Ruleset& rules, std::string_view pattern, int db,
                                           const View& view) {
  const std::optional<SortPattern> parts = split(pattern);
  if (!parts || rules.rules().empty()) {
    if (!parts || view.unmatched == Unmatched::kPass) return std::string(pattern);
  }
  std::vector<std::string_view> probes(kProbes.begin(), kProbes.end());
  for (const Rule& rule : rules.rules()) {
    for (const Capture& capture : rule.legacy.captures())
      probes.insert(probes.end(), capture.words.begin(), capture.words.end());
  }
  uint32_t rule = Match::kNone;
  Naming side = Naming::kLegacy;
  bool spans_any = false;
  std::string_view chosen = kProbes[1];
  for (const std::string_view probe : probes) {
    const std::string name = std::string(parts->before) + std::string(probe) + std::string(parts->behind);
    const Match match = rules.match(name, db, view);
    if (match.refused && rule == Match::kNone) continue;
    if (match.kind != Match::Kind::kRule) continue;
    if (!inside_capture(match, parts->before.size(), parts->before.size() + probe.size())) {
      return fail("the element would choose between literals of a template");
    }
    if (rule != Match::kNone && (rule != match.rule || side != match.side)) {
      return fail("different elements would mean different rules");
    }
    rule = match.rule;
    side = match.side;
    chosen = probe;
    for (const Capture& capture : rules.rules()[rule].legacy.captures()) {
      spans_any = spans_any || capture.type == CaptureType::kAny;
    }
  }
  if (parts->before.empty() && parts->behind.empty() && !spans_any && !rules.rules().empty()) {
    return fail("the element is a whole key name, which may mean any rule");
  }
  const std::string name = std::string(parts->before) + std::string(chosen) + std::string(parts->behind);
  if (rules.match(name, db, view).refused) return fail("no rule knows keys of this pattern");
  auto made = pattern_of(rules, *parts, db, view, chosen);
  if (!made) return fail("the renamed pattern would hold a second `*` or `->`");
  return std::move(*made);
}

}  // namespace keyshift::scheme
