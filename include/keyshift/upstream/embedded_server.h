// EmbeddedServer: a private redis-server or valkey-server on a Unix socket, that lives as long as we do.
//
// The mock mode of the guides (`REDIS_MOCK_ENABLED`) with a real engine: no port, no persistence, a directory of its
// own that is removed with it. The kernel ends it with us, also when we are killed (PR_SET_PDEATHSIG). Start it from
// the main thread, before any other thread runs: the kernel watches the thread that started it.
#pragma once

#include <string>

#include <sys/types.h>

#include "keyshift/base/address.h"
#include "keyshift/base/result.h"

namespace keyshift::upstream {

class EmbeddedServer {
 public:
  // Starts `program` ("auto": valkey-server or redis-server, whichever is found) and returns as soon as it accepts
  // connections. Fails with the reason and what to install or look at. Blocks for at most ten seconds.
  static Result<EmbeddedServer> start(const std::string& program);

  EmbeddedServer(EmbeddedServer&& other) noexcept;
  EmbeddedServer& operator=(EmbeddedServer&&) = delete;
  // Ends the server, waits for it, removes its directory.
  ~EmbeddedServer();

  const Address& address() const { return address_; }
  pid_t pid() const { return pid_; }
  // False once the server has ended by itself.
  bool running();

 private:
  EmbeddedServer(pid_t pid, std::string directory);

  pid_t pid_;
  std::string directory_;
  Address address_;
};

}  // namespace keyshift::upstream
