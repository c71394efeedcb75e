// Reloader: reads the configuration again while the daemon runs, and puts it in force if nothing is wrong with it.
//
//   SIGHUP, KEYSHIFT RELOAD
//     -> load and prove          wrong: logged and counted, nothing has changed
//     -> Proxy::apply            every worker switches between two of its requests
//     -> the last has switched   told to whoever asked; what only a restart brings is said by name
//
// One reload at a time; who asks in the middle of one gets the next, which all of them share. Main thread, but for
// ask(). The proxy and the loop outlive the calls back: destroy it when no worker runs any more.
#pragma once

#include <vector>

#include "keyshift/cli/serve.h"
#include "keyshift/net/loop.h"
#include "keyshift/proxy/proxy.h"

namespace keyshift::cli {

class Reloader {
 public:
  // `started` is what the daemon was started with, and outlives this.
  Reloader(net::Loop& loop, proxy::Proxy& proxy, const config::Config& started, LoadConfig load);

  // Any thread: reloads soon, on the main thread, and calls back there.
  void ask(proxy::ReloadDone done);
  // `done` may be empty.
  void reload(proxy::ReloadDone done);

 private:
  void begin();
  void refuse(const std::vector<config::Problem>& problems);
  void finish(const proxy::Reloaded& outcome);

  net::Loop& loop_;
  proxy::Proxy& proxy_;
  const config::Config& started_;
  LoadConfig load_;
  bool busy_ = false;
  std::vector<proxy::ReloadDone> asked_;    // of the reload under way
  std::vector<proxy::ReloadDone> waiting_;  // for the next one
};

}  // namespace keyshift::cli
