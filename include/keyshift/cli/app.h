// run(): the `keyshift` command line, from argv to the exit code.
//
//   keyshift serve --config keyshift.toml          runs until it is told to stop
//   keyshift check, or keyshift -t                 whether it is right, and fits the upstream's data
//   keyshift explain writing_stats:user123:30d     which rule knows the key, and what its commands become
//   keyshift convert writing_stats:user123:30d     analytics:writing_stats:user:user123:days:30d
//
// Exit codes: 0 yes, 1 no (a check found something), 2 usage, 69 upstream or system unavailable, 78 configuration.
// What was asked for goes to `out`, everything said about it to `err`. Call it once, on the main thread.
#pragma once

#include <iosfwd>

namespace keyshift::cli {

inline constexpr int kExitYes = 0;
inline constexpr int kExitNo = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitUnavailable = 69;
inline constexpr int kExitConfig = 78;

int run(int argc, const char* const* argv, std::istream& in, std::ostream& out, std::ostream& err);

}  // namespace keyshift::cli
