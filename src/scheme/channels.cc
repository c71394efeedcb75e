#include "keyshift/scheme/channels.h"

#include <algorithm>
#include <charconv>

#include "glob_cover.h"
#include "glob_token.h"
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

void append_physical_key(const Ruleset& rules, std::string_view key, int db, const View& view, Buffer& out) {
  const Match match = rules.match(key, db, view);
  if (match.refused) {
    out.append(key);
  } else {
    rules.append_physical(match, key, out);
  }
}

}  // namespace

bool renames_keys(const Ruleset& rules, const View& view) {
  return !rules.rules().empty() || view.unmatched == Unmatched::kPrefix;
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
  if (name.kind != ChannelName::Kind::kKeyspace) {
    out.append(channel);
    return;
  }
  out.append(name.prefix);
  append_physical_key(rules, name.rest, name.db, view, out);
}

void append_physical_payload(const Ruleset& rules, std::string_view channel, std::string_view payload,
                             const View& view, Buffer& out) {
  const ChannelName name = read_channel(channel);
  if (name.kind == ChannelName::Kind::kKeyevent) {
    append_physical_key(rules, payload, name.db, view, out);
  } else {
    out.append(payload);
  }
}

ChannelPattern translate_channels(const Ruleset& rules, std::string_view glob, const View& view,
                                  size_t most) {
  const bool renames = renames_keys(rules, view);
  ChannelPattern made{std::string(glob), {}, view.naming, false};
  if (const ChannelName name = read_channel(glob); name.kind == ChannelName::Kind::kKeyspace && renames) {
    const KeyPattern keys = translate_pattern(rules, name.rest, name.db, view, most);
    for (const std::string& physical : keys.physical)
      made.physical.push_back(std::string(name.prefix) + physical);
    made.naming = keys.naming;
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
  // To compare a long glob with others costs its length, and it is one of two.
  if (glob.size() <= KeyPattern::kMaxGlob) {
    cover(made.physical, most);
  } else if (made.physical.size() > most) {
    made.physical.assign(1, "*");
  }
  return made;
}

bool show_channel(const Ruleset& rules, std::string_view physical, const View& view, Naming naming,
                  Buffer& out) {
  const ChannelName name = read_channel(physical);
  if (name.kind != ChannelName::Kind::kKeyspace) {
    out.append(physical);
    return true;
  }
  const size_t before = out.size();
  out.append(name.prefix);
  if (rules.shown(name.rest, name.db, view, naming, out)) return true;
  out.truncate(before);
  return false;
}

bool show_payload(const Ruleset& rules, std::string_view physical_channel, std::string_view payload,
                  const View& view, Naming naming, Buffer& out) {
  const ChannelName name = read_channel(physical_channel);
  if (name.kind == ChannelName::Kind::kKeyevent) return rules.shown(payload, name.db, view, naming, out);
  out.append(payload);
  return true;
}

}  // namespace keyshift::scheme
