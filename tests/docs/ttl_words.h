// The sentences of docs/ttl.md between its tables.
#pragma once

namespace keyshift::docs {

inline constexpr const char* kIntroduction = R"(# Expiries

<!-- Made from the command table (src/command/rows/) by `./dev docs`. Do not edit. -->

An old application writes keys without an expiry, or with whatever somebody found right in some year. A domain's
policy says what holds instead, for every client and without a change to any. This page says what the policy is, and
what happens to each command.

## The policy

A key belongs to the domain that is the first segment of its consolidated name, and to the resource that is the
second: `mood:user:u1` to domain `mood`, resource `user`. The policy can be said for a domain, and for one of its
resources; what a resource does not say, its domain says. Keys of no domain are left alone.

| option | meaning |
|---|---|
| `default_ttl` | what a write leaves without an expiry gets this one |
| `min_ttl`, `max_ttl` | the shortest and the longest expiry that a client may give |
| `mode` | what is done with an expiry that a client gives: `keep` it, `clamp` it into `min_ttl` to `max_ttl`, or `override` it by `default_ttl` |
| `jitter` | how far defaults and overrides are made shorter or longer at random |

Durations are written as `"90s"` or `"1h30m"`, or as a name that `[ttl]` gives them. The examples on this page use:
)";

// The first example has a domain of each mode; it begins and ends with a line break.
inline constexpr const char* kExampleScheme = R"(
[ttl]
hourly = "1h"

[domain.mood]
default_ttl = "hourly"
min_ttl     = "1m"
max_ttl     = "24h"      # mode is "clamp" where nothing is said

[domain.crisis]
default_ttl = "30m"
mode        = "override"

[domain.lock]
default_ttl = "hourly"
max_ttl     = "24h"
mode        = "keep"

[domain.archive.resource.letter]
max_ttl = "2d"           # bounds, and no default
)";

inline constexpr const char* kDefaultWords = R"(
A rule would rename the keys as well; here they have their consolidated names already. All examples are made by the
code that rewrites requests. It is 2023-11-14 22:13:20 UTC in them, Unix time 1700000000.

### What no expiry was given to

A write that leaves its key without an expiry is given the default: inside the command where it can carry one, else by
a second command behind it. Its reply is not seen by the client. `NX` means: only if the key has none, so an expiry
that is there is never changed by a default.
)";

inline constexpr const char* kGivenWords = R"(
### What the client gives

`clamp` brings an expiry into the bounds, `override` replaces it by the default, `keep` leaves it. The client's own form
stays: seconds remain seconds, a point in time remains a point in time. Seconds are rounded to the nearest that is
inside the bounds, and never to 0.

What Redis would refuse goes to Redis as it is, so the client gets Redis's own error; so does what deletes the key (an
`EXPIRE` of 0 or less, a point in time that has passed).
)";

inline constexpr const char* kBoundsWords = R"(
### Bounds, default and jitter

- `max_ttl` bounds the expiries that clients give. It gives none to a key that has none: say `default_ttl` as well.
- A client can take an expiry away (`PERSIST`, `SET` without expiry). Where there is a default, the key gets it again.
- `default_ttl` must lie inside the bounds, `min_ttl` must not be above `max_ttl`, and `override` needs a default. The
  configuration is refused otherwise; this is checked for each resource with what it has from its domain.
- With `jitter = "5%"` a default of an hour becomes anything from 57 to 63 minutes, each as likely, so keys that were
  written together do not expire together. It never leaves the bounds: with `max_ttl = "1h"` it is 57 to 60. What a
  client gives is not spread, unless it is overridden.
- `TTL`, `PTTL`, `EXPIRETIME` and `PEXPIRETIME` answer the true expiry, not the one that the client gave.
- In phase `legacy` nothing is changed. What would have been done is counted in
  `keyshift_ttl_observed_total{domain,action}`, in other phases `keyshift_ttl_rewrites_total` counts what was done.
  The phase is the rule's; for a key that is written under its consolidated name and fits no rule, it is its domain's.
- A value that is relayed while it arrives (above `limits.stream_threshold`) gets its default behind the command, for
  nobody knows yet whether an expiry will come. One that comes is judged as it passes. A `RESTORE` whose expiry the
  policy changes, or would change if `ABSTTL` came behind the payload, is collected first.
)";

inline constexpr const char* kCommandsWords = R"(
## Commands

Every command that takes an expiry or can leave a key without one. `*`: newer than Redis 7.0. `†`: refused, unless
`allow` names it. Commands that a module brings and that are not here are learned from the server: their keys are
renamed and their expiries left alone.
)";

inline constexpr const char* kInlineWords = R"(
### They may carry an expiry, and get the default inside

With an expiry, it is judged. Without one, the default is added to the command itself. `KEEPTTL` is the client's wish
and stays. The one expiry that `MSETEX` gives to several keys becomes the shortest of what their policies make of it;
where their defaults differ, each gets its own behind. Where Redis will answer an error, or a newer server may know a
word that Keyshift does not, the command goes as it is and the default goes behind.

)";

inline constexpr const char* kAlwaysWords = R"(
### They always carry an expiry

It is judged. Conditions behind it (`NX`, `XX`, `GT`, `LT`) then see the judged value. Zero and less, a point in time
that has passed, what is no number and what overflows go to Redis as they are.

)";

inline constexpr const char* kArgumentWords = R"(
### The expiry 0 means "for ever"

It becomes the default. Any other is judged; with `ABSTTL` both are points in time.

)";

inline constexpr const char* kOptionalWords = R"(
### They read, and may change the expiry

An expiry is judged. Without one the command only reads, and nothing is added. `PERSIST` takes the expiry away: the
default goes behind it.

)";

inline constexpr const char* kCounterWords = R"(
### They may carry an expiry, and get the default behind

With an expiry, it is judged. Without one they leave the key's expiry as it is, so the default goes behind them.

)";

inline constexpr const char* kBehindWords = R"(
### They carry no expiry: the default goes behind them

These add something to a key, change it or replace it, and Redis leaves it without an expiry if it had none. So
`EXPIRE key default NX` follows in the same write to the server (`PEXPIRE` where the default is no whole number of
seconds). It follows whatever the command's own reply will be, so a key without expiry that such a command only tries
to change has one afterwards. `RENAME`, `COPY` and `SORT ... STORE` carry over or drop the expiry as in Redis; one
that is carried over is kept, whatever the other domain's bounds are. With `COPY ... DB n` the default is given in
that database.
)";

inline constexpr const char* kLeavesWords = R"(
### They write, and get no expiry

They take something away, move the key as it is, or change what belongs to it: consumer groups, and the expiries of
hash fields, which are none of the key's. The expiry of the key stays as it is.

)";

inline constexpr const char* kEndWords = R"(
All other commands change no key, or name none (`FLUSHALL`, `SWAPDB`).

Scripts and functions: the keys that a call names get the default behind the call. What the script does to them, and
to keys that it makes up itself, is between it and Redis: an expiry that it gives is not judged.
)";

}  // namespace keyshift::docs
