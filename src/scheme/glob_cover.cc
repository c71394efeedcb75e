#include "glob_cover.h"

#include <algorithm>
#include <array>
#include <bitset>
#include <map>
#include <set>
#include <string_view>

#include "keyshift/scheme/glob.h"

namespace keyshift::scheme {
namespace {

// More patterns than this are joined first: proofs are for the few that remain.
constexpr size_t kMaxProved = 32;
// Steps of one proof.
constexpr size_t kMaxSteps = 10'000;
// Runs shorter than this tell nothing of a key; and each costs Redis another place to return to.
constexpr size_t kLeastRun = 3;
constexpr int kRunDepth = 2;
// Pairs of tokens compared in the search for a run.
constexpr size_t kMaxPairs = 16'384;

struct Pattern {
  std::string text;
  GlobTokens tokens;
};

Pattern pattern_of(GlobTokens&& tokens) {
  return {glob_text(tokens), std::move(tokens)};
}

// ---- does a pattern lie in the others?

// All positions of all patterns side by side, as the states of one automaton: position p of pattern i is base[i] + p.
class Inclusion {
 public:
  explicit Inclusion(const std::vector<const Pattern*>& others) {
    for (const Pattern* other : others) {
      start_.push_back(tokens_.size());
      for (const GlobToken& token : other->tokens) tokens_.push_back(&token);
      tokens_.push_back(nullptr);  // here a string may end
    }
  }

  // Does every string of `inner` fit one of the others? False too when the steps run out.
  bool holds(const GlobTokens& inner) {
    classes(inner);
    Positions first;
    for (const size_t at : start_) add(first, at);
    std::set<std::pair<size_t, Positions>> seen;
    std::vector<std::pair<size_t, Positions>> open;
    const auto reach = [&](size_t at, Positions&& positions) {
      const auto [it, fresh] = seen.emplace(at, std::move(positions));
      if (fresh) open.push_back(*it);
    };
    reach(0, normal(std::move(first)));
    size_t steps = 0;
    while (!open.empty()) {
      const auto [at, positions] = std::move(open.back());
      open.pop_back();
      if (positions.empty()) return false;  // what is left of `inner` takes something
      if (at == inner.size()) {
        if (std::none_of(positions.begin(), positions.end(), [&](size_t p) { return tokens_[p] == nullptr; }))
          return false;
        continue;
      }
      const GlobToken& token = inner[at];
      if (token.star) reach(at + 1, Positions(positions));
      for (const unsigned char byte : bytes_) {
        if (!token.bytes[byte]) continue;
        if ((steps += positions.size() + 1) > kMaxSteps) return false;
        Positions next;
        for (const size_t p : positions) {
          if (tokens_[p] == nullptr || !tokens_[p]->bytes[byte]) continue;
          add(next, tokens_[p]->star ? p : p + 1);
        }
        reach(token.star ? at : at + 1, normal(std::move(next)));
      }
    }
    return true;
  }

 private:
  using Positions = std::vector<size_t>;

  // With what a star lets pass.
  void add(Positions& positions, size_t at) const {
    positions.push_back(at);
    while (tokens_[at] != nullptr && tokens_[at]->star) positions.push_back(++at);
  }
  static Positions normal(Positions&& positions) {
    std::sort(positions.begin(), positions.end());
    positions.erase(std::unique(positions.begin(), positions.end()), positions.end());
    return std::move(positions);
  }

  // One byte of each class that the tokens cannot tell apart. A literal's byte is a class by itself.
  void classes(const GlobTokens& inner) {
    std::vector<const GlobToken*> all(tokens_);
    for (const GlobToken& token : inner) all.push_back(&token);
    std::bitset<256> alone;
    std::array<unsigned, 256> class_of{};
    unsigned count = 1;
    for (const GlobToken* token : all) {
      if (token == nullptr || token->bytes.all()) continue;
      if (token->is_byte()) {
        alone |= token->bytes;
        continue;
      }
      // Each class splits into those that the token takes and the others; unused numbers do no harm.
      std::map<unsigned, unsigned> moved;
      for (size_t byte = 0; byte < 256; ++byte) {
        if (!token->bytes[byte]) continue;
        const auto [it, fresh] = moved.emplace(class_of[byte], count);
        count += fresh ? 1 : 0;
        class_of[byte] = it->second;
      }
    }
    std::set<unsigned> taken;
    for (size_t byte = 0; byte < 256; ++byte) {
      if (alone[byte] || taken.insert(class_of[byte]).second)
        bytes_.push_back(static_cast<unsigned char>(byte));
    }
  }

  std::vector<const GlobToken*> tokens_;
  std::vector<size_t> start_;
  std::vector<unsigned char> bytes_;
};

// A string that the pattern takes: a byte of each token, and `star` for each star.
std::string example(const GlobTokens& tokens, std::string_view star) {
  std::string made;
  for (const GlobToken& token : tokens) {
    if (token.star) {
      made += star;
      continue;
    }
    for (size_t byte = 256; byte-- > 0;) {
      if (!token.bytes[byte]) continue;
      made.push_back(static_cast<char>(byte));
      break;
    }
  }
  return made;
}

// Does `inner` lie in the others? Most patterns show by an example that they do not.
bool lies_in(const GlobTokens& inner, const std::vector<const Pattern*>& others) {
  for (const std::string_view star : {"", "\xfe\xfd"}) {
    const std::string shown = example(inner, star);
    if (std::none_of(others.begin(), others.end(),
                     [&shown](const Pattern* other) { return glob_match(other->text, shown); })) {
      return false;
    }
  }
  return Inclusion(others).holds(inner);
}

// From the last to the first: of patterns that take the same, the first stays.
void drop_dispensable(std::vector<Pattern>& patterns) {
  for (size_t i = patterns.size(); i-- > 0 && patterns.size() > 1;) {
    std::vector<const Pattern*> others;
    for (size_t j = 0; j < patterns.size(); ++j) {
      if (j != i) others.push_back(&patterns[j]);
    }
    if (lies_in(patterns[i].tokens, others))
      patterns.erase(patterns.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

// ---- two patterns as one

using Range = std::pair<size_t, size_t>;

void add_star(GlobTokens& out) {
  if (!out.empty() && out.back().star) return;
  GlobToken star;
  star.star = true;
  star.bytes.set();
  star.text = "*";
  out.push_back(std::move(star));
}

// Appends what strings of both ranges hold, between stars.
void join_middle(const GlobTokens& one, Range a, const GlobTokens& two, Range b, int depth, GlobTokens& out) {
  add_star(out);
  if (depth == 0 || (a.second - a.first) * (b.second - b.first) > kMaxPairs) return;
  // Where the longest common run ends: of each row of the table only the last is kept.
  size_t longest = 0;
  size_t end_a = 0;
  size_t end_b = 0;
  std::vector<size_t> run(b.second - b.first + 1, 0);
  for (size_t i = a.first; i < a.second; ++i) {
    for (size_t j = b.second; j-- > b.first;) {
      const size_t at = j - b.first;
      run[at + 1] = one[i] == two[j] ? run[at] + 1 : 0;
      if (run[at + 1] <= longest) continue;
      longest = run[at + 1];
      end_a = i + 1;
      end_b = j + 1;
    }
  }
  if (longest < kLeastRun) return;
  join_middle(one, {a.first, end_a - longest}, two, {b.first, end_b - longest}, depth - 1, out);
  for (size_t i = end_a - longest; i < end_a; ++i) {
    if (!one[i].star || !out.back().star) out.push_back(one[i]);
  }
  join_middle(one, {end_a, a.second}, two, {end_b, b.second}, depth - 1, out);
}

// How much a pattern tells: its bytes, and much more if it begins with one, for by that Redis rejects most keys at
// once.
size_t telling(const GlobTokens& tokens) {
  constexpr size_t kBeginning = 8;
  const auto tells = [](const GlobToken& token) { return !token.bytes.all(); };
  return static_cast<size_t>(std::count_if(tokens.begin(), tokens.end(), tells)) +
         (!tokens.empty() && tells(tokens.front()) ? kBeginning : 0);
}

// Joins the neighbours that keep the most of what the less telling of both says. Sorted, neighbours begin alike.
void join_closest(std::vector<Pattern>& patterns, size_t most) {
  struct Pair {
    GlobTokens made;
    double kept;
  };
  const auto pair_at = [&patterns](size_t i) {
    const GlobTokens& one = patterns[i].tokens;
    const GlobTokens& two = patterns[i + 1].tokens;
    GlobTokens made = joined(one, two);
    const size_t before = std::min(telling(one), telling(two));
    const double kept = before == 0 ? 1 : static_cast<double>(telling(made)) / static_cast<double>(before);
    return Pair{std::move(made), kept};
  };
  std::vector<Pair> pairs;
  for (size_t i = 0; i + 1 < patterns.size(); ++i) pairs.push_back(pair_at(i));
  while (patterns.size() > most) {
    const auto best = std::max_element(pairs.begin(), pairs.end(),
                                       [](const Pair& a, const Pair& b) { return a.kept < b.kept; });
    const auto at = best - pairs.begin();
    const auto i = static_cast<size_t>(at);
    patterns[i] = pattern_of(std::move(best->made));
    patterns.erase(patterns.begin() + at + 1);
    pairs.erase(best);
    if (i > 0) pairs[i - 1] = pair_at(i - 1);
    if (i < pairs.size()) pairs[i] = pair_at(i);
  }
}

// So many that pairs of them are not looked at: behind the first, equal parts of the sorted list become one pattern
// each.
void join_parts(std::vector<Pattern>& patterns, size_t parts) {
  std::vector<Pattern> made;
  made.push_back(std::move(patterns.front()));
  const size_t count = patterns.size() - 1;
  for (size_t part = 0; part < parts; ++part) {
    const size_t begin = 1 + count * part / parts;
    const size_t end = 1 + count * (part + 1) / parts;
    GlobTokens all = std::move(patterns[begin].tokens);
    for (size_t i = begin + 1; i < end; ++i) all = joined(all, patterns[i].tokens);
    made.push_back(pattern_of(std::move(all)));
  }
  patterns = std::move(made);
}

}  // namespace

GlobTokens joined(const GlobTokens& one, const GlobTokens& two) {
  const size_t shorter = std::min(one.size(), two.size());
  size_t prefix = 0;
  while (prefix < shorter && one[prefix] == two[prefix]) ++prefix;
  if (prefix == one.size() && prefix == two.size()) return one;
  size_t suffix = 0;
  // Up to the last star: what precedes it may find its like elsewhere.
  while (suffix < shorter - prefix && one[one.size() - suffix - 1] == two[two.size() - suffix - 1] &&
         !one[one.size() - suffix - 1].star) {
    ++suffix;
  }
  GlobTokens made(one.begin(), one.begin() + static_cast<std::ptrdiff_t>(prefix));
  join_middle(one, {prefix, one.size() - suffix}, two, {prefix, two.size() - suffix}, kRunDepth, made);
  for (size_t i = one.size() - suffix; i < one.size(); ++i) {
    if (!one[i].star || !made.back().star) made.push_back(one[i]);
  }
  return made;
}

void cover(std::vector<std::string>& patterns, size_t most) {
  if (patterns.size() < 2) return;
  std::vector<Pattern> left;
  for (const std::string& pattern : patterns) left.push_back({pattern, glob_tokens(pattern)});
  if (left.size() > kMaxProved) {
    // The client's own glob, which comes first, often holds the most of them.
    const Pattern own = left.front();
    left.erase(std::remove_if(left.begin() + 1, left.end(),
                              [&own](const Pattern& one) { return lies_in(one.tokens, {&own}); }),
               left.end());
  }
  const auto by_text = [](const Pattern& a, const Pattern& b) { return a.text < b.text; };
  if (left.size() > kMaxProved) {
    std::sort(left.begin() + 1, left.end(), by_text);
    join_parts(left, kMaxProved - 1);
  }
  drop_dispensable(left);
  if (left.size() > most) {
    std::sort(left.begin(), left.end(), by_text);
    join_closest(left, most);
    drop_dispensable(left);
  }
  patterns.clear();
  for (Pattern& one : left) patterns.push_back(std::move(one.text));
}

}  // namespace keyshift::scheme
