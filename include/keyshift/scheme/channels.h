// Channels that speak of keys: Redis's keyspace notifications, in clients' names and in the upstream's.
//
//   channel                                payload
//   __keyspace@0__:writing_stats:u1:30d    expired                    the channel names a key, the payload an event
//   __keyevent@0__:expired                 writing_stats:u1:30d       the other way round
//
// A client that subscribes to, or publishes on, such a channel says its own name of the key; the upstream says the
// physical one:
//
//   SUBSCRIBE __keyspace@0__:writing_stats:u1:30d
//     append_physical_channel()    __keyspace@0__:analytics:writing_stats:user:u1:days:30d
//   PSUBSCRIBE __keyspace@0__:writing_stats:*
//     translate_channels()         __keyspace@0__:writing_stats:*    __keyspace@0__:analytics:writing_stats:user:*:days:*d
//     show()                       what comes on these, filtered by the client's own glob
//
// What is behind `@0__:` is translated as KEYS does it (patterns.h) where the pattern spells all before it. Where it does
// not (`*`, `__key*`, `__keyspace@*__:user:*`), all keyspace notifications are asked for and filtered. All other channels
// are the same for everybody, and so are shard channels, on which Redis announces nothing.
//
// Where databases fold, the number is translated too: the upstream announces all of them under one, and the key tells whose
// it is. With databases 0 and 1 in 5, and unmatched keys behind `db{db}:`,
//
//   SUBSCRIBE __keyspace@1__:lock          SUBSCRIBE __keyspace@5__:db1:lock
//   PSUBSCRIBE __keyevent@[01]__:exp*      PSUBSCRIBE __keyevent@5__:exp*     __keyevent@[01]__:exp*
//     __keyevent@5__:expired  db1:lock       __keyevent@1__:expired  lock
//     __keyevent@5__:expired  db7:lock       nothing: the pattern does not fit 7
//     __keyevent@1__:expired  lock           nothing: clients do not see what is left in the upstream's database 1
//
// A consolidated view has every key in every folded database. One thing has happened, so who listens by a pattern is told
// once: under the number of the upstream's database if the pattern fits it, else under the first that it does.
//
// Pure. Cost: that of the translation of one name or pattern; by a pattern that leaves the number open, of a name for each
// folded database.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "keyshift/base/buffer.h"
#include "keyshift/scheme/ruleset.h"

namespace keyshift::scheme {

// Whether the names of keys that clients of this view say and see can differ from the upstream's at all.
bool renames_keys(const Ruleset& rules, const View& view);

// What a channel is called after.
struct ChannelName {
  enum class Kind : uint8_t { kPlain, kKeyspace, kKeyevent };

  Kind kind = Kind::kPlain;
  int db = 0;
  std::string_view prefix;  // "__keyspace@0__:"
  std::string_view rest;    // the key, or the event
};

// `channel` must outlive the result.
ChannelName read_channel(std::string_view channel);

// Appends what the upstream calls a client's channel. A channel of a key that the view refuses stays as it is: nothing
// that comes on it is for this client.
void append_physical_channel(const Ruleset& rules, std::string_view channel, const View& view, Buffer& out);

// The name by which a client's channel is told from others: the upstream's, `physical`; but the keyevent channels of folded
// databases are one there, so each goes by the client's name.
std::string_view counted_channel(std::string_view channel, std::string_view physical);

// What a client publishes, as the upstream is to have it. On a keyevent channel the payload is the name of a key; where the
// view refuses that, both stay as they are.
struct Publication {
  Buffer channel;
  Buffer payload;
};
Publication physical_publication(const Ruleset& rules, std::string_view channel, std::string_view payload,
                                 const View& view);

struct ChannelPattern {
  static constexpr size_t kMaxPatterns = 4;

  std::string glob;                   // the client's own, whole
  std::vector<std::string> physical;  // at least one; together they hold every match; no order
  Naming naming = Naming::kLegacy;    // of the keys in what the client is shown
  bool of_keys = false;               // what comes may speak of keys
  std::vector<int> databases =
      {};  // the folded ones whose numbers the glob may fit, in the order of preference
};

// Translates a client's glob over channels to at most `most` patterns. Requires: most > 0.
ChannelPattern translate_channels(const Ruleset& rules, std::string_view glob, const View& view,
                                  size_t most = ChannelPattern::kMaxPatterns);

// A message that the upstream sends on `physical`, to whoever subscribed to the client's channel `channel`, of which that
// is the physical one: appends the payload that the client hears, and returns true; or appends nothing, if it speaks of a
// key that the client does not see in that database.
bool hear(const Ruleset& rules, std::string_view channel, std::string_view physical, std::string_view payload,
          const View& view, Buffer& out);
// The same to whoever subscribed by a pattern: appends the channel that the client hears of and, behind it, the payload;
// returns the channel's size. Nothing, if no channel that the client can hear of fits the pattern.
std::optional<size_t> hear(const Ruleset& rules, const ChannelPattern& pattern, std::string_view physical,
                           std::string_view payload, const View& view, Buffer& out);
// Of a channel without a message: what the client calls it, if it sees its key and the pattern fits that. A keyevent channel
// of folded databases has a name for each of them; any other has one at most.
std::vector<std::string> shown_channels(const Ruleset& rules, const ChannelPattern& pattern,
                                        std::string_view physical, const View& view);

}  // namespace keyshift::scheme
