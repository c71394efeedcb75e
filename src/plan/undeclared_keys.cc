#include "keyshift/plan/undeclared_keys.h"

#include <algorithm>

#include "keyshift/base/ascii.h"
#include "keyshift/base/sha1.h"
#include "keyshift/resp/number.h"

namespace keyshift::plan {
namespace {

// Whether a name that fits the template tells anything.
bool is_telling(const scheme::Template& legacy) {
  return std::ranges::any_of(legacy.pieces(), [](const scheme::Piece& piece) {
    return std::ranges::any_of(piece.literal, [](char byte) {
      return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
    });
  });
}

}  // namespace

UndeclaredKeys find_undeclared_keys(const command::Row& row, const resp::Request& request,
                                    const scheme::Ruleset& rules, int database, const scheme::View& view) {
  UndeclaredKeys found;
  const auto count_at = static_cast<size_t>(row.names().front().index);
  int64_t keys = 0;
  if (rules.rules().empty() || request.size() <= count_at) return found;
  if (!resp::parse_integer(request[count_at], keys) || keys < 0) return found;
  const size_t left = request.size() - count_at - 1;
  if (static_cast<uint64_t>(keys) > left) return found;
  const size_t begin = count_at + 1 + static_cast<size_t>(keys);
  const size_t end = std::min(request.size(), begin + UndeclaredKeys::kMost);
  for (size_t at = begin; at < end; ++at) {
    if (request[at].size() > UndeclaredKeys::kLongest) continue;
    const scheme::Match match = rules.match(request[at], database, view);
    if (match.kind != scheme::Match::Kind::kRule || match.side != scheme::Naming::kLegacy ||
        !is_telling(rules.rules()[match.rule].legacy)) {
      continue;
    }
    if (found.count++ > 0) continue;
    found.first = static_cast<uint32_t>(at);
    found.rule = match.rule;
  }
  return found;
}

std::string script_name(const command::Row& row, const resp::Request& request) {
  const std::string_view script = request[static_cast<size_t>(row.script_at)];
  switch (row.script) {
    case command::Script::kText:
      return sha1_hex(script);
    case command::Script::kFunction:
      return "function " + std::string(script);
    default:
      return to_lower(script);
  }
}

}  // namespace keyshift::plan
