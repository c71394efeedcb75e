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
// Pure. Cost: that of the translation of one name or pattern.
#pragma once

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
// The same for what a client publishes: on a keyevent channel the payload is the name of a key.
void append_physical_payload(const Ruleset& rules, std::string_view channel, std::string_view payload,
                             const View& view, Buffer& out);

struct ChannelPattern {
  static constexpr size_t kMaxPatterns = 4;

  std::string glob;                   // the client's own, whole
  std::vector<std::string> physical;  // at least one; together they hold every match; no order
  Naming naming = Naming::kLegacy;    // of the keys in what the client is shown
  bool of_keys = false;               // what comes may speak of keys
};

// Translates a client's glob over channels to at most `most` patterns. Requires: most > 0.
ChannelPattern translate_channels(const Ruleset& rules, std::string_view glob, const View& view,
                                  size_t most = ChannelPattern::kMaxPatterns);

// Appends what a client calls the channel that the upstream calls `physical`, and returns true; or appends nothing, if it
// is that of a key that the client does not see.
bool show_channel(const Ruleset& rules, std::string_view physical, const View& view, Naming naming,
                  Buffer& out);
// The same for the payload of a message on this channel.
bool show_payload(const Ruleset& rules, std::string_view physical_channel, std::string_view payload,
                  const View& view, Naming naming, Buffer& out);

}  // namespace keyshift::scheme
