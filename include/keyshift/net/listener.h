// Listener: accepts connections on a bound socket, on one loop.
//
// The socket is bound once, by bind_socket() on the main thread, so that a port that is taken is an error before any
// thread runs. Every worker then listens on a duplicate of it, and whichever is free accepts.
#pragma once

#include <functional>
#include <memory>

#include "keyshift/base/address.h"
#include "keyshift/base/result.h"
#include "keyshift/net/stream.h"

namespace keyshift::net {

// A bound, not yet listening socket. Owns its descriptor; a Unix socket's file is removed with it.
class BoundSocket {
 public:
  BoundSocket(int fd, Address address) : fd_(fd), address_(std::move(address)) {}
  BoundSocket(BoundSocket&& other) noexcept;
  BoundSocket& operator=(BoundSocket&&) = delete;
  ~BoundSocket();

  int fd() const { return fd_; }
  // With the port that was really bound.
  const Address& address() const { return address_; }

 private:
  int fd_;
  Address address_;
};

// Fails with the address and the system's reason.
Result<BoundSocket> bind_socket(const Address& address);

class Listener {
 public:
  using Accepted = std::function<void(std::unique_ptr<Stream>)>;
  Listener(Loop* loop, const BoundSocket& socket, Accepted accepted);
  // Stops accepting on this loop.
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

 private:
  struct Handle;
  Handle* handle_;
};

}  // namespace keyshift::net
