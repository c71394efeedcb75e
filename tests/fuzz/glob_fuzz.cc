// Laws of globs and of their translation on any pattern. The first byte chooses a scheme and a view; then lines: the
// glob, another glob, and names.
//
//   - glob_match says what Redis's stringmatchlen says, written here as it is documented, and reads no more than the
//     product
//   - the tokens of a glob take what the glob takes; those of its beginning take no less
//   - what two globs have in common takes what either takes, and a cover takes what its patterns take
//   - a translation loses no name that the client would see, and asks for no more patterns than wanted
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "glob_cover.h"
#include "glob_token.h"
#include "keyshift/scheme/glob.h"
#include "keyshift/scheme/patterns.h"
#include "keyshift/scheme/ruleset.h"

namespace keyshift::scheme {
namespace {

constexpr size_t kMaxInput = 4096;
constexpr size_t kMaxNames = 12;

std::string context;  // what is being checked, for a report

void require(bool law, std::string_view what) {
  if (law) return;
  std::cerr << "broken: " << what << "\n" << context << "\n";
  std::abort();
}

// Redis 7.0 on one pattern and one string, by remembering every pair of places.
class Reference {
 public:
  Reference(std::string_view pattern, std::string_view string)
      : pattern_(pattern), string_(string), known_((pattern.size() + 1) * (string.size() + 1), kUnknown) {}

  bool fits() { return string_.empty() ? pattern_.empty() || pattern_ == "*" : fits(0, 0); }

 private:
  enum : char { kUnknown, kNo, kYes };

  bool fits(size_t p, size_t s) {
    char& known = known_[p * (string_.size() + 1) + s];
    if (known == kUnknown) known = look(p, s) ? kYes : kNo;
    return known == kYes;
  }

  bool look(size_t p, size_t s) {
    if (p == pattern_.size()) return s == string_.size();
    if (pattern_[p] == '*') return fits(p + 1, s) || (s < string_.size() && fits(p, s + 1));
    if (s == string_.size()) return false;
    const char c = string_[s];
    if (pattern_[p] == '?') return fits(p + 1, s + 1);
    if (pattern_[p] == '[') {
      bool in = false;
      const size_t behind = read_class(p + 1, c, in);
      return in && fits(behind, s + 1);
    }
    if (pattern_[p] == '\\' && p + 1 < pattern_.size()) ++p;
    return pattern_[p] == c && fits(p + 1, s + 1);
  }

  size_t read_class(size_t p, char c, bool& in) const {
    const bool negated = p < pattern_.size() && pattern_[p] == '^';
    if (negated) ++p;
    for (; p < pattern_.size() && pattern_[p] != ']'; ++p) {
      const size_t left = pattern_.size() - p;
      if (pattern_[p] == '\\' && left >= 2) {
        ++p;
        in = in || pattern_[p] == c;
      } else if (left >= 3 && pattern_[p + 1] == '-') {
        const auto one = static_cast<signed char>(pattern_[p]);
        const auto two = static_cast<signed char>(pattern_[p + 2]);
        const auto byte = static_cast<signed char>(c);
        in = in || (byte >= std::min(one, two) && byte <= std::max(one, two));
        p += 2;
      } else {
        in = in || pattern_[p] == c;
      }
    }
    in = in != negated;
    return std::min(p + 1, pattern_.size());
  }

  std::string_view pattern_;
  std::string_view string_;
  std::vector<char> known_;
};

using Pairs = std::vector<std::pair<std::string, std::string>>;

SchemeSpec spec_of(const Pairs& pairs, Phase phase = Phase::kConsolidated) {
  SchemeSpec spec;
  for (const auto& [legacy, key] : pairs) {
    RuleSpec rule;
    rule.legacy = legacy;
    rule.key = key;
    rule.phase = phase;
    spec.rules.push_back(std::move(rule));
  }
  return spec;
}

std::shared_ptr<const Ruleset> compiled(const SchemeSpec& spec) {
  auto rules = Ruleset::compile(spec);
  require(rules.has_value(), "the schemes here are accepted");
  return *rules;
}

std::string physical(const Ruleset& rules, std::string_view name, const View& view) {
  Buffer out;
  rules.append_physical(rules.match(name, 0, view), name, out);
  return std::string(out.view());
}

std::optional<std::string> shown(const Ruleset& rules, std::string_view key, const View& view,
                                 Naming naming) {
  Buffer out;
  if (!rules.shown(key, 0, view, naming, out)) return std::nullopt;
  return std::string(out.view());
}

std::shared_ptr<const Ruleset> scheme_of(unsigned index) {
  static const std::vector<std::shared_ptr<const Ruleset>> schemes = [] {
    SchemeSpec mixed =
        spec_of({{"k:{a}", "d:k:{a}"}, {"k:{a:int}", "d:n:{a}"}, {"{a:hex}-{b}", "d:x:{b}:{a}"}});
    mixed.rules[1].phase = Phase::kLegacy;
    SchemeSpec many;
    for (char c = 'a'; c <= 'z'; ++c) {
      many.rules.push_back(
          spec_of({{std::string("u:") + c + ":{x}", std::string("d:") + c + ":{x}:u"}}).rules[0]);
    }
    return std::vector{
        compiled(spec_of({{"s:{u}:{n:int}d", "d:s:user:{u}:days:{n}d"}, {"t:{u}:list", "d:t:{u}"}})),
        compiled(spec_of({{"{k:any}", "d:kv:{k}"}})),
        compiled(mixed),
        compiled(many),
        compiled(
            spec_of({{"[*]{x}?\\", "d:^{x}*[a"}, {"l:{x:a|b*|c?}", "d:l:{x}:x"}, {"y{x:date}", "d:y:{x}"}})),
        compiled(spec_of({{"a{x}:{y:any}", "d:a:{y}:{x}"}, {"b:{x}", "d:b:{x}"}}, Phase::kLegacy)),
    };
  }();
  return schemes[index % schemes.size()];
}

void check_match(std::string_view glob, std::string_view name) {
  uint64_t steps = 0;
  const bool fits = glob_match(glob, name, false, &steps);
  require(steps <= (glob.size() + 1) * (name.size() + 1), "no more than the product is read");
  if (glob.size() <= 256 && name.size() <= 256)
    require(fits == Reference(glob, name).fits(), "as Redis does");
  require(glob_match(glob_text(glob_tokens(glob)), name) == fits, "tokens take what the glob takes");
  require(!fits || glob_match(glob_text(glob_tokens(glob, 5)), name), "a beginning takes no less");
}

void check_cover(std::string_view one, std::string_view two, const std::vector<std::string>& names) {
  const GlobTokens first = glob_tokens(one, 64);
  const GlobTokens second = glob_tokens(two, 64);
  const std::string both = glob_text(joined(first, second));
  std::vector<std::string> few{glob_text(first), glob_text(second), both + "x",
                               "d:" + std::string(one.substr(0, 64))};
  const std::vector<std::string> all = few;
  cover(few, 2);
  require(few.size() <= 2, "no more than wanted");
  const auto taken = [](const std::vector<std::string>& patterns, const std::string& name) {
    return std::any_of(patterns.begin(), patterns.end(),
                       [&](const auto& one) { return glob_match(one, name); });
  };
  for (const std::string& name : names) {
    require(!(glob_match(all[0], name) || glob_match(all[1], name)) || glob_match(both, name),
            "joined takes both");
    require(!taken(all, name) || taken(few, name), "a cover takes all");
  }
}

void check_translation(unsigned choice, std::string_view glob, const std::vector<std::string>& names) {
  const auto rules = scheme_of(choice);
  const View view{choice / 8 % 2 == 0 ? Naming::kLegacy : Naming::kConsolidated,
                  choice / 16 % 2 == 0 ? Unmatched::kPass : Unmatched::kPrefix, "p*"};
  for (const size_t most : {size_t{1}, KeyPattern::kMaxPatterns}) {
    const KeyPattern pattern = translate_pattern(*rules, glob, 0, view, most);
    require(!pattern.physical.empty() && pattern.physical.size() <= most, "as many patterns as wanted");
    for (const std::string& name : names) {
      for (const std::string& key : {name, physical(*rules, name, view)}) {
        const auto own = shown(*rules, key, view, pattern.naming);
        const bool wanted = own && glob_match(glob, *own);
        Buffer out;
        require(client_name(*rules, pattern, key, 0, view, out) == wanted, "shown is what fits");
        const bool found = std::any_of(pattern.physical.begin(), pattern.physical.end(),
                                       [&](const auto& one) { return glob_match(one, key); });
        require(!wanted || found, "no name is lost: " + key);
      }
    }
  }
}

}  // namespace
}  // namespace keyshift::scheme

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace keyshift::scheme;
  if (size < 2 || size > kMaxInput) return 0;
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  context = std::string(rest);
  std::vector<std::string> lines;
  while (lines.size() < kMaxNames + 2) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    lines.emplace_back(rest.substr(0, end));
    if (end == rest.size()) break;
    rest.remove_prefix(end + 1);
  }
  lines.resize(std::max<size_t>(lines.size(), 2));
  const std::string glob = lines[0];
  const std::string another = lines[1];
  lines.erase(lines.begin());
  for (const std::string& name : lines) check_match(glob, name);
  check_cover(glob, another, lines);
  check_translation(data[0], glob, lines);
  return 0;
}
