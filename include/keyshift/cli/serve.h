// run_daemon(): a checked Config becomes a running sidecar.
//
// `keyshift serve` calls it after the configuration is loaded and printed no problem. It owns the process
// from then on: signals, threads, log. Returns the exit code: 0 after a drained SIGTERM or SIGINT, 69 when
// what it needs from the system is not to be had (an address in use, no embedded server). Call it once, on
// the main thread.
#pragma once

#include <functional>
#include <tl/expected.hpp>
#include <vector>

#include "keyshift/config/load.h"

namespace keyshift::cli {

// Loads the configuration from the sources that the process was started with.
using LoadConfig = std::function<tl::expected<config::Config, std::vector<config::Problem>>()>;

// `load` is called again at each reload.
int run_daemon(const config::Config& config, LoadConfig load);

}  // namespace keyshift::cli
