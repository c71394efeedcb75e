// What of a Config the proxy works by, in its own words: Options once, Settings again with each reload.
#pragma once

#include <memory>
#include <vector>

#include "keyshift/config/config.h"
#include "keyshift/net/listener.h"
#include "keyshift/proxy/options.h"
#include "keyshift/proxy/settings.h"

namespace keyshift::cli {

// `sockets` are those of config.listeners, and outlive the options. `upstream` takes the place of the configured one.
proxy::Options proxy_options(const config::Config& config, const std::vector<net::BoundSocket>& sockets,
                             const Address& upstream);

// The settings of `wanted` for the listeners that `started` has, whose sockets are bound: each finds its own by its
// address, and one that is wanted no more keeps what it has in `started`.
std::shared_ptr<const proxy::Settings> proxy_settings(const config::Config& wanted,
                                                      const config::Config& started);

}  // namespace keyshift::cli
