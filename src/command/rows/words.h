// The optional words of the commands where one of them carries a name, an expiry or the wish to block. A word
// that only some servers know stands here too; a server that does not know it answers its own error.
#pragma once

#include "keyshift/command/row.h"

namespace keyshift::command {

// SET key value ...; the comparisons are Valkey 8.1's (IFEQ) and Redis 8.4's.
inline constexpr Option kSetWords[] = {{"EX", 1},      {"PX", 1},   {"NX", 0},    {"XX", 0},
                                       {"KEEPTTL", 0}, {"EXAT", 1}, {"PXAT", 1},  {"GET", 0},
                                       {"IFEQ", 1},    {"IFNE", 1}, {"IFDEQ", 1}, {"IFDNE", 1}};
// GETEX key ...
inline constexpr Option kGetexWords[] = {{"EX", 1}, {"PX", 1}, {"PERSIST", 0}, {"EXAT", 1}, {"PXAT", 1}};
// INCREX key ...: Redis 8.8's and Valkey 9.2's.
inline constexpr Option kIncrexWords[] = {
    {"EX", 1},      {"PX", 1},     {"EXAT", 1},   {"PXAT", 1},     {"PERSIST", 0},  {"ENX", 0}, {"BYINT", 1},
    {"BYFLOAT", 1}, {"LBOUND", 1}, {"UBOUND", 1}, {"SATURATE", 0}, {"OVERFLOW", 1}, {"NX", 0},  {"XX", 0}};
// MSETEX numkeys key value [key value ...] ...
inline constexpr Option kMsetexWords[] = {{"EX", 1},   {"PX", 1},   {"NX", 0},     {"XX", 0},
                                          {"EXAT", 1}, {"PXAT", 1}, {"KEEPTTL", 0}};
// RESTORE key ttl value ...
inline constexpr Option kRestoreWords[] = {{"REPLACE", 0}, {"ABSTTL", 0}, {"IDLETIME", 1}, {"FREQ", 1}};
// COPY source destination ...
inline constexpr Option kCopyWords[] = {{"DB", 1}, {"REPLACE", 0}};
// MIGRATE host port key db timeout ...
inline constexpr Option kMigrateWords[] = {
    {"COPY", 0}, {"REPLACE", 0}, {"AUTH", 1}, {"AUTH2", 2}, {"KEYS", Option::kRest}};
// SCAN cursor ...
inline constexpr Option kScanWords[] = {{"MATCH", 1}, {"COUNT", 1}, {"TYPE", 1}};
// SORT key ...
inline constexpr Option kSortWords[] = {{"BY", 1},   {"LIMIT", 2}, {"GET", 1},  {"ASC", 0},
                                        {"DESC", 0}, {"ALPHA", 0}, {"STORE", 1}};
inline constexpr Option kSortRoWords[] = {{"BY", 1},  {"LIMIT", 2}, {"GET", 1},
                                          {"ASC", 0}, {"DESC", 0},  {"ALPHA", 0}};
// GEORADIUS key longitude latitude radius unit ..., GEORADIUSBYMEMBER key member radius unit ...
inline constexpr Option kGeoradiusWords[] = {{"WITHCOORD", 0}, {"WITHDIST", 0}, {"WITHHASH", 0},
                                             {"COUNT", 1},     {"ANY", 0},      {"ASC", 0},
                                             {"DESC", 0},      {"STORE", 1},    {"STOREDIST", 1}};
// XREAD ..., XREADGROUP ...; CLAIM is Redis 8.4's, MAXCOUNT and MAXSIZE are 8.10's.
inline constexpr Option kXreadWords[] = {
    {"COUNT", 1}, {"BLOCK", 1}, {"MAXCOUNT", 1}, {"MAXSIZE", 1}, {"STREAMS", Option::kRest}};
inline constexpr Option kXreadgroupWords[] = {
    {"GROUP", 2}, {"COUNT", 1},    {"BLOCK", 1},   {"NOACK", 0},
    {"CLAIM", 1}, {"MAXCOUNT", 1}, {"MAXSIZE", 1}, {"STREAMS", Option::kRest}};

}  // namespace keyshift::command
