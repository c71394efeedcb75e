#include <algorithm>
#include <cstdlib>

#include "value.h"

namespace keyshift::config {
namespace {

// Longer texts are nobody's misspelt option, and the table below grows with the product of the lengths.
constexpr size_t kLongest = 64;

// Typing errors between two texts: a letter too many, one missing, one wrong, two exchanged (the distance that
// linguists name after Damerau, in its restricted form).
size_t typing_errors(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> cost(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) cost[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t wrong = a[i - 1] == b[j - 1] ? 0 : 1;
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + wrong});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
    }
  }
  return cost[a.size()][b.size()];
}

}  // namespace

std::string nearest(std::string_view text, std::span<const std::string> candidates) {
  if (text.empty() || text.size() > kLongest) return {};
  const std::string wanted = lower(text);
  std::string best;
  // One error in a short word, one in three letters of a long one: more is another word.
  size_t best_errors = std::max<size_t>(1, wanted.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    if (candidate.size() > kLongest) continue;
    size_t errors = typing_errors(wanted, lower(candidate));
    // "timeout" for "reply_timeout", "ttl" for "default_ttl": half a name is a hint as good as a small error.
    if (errors >= best_errors && wanted.size() >= 3 && lower(candidate).find(wanted) != std::string::npos)
      errors = best_errors - 1;
    if (errors < best_errors) {
      best_errors = errors;
      best = candidate;
    }
  }
  return best;
}

}  // namespace keyshift::config
