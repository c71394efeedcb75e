// restart_options(): what of a new configuration has to wait for a new process.
//
// A reload has loaded and proved another Config (load.h); before it is switched to, this says by name what of it will
// not take effect, for the log and for whoever asked for the reload:
//
//   running: workers = 1, [upstream] url = "redis://10.0.0.5"
//   wanted:  workers = 2, [upstream] url = "redis://10.0.0.6"
//   restart_options(running, wanted) == {"workers", "upstream.url"}
//
// Which options those are stands in the option table (option.h, `applies`). Listeners are paired by their address: one
// more, one less or one moved is "listener.address". Pure: any thread.
#pragma once

#include <string>
#include <vector>

#include "keyshift/config/config.h"

namespace keyshift::config {

// Names of the options that differ between the two and need a restart, in the table's order; empty: a reload does it
// all.
std::vector<std::string> restart_options(const Config& running, const Config& wanted);

}  // namespace keyshift::config
