// run_daemon(): a checked Config becomes a running sidecar.
//
// `keyshift serve` calls it after the configuration is loaded and printed no problem. It owns the process
// from then on: signals, threads, log. Returns the exit code: 0 after a drained SIGTERM or SIGINT, 69 when
// what it needs from the system is not to be had (an address in use, no embedded server). Call it once, on
// the main thread.
#pragma once

#include "keyshift/config/config.h"

namespace keyshift::cli {

int run_daemon(const config::Config& config);

}  // namespace keyshift::cli
