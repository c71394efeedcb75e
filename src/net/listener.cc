#include "keyshift/net/listener.h"

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#include "keyshift/base/check.h"
#include "keyshift/net/loop.h"
#include "stream_handle.h"

namespace keyshift::net {
namespace {

constexpr int kBacklog = 511;  // what Redis asks for

Result<BoundSocket> cannot(const Address& address, const char* what, std::string_view reason) {
  return fail(fmt::format("cannot {} {}: {}", what, address.text(), reason));
}

// A socket file left behind by a killed process: nobody answers on it.
bool is_dead_socket(const sockaddr_un& name) {
  struct stat status;
  if (stat(name.sun_path, &status) != 0 || !S_ISSOCK(status.st_mode)) return false;
  const int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool refused =
      connect(probe, reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0 && errno == ECONNREFUSED;
  close(probe);
  return refused;
}

Result<BoundSocket> bind_unix(const Address& address) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, address.path.data(), address.path.size());
  if (is_dead_socket(name)) unlink(name.sun_path);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return cannot(address, "open a socket for", std::strerror(errno));
  if (bind(fd, reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) {
    const int reason = errno;
    close(fd);
    return cannot(address, "listen on", std::strerror(reason));
  }
  return BoundSocket(fd, address);
}

Result<BoundSocket> bind_tcp(const Address& address) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const int resolved = getaddrinfo(address.host.empty() ? nullptr : address.host.c_str(),
                                   std::to_string(address.port).c_str(), &hints, &found);
  if (resolved != 0) return cannot(address, "resolve", gai_strerror(resolved));
  const int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) {
    freeaddrinfo(found);
    return cannot(address, "open a socket for", std::strerror(errno));
  }
  const int yes = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (found->ai_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes);
  // Listening at once makes a port that another process listens on an error here and not in a worker.
  const bool bound = bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, kBacklog) == 0;
  const int reason = errno;
  freeaddrinfo(found);
  if (!bound) {
    close(fd);
    return cannot(address, "listen on", std::strerror(reason));
  }
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size);
  Address actual = address;
  actual.port = ntohs(storage.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&storage)->sin6_port
                                                    : reinterpret_cast<sockaddr_in*>(&storage)->sin_port);
  return BoundSocket(fd, std::move(actual));
}

}  // namespace

BoundSocket::BoundSocket(BoundSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), address_(std::move(other.address_)) {}

BoundSocket::~BoundSocket() {
  if (fd_ < 0) return;
  close(fd_);
  if (address_.is_unix()) unlink(address_.path.c_str());
}

Result<BoundSocket> bind_socket(const Address& address) {
  return address.is_unix() ? bind_unix(address) : bind_tcp(address);
}

struct Listener::Handle {
  union {
    uv_handle_t any;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
  };
  Loop* loop;
  bool is_unix;
  Accepted accepted;

  void accept() {
    auto* connected = Stream::Handle::create(loop->uv(), is_unix);
    // Another worker may have been faster.
    if (uv_accept(&stream, &connected->stream) != 0) {
      connected->close();
      return;
    }
    accepted(std::unique_ptr<Stream>(new Stream(loop, connected)));
  }
};

Listener::Listener(Loop* loop, const BoundSocket& socket, Accepted accepted) : handle_(new Handle) {
  handle_->loop = loop;
  handle_->is_unix = socket.address().is_unix();
  handle_->accepted = std::move(accepted);
  const int fd = fcntl(socket.fd(), F_DUPFD_CLOEXEC, 0);
  KEYSHIFT_CHECK(fd >= 0, "no descriptor left for a listener");
  if (handle_->is_unix) {
    uv_pipe_init(loop->uv(), &handle_->pipe, 0);
    uv_pipe_open(&handle_->pipe, fd);
  } else {
    uv_tcp_init(loop->uv(), &handle_->tcp);
    uv_tcp_open(&handle_->tcp, fd);
  }
  handle_->any.data = handle_;
  const int listening = uv_listen(&handle_->stream, kBacklog, [](uv_stream_t* stream, int status) {
    if (status == 0) static_cast<Handle*>(stream->data)->accept();
  });
  KEYSHIFT_CHECK(listening == 0, uv_strerror(listening));
}

Listener::~Listener() {
  uv_close(&handle_->any, [](uv_handle_t* handle) { delete static_cast<Handle*>(handle->data); });
}

}  // namespace keyshift::net
