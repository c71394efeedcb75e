#include "keyshift/scheme/channels.h"

#include <algorithm>
#include <charconv>
#include <cstddef>

#include "glob_cover.h"
#include "glob_token.h"
#include "keyshift/scheme/glob.h"
#include "keyshift/scheme/patterns.h"

namespace keyshift::scheme {
namespace {

constexpr std::string_view kKeyspace = "__keyspace@";
constexpr std::string_view kKeyevent = "__keyevent@";
constexpr std::string_view kEnd = "__:";
constexpr std::string_view kEveryKeyspace = "__keyspace@*";

// The bytes that every match begins with.
std::string literal_prefix(const GlobTokens& tokens) {
  std::string prefix;
  for (const GlobToken& token : tokens) {
    if (!token.is_byte()) break;
    prefix += token.literal();
  }
  return prefix;
}

bool may_begin(std::string_view prefix, std::string_view word) {
  const size_t both = std::min(prefix.size(), word.size());
  return prefix.substr(0, both) == word.substr(0, both);
}

std::string_view word_of(ChannelName::Kind kind) {
  return kind == ChannelName::Kind::kKeyspace ? kKeyspace : kKeyevent;
}

// "__keyspace@5__:"
void append_start(ChannelName::Kind kind, int db, Buffer& out) {
  out.append(word_of(kind));
  out.append(std::to_string(db));
  out.append(kEnd);
}

std::string start_of(ChannelName::Kind kind, int db) {
  Buffer start;
  append_start(kind, db, start);
  return std::string(start.view());
}

// The folded databases that clients can select. The upstream's own comes first: a key that all of them show goes by it.
std::vector<int> folded_databases(const Fold& fold) {
  std::vector<int> all;
  if (!fold.active()) return all;
  if (fold.has(fold.into)) all.push_back(fold.into);
  for (int db = 0; db < fold.databases; ++db) {
    if (db != fold.into && fold.holds(db)) all.push_back(db);
  }
  return all;
}

// Whether the upstream's database is one that clients can select and that does not fold.
bool is_own(const Fold& fold, int db) {
  return fold.has(db) && !fold.holds(db);
}

// Where a glob may stand after some bytes: an automaton whose states are its tokens.
//
//   __keyevent@*__:exp*   after `__keyevent@1__:`   at the first star, and at `exp*`
class GlobWalk {
 public:
  explicit GlobWalk(const GlobTokens& tokens) : tokens_(tokens), at_(tokens.size() + 1) { reach(at_, 0); }

  GlobWalk& read(std::string_view bytes) {
    std::vector<bool> next;
    for (const char byte : bytes) {
      next.assign(at_.size(), false);
      for (size_t i = 0; i < tokens_.size(); ++i) {
        if (at_[i] && tokens_[i].bytes.test(static_cast<unsigned char>(byte)))
          reach(next, tokens_[i].star ? i : i + 1);
      }
      at_.swap(next);
    }
    return *this;
  }

  bool fits() const { return std::ranges::find(at_, true) != at_.end(); }
  const std::vector<bool>& at() const { return at_; }

 private:
  // A star may stand for nothing.
  void reach(std::vector<bool>& states, size_t i) const {
    states[i] = true;
    if (i < tokens_.size() && tokens_[i].star) states[i + 1] = true;
  }

  const GlobTokens& tokens_;
  std::vector<bool> at_;
};

// The databases whose channels of this kind the glob may fit. `behind` collects where the glob then stands.
std::vector<int> fitting(const GlobTokens& tokens, ChannelName::Kind kind, const std::vector<int>& databases,
                         std::vector<bool>& behind) {
  std::vector<int> some;
  behind.assign(tokens.size() + 1, false);
  const GlobWalk word = GlobWalk(tokens).read(word_of(kind));
  for (const int db : databases) {
    GlobWalk walk = word;
    walk.read(std::to_string(db)).read(kEnd);
    if (!walk.fits()) continue;
    some.push_back(db);
    for (size_t i = 0; i < behind.size(); ++i) behind[i] = behind[i] || walk.at()[i];
  }
  return some;
}

// Appends a pattern of the upstream's keyevent channels for each place where the glob may stand behind a number that folds.
void append_behind(const GlobTokens& tokens, const std::vector<bool>& behind, int into,
                   std::vector<std::string>& physical) {
  const std::string start = start_of(ChannelName::Kind::kKeyevent, into);
  for (size_t i = 0; i < behind.size(); ++i) {
    if (!behind[i] || (i > 0 && behind[i - 1] && tokens[i - 1].star)) continue;
    const GlobTokens rest(tokens.begin() + static_cast<std::ptrdiff_t>(i), tokens.end());
    physical.push_back(start + glob_text(rest));
  }
}

// What `name` on the upstream is called in the client's database `db`: appended, if the client sees it there.
bool append_shown(const Ruleset& rules, const ChannelName& name, int db, const View& view, Naming naming,
                  Buffer& out) {
  const size_t before = out.size();
  append_start(name.kind, db, out);
  if (name.kind == ChannelName::Kind::kKeyevent) {
    out.append(name.rest);
    return true;
  }
  if (rules.shown(name.rest, db, view, naming, out)) return true;
  out.truncate(before);
  return false;
}

// Calls `show` with each of the clients' databases that the upstream's `db` may be, until it returns true. What is left in
// the upstream under the number of a database that folds is no client's to see.
template <typename Show>
bool in_some_database(const Fold& fold, int db, const std::vector<int>& folded, const Show& show) {
  if (fold.active() && db == fold.into) return std::ranges::any_of(folded, show);
  return is_own(fold, db) && show(db);
}

}  // namespace

bool renames_keys(const Ruleset& rules, const View& view) {
  return !rules.rules().empty() || view.unmatched == Unmatched::kPrefix || rules.fold().active();
}

ChannelName read_channel(std::string_view channel) {
  ChannelName name;
  const bool keyspace = channel.starts_with(kKeyspace);
  if (!keyspace && !channel.starts_with(kKeyevent)) return name;
  const char* const digits = channel.data() + kKeyspace.size();
  const char* const end = channel.data() + channel.size();
  int db = 0;
  const auto [behind, error] = std::from_chars(digits, end, db);
  const auto count = static_cast<size_t>(behind - digits);
  // A number as Redis writes it: anything else is a channel like any other.
  if (error != std::errc() || db < 0 || *digits == '-' || (*digits == '0' && count > 1)) return name;
  const size_t prefix = kKeyspace.size() + count + kEnd.size();
  if (channel.substr(kKeyspace.size() + count, kEnd.size()) != kEnd) return name;
  name.kind = keyspace ? ChannelName::Kind::kKeyspace : ChannelName::Kind::kKeyevent;
  name.db = db;
  name.prefix = channel.substr(0, prefix);
  name.rest = channel.substr(prefix);
  return name;
}

void append_physical_channel(const Ruleset& rules, std::string_view channel, const View& view, Buffer& out) {
  const ChannelName name = read_channel(channel);
  if (name.kind == ChannelName::Kind::kPlain) {
    out.append(channel);
    return;
  }
  const bool of_key = name.kind == ChannelName::Kind::kKeyspace;
  const Match match = of_key ? rules.match(name.rest, name.db, view) : Match();
  if (match.refused) {
    out.append(channel);
    return;
  }
  append_start(name.kind, rules.fold().upstream(name.db), out);
  if (of_key) {
    rules.append_physical(match, name.rest, out);
  } else {
    out.append(name.rest);
  }
}

std::string_view counted_channel(std::string_view channel, std::string_view physical) {
  return read_channel(channel).kind == ChannelName::Kind::kKeyevent ? channel : physical;
}

Publication physical_publication(const Ruleset& rules, std::string_view channel, std::string_view payload,
                                 const View& view) {
  Publication made;
  const ChannelName name = read_channel(channel);
  if (name.kind == ChannelName::Kind::kKeyevent) {
    const Match match = rules.match(payload, name.db, view);
    if (match.refused) {
      made.channel.append(channel);
      made.payload.append(payload);
      return made;
    }
    rules.append_physical(match, payload, made.payload);
  } else {
    made.payload.append(payload);
  }
  append_physical_channel(rules, channel, view, made.channel);
  return made;
}

ChannelPattern translate_channels(const Ruleset& rules, std::string_view glob, const View& view,
                                  size_t most) {
  const bool renames = renames_keys(rules, view);
  const Fold& fold = rules.fold();
  ChannelPattern made{std::string(glob), {}, view.naming, false, {}};
  const ChannelName name = read_channel(glob);
  if (name.kind != ChannelName::Kind::kPlain && fold.has(name.db) && fold.holds(name.db))
    made.databases.push_back(name.db);
  if (name.kind == ChannelName::Kind::kKeyspace && renames) {
    const KeyPattern keys = translate_pattern(rules, name.rest, name.db, view, most);
    for (const std::string& physical : keys.physical)
      made.physical.push_back(start_of(name.kind, fold.upstream(name.db)) + physical);
    made.naming = keys.naming;
    made.of_keys = true;
    return made;
  }
  if (name.kind == ChannelName::Kind::kKeyevent) {
    made.physical.push_back(start_of(name.kind, fold.upstream(name.db)) + std::string(name.rest));
    made.of_keys = true;
    return made;
  }
  const GlobTokens tokens = glob_tokens(glob, KeyPattern::kMaxGlob);
  const std::string prefix = literal_prefix(tokens);
  const bool literal = prefix.size() == tokens.size();
  const ChannelName::Kind only = read_channel(prefix).kind;
  const bool keyspace = literal ? only == ChannelName::Kind::kKeyspace : may_begin(prefix, kKeyspace);
  const bool keyevent = literal ? only == ChannelName::Kind::kKeyevent : may_begin(prefix, kKeyevent);
  made.of_keys = keyspace || keyevent;
  if (keyspace && renames) made.physical.emplace_back(kEveryKeyspace);
  made.physical.emplace_back(glob);
  if (made.of_keys && fold.active()) {
    const std::vector<int> folded = folded_databases(fold);
    std::vector<bool> behind;
    made.databases = fitting(tokens, ChannelName::Kind::kKeyspace, folded, behind);
    const std::vector<int> more = fitting(tokens, ChannelName::Kind::kKeyevent, folded, behind);
    if (made.databases.size() < more.size()) made.databases = more;
    append_behind(tokens, behind, fold.into, made.physical);
  }
  // To compare a long glob with others costs its length, and it is one of a few.
  if (glob.size() <= KeyPattern::kMaxGlob) {
    cover(made.physical, most);
  } else if (made.physical.size() > most) {
    made.physical.assign(1, "*");
  }
  return made;
}

bool hear(const Ruleset& rules, std::string_view channel, std::string_view physical, std::string_view payload,
          const View& view, Buffer& out) {
  const ChannelName name = read_channel(channel);
  const ChannelName from = read_channel(physical);
  if (name.kind != ChannelName::Kind::kPlain) {
    const Fold& fold = rules.fold();
    if (!fold.has(name.db) || fold.upstream(name.db) != from.db) return false;
    if (name.kind == ChannelName::Kind::kKeyevent)
      return rules.shown(payload, name.db, view, view.naming, out);
    const size_t before = out.size();
    if (!rules.shown(from.rest, name.db, view, view.naming, out)) return false;
    out.truncate(before);
  }
  out.append(payload);
  return true;
}

std::optional<size_t> hear(const Ruleset& rules, const ChannelPattern& pattern, std::string_view physical,
                           std::string_view payload, const View& view, Buffer& out) {
  const size_t before = out.size();
  const ChannelName name = read_channel(physical);
  if (name.kind == ChannelName::Kind::kPlain) {
    if (!glob_match(pattern.glob, physical)) return std::nullopt;
    out.append(physical);
    out.append(payload);
    return physical.size();
  }
  size_t channel_size = 0;
  const bool heard = in_some_database(rules.fold(), name.db, pattern.databases, [&](int db) {
    out.truncate(before);
    if (!append_shown(rules, name, db, view, pattern.naming, out)) return false;
    channel_size = out.size() - before;
    if (!glob_match(pattern.glob, out.view().substr(before))) return false;
    if (name.kind == ChannelName::Kind::kKeyevent) return rules.shown(payload, db, view, pattern.naming, out);
    out.append(payload);
    return true;
  });
  if (heard) return channel_size;
  out.truncate(before);
  return std::nullopt;
}

std::vector<std::string> shown_channels(const Ruleset& rules, const ChannelPattern& pattern,
                                        std::string_view physical, const View& view) {
  std::vector<std::string> names;
  const auto add = [&](std::string_view shown) {
    const bool fits = glob_match(pattern.glob, shown);
    if (fits) names.emplace_back(shown);
    return fits;
  };
  const ChannelName name = read_channel(physical);
  if (name.kind == ChannelName::Kind::kPlain) {
    add(physical);
    return names;
  }
  Buffer shown;
  in_some_database(rules.fold(), name.db, pattern.databases, [&](int db) {
    shown.clear();
    const bool fits = append_shown(rules, name, db, view, pattern.naming, shown) && add(shown.view());
    return fits && name.kind == ChannelName::Kind::kKeyspace;
  });
  return names;
}

}  // namespace keyshift::scheme
