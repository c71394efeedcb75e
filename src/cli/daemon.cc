// TEMPORARY: stands in until the layers that the daemon is made of are joined here.
#include "keyshift/base/log.h"
#include "keyshift/cli/app.h"
#include "keyshift/cli/serve.h"

namespace keyshift::cli {

int run_daemon(const config::Config& config) {
  log::set_up(config.log_level);
  for (const std::string& notice : config.notices) log::warn("{}", notice);
  log::error("serve is not joined together yet");
  return kExitUnavailable;
}

}  // namespace keyshift::cli
