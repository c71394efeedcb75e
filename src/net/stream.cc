#include "keyshift/net/stream.h"

#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/un.h>
#include <uv.h>

#include "keyshift/base/check.h"
#include "keyshift/net/loop.h"
#include "loop_memory.h"
#include "stream_handle.h"

namespace keyshift::net {
namespace {

std::string name_of(const sockaddr_storage& storage) {
  char host[INET6_ADDRSTRLEN] = "";
  if (storage.ss_family == AF_INET) {
    const auto* in4 = reinterpret_cast<const sockaddr_in*>(&storage);
    inet_ntop(AF_INET, &in4->sin_addr, host, sizeof host);
    return Address{host, ntohs(in4->sin_port), {}}.text();
  }
  if (storage.ss_family == AF_INET6) {
    const auto* in6 = reinterpret_cast<const sockaddr_in6*>(&storage);
    inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
    return Address{host, ntohs(in6->sin6_port), {}}.text();
  }
  return {};
}

}  // namespace

Stream::Stream(Loop* loop, Handle* handle) : loop_(loop), handle_(handle) {
  handle_->owner = this;
  if (handle_->any.type == UV_TCP) {
    uv_tcp_nodelay(&handle_->tcp, 1);
    uv_tcp_keepalive(&handle_->tcp, 1, 300);
  }
  read_names();
}

Stream::~Stream() {
  if (lingering_) loop_->lingering_.erase(this);
  if (dirty_) loop_->forget_dirty(this);
  handle_->close();
}

void Stream::read_names() {
  if (handle_->any.type == UV_TCP) {
    sockaddr_storage storage{};
    int size = sizeof storage;
    if (uv_tcp_getpeername(&handle_->tcp, reinterpret_cast<sockaddr*>(&storage), &size) == 0) {
      peer_name_ = name_of(storage);
    }
    size = sizeof storage;
    if (uv_tcp_getsockname(&handle_->tcp, reinterpret_cast<sockaddr*>(&storage), &size) == 0) {
      local_name_ = name_of(storage);
    }
    return;
  }
  // A Unix peer has no name of its own; as Redis does, both ends show the socket's path.
  char path[sizeof(sockaddr_un::sun_path) + 1];
  size_t size = sizeof path;
  if (uv_pipe_getsockname(&handle_->pipe, path, &size) == 0 && size > 0) {
    local_name_ = std::string(path, size) + ":0";
    peer_name_ = local_name_;
  }
}

void Stream::start(StreamHandler* handler) {
  handler_ = handler;
  resume_reading();
}

void Stream::resume_reading() {
  if (reading_ || handle_->broken) return;
  reading_ = true;
  uv_read_start(
      &handle_->stream,
      [](uv_handle_t* handle, size_t, uv_buf_t* buffer) {
        auto* memory = static_cast<LoopMemory*>(handle->loop->data);
        *buffer = uv_buf_init(memory->read_buffer.data(), LoopMemory::kReadBytes);
      },
      [](uv_stream_t* stream, ssize_t count, const uv_buf_t* buffer) {
        Stream* self = static_cast<Handle*>(stream->data)->owner;
        if (count == 0) return;  // the socket had nothing after all
        if (count > 0) {
          self->received_bytes_ += static_cast<uint64_t>(count);
          self->handler_->on_bytes({buffer->base, static_cast<size_t>(count)});
          return;
        }
        self->reading_ = false;
        uv_read_stop(stream);
        if (count != UV_EOF) self->handle_->broken = true;
        self->handler_->on_end(count == UV_EOF ? "" : uv_strerror(static_cast<int>(count)));
      });
}

void Stream::pause_reading() {
  if (!reading_) return;
  reading_ = false;
  uv_read_stop(&handle_->stream);
}

void Stream::close_when_sent(std::unique_ptr<Stream> stream) {
  Stream* const self = stream.release();
  self->pause_reading();
  self->lingering_ = true;
  self->loop_->lingering_.emplace(self, Loop::Lingering{});
  // Decided at the end of the turn, also when there is nothing to send.
  self->mark_dirty();
}

// The peer is gone: nobody reads what is left.
void Stream::ended(std::string_view reason) {
  handle_->broken = true;
  pause_reading();
  if (lingering_) {
    delete this;
  } else {
    handler_->on_end(reason);
  }
}

void Stream::enlist() {
  dirty_ = true;
  loop_->add_dirty(this);
}

size_t Stream::unsent_bytes() const {
  return out_.size() + handle_->stream.write_queue_size;
}

bool Stream::peer_has_ended() const {
  pollfd asked{.fd = fd(), .events = POLLRDHUP, .revents = 0};
  return poll(&asked, 1, 0) > 0 && (asked.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

int Stream::fd() const {
  uv_os_fd_t fd = -1;
  uv_fileno(&handle_->any, &fd);
  return fd;
}

// Requires: nothing is being written. If it fails, the connection is lost, and reading tells.
void Stream::shut_down() {
  finishing_ = false;
  uv_shutdown(&handle_->shutdown, &handle_->stream, [](uv_shutdown_t*, int) {});
}

void Stream::flush() {
  dirty_ = false;
  if (handle_->writing) return;
  if (lingering_ && (handle_->broken || out_.empty())) {
    delete this;
    return;
  }
  if (handle_->broken) return;
  if (out_.empty()) {
    if (finishing_) shut_down();
    return;
  }
  uv_buf_t bytes = uv_buf_init(const_cast<char*>(out_.view().data()), static_cast<unsigned>(out_.size()));
  const int written = uv_try_write(&handle_->stream, &bytes, 1);
  if (written < 0 && written != UV_EAGAIN) {
    ended(uv_strerror(written));
    return;
  }
  if (written > 0) {
    sent_bytes_ += static_cast<uint64_t>(written);
    out_.consume(static_cast<size_t>(written));
    if (out_.empty()) {
      if (lingering_) {
        delete this;
        return;
      }
      if (finishing_) shut_down();
      handler_->on_drained();
      return;
    }
  }
  handle_->in_flight.swap(out_);
  handle_->writing = true;
  sent_bytes_ += handle_->in_flight.size();
  bytes = uv_buf_init(const_cast<char*>(handle_->in_flight.view().data()),
                      static_cast<unsigned>(handle_->in_flight.size()));
  handle_->write.data = handle_;
  uv_write(&handle_->write, &handle_->stream, &bytes, 1, [](uv_write_t* write, int status) {
    auto* handle = static_cast<Handle*>(write->data);
    handle->writing = false;
    handle->in_flight.clear();
    Stream* self = handle->owner;
    if (self == nullptr) return;  // closed meanwhile
    if (status < 0) {
      self->ended(uv_strerror(status));
      return;
    }
    if (!self->out_.empty() || self->lingering_ || self->finishing_) {
      self->mark_dirty();
    } else {
      self->handler_->on_drained();
    }
  });
}

// Connecting. The Attempt outlives the Connecting until its last libuv callback has come.
struct Connecting::Attempt {
  Loop* loop;
  Done done;  // empty once cancelled or called
  uv_getaddrinfo_t resolve;
  uv_connect_t connect;
  Stream::Handle* handle = nullptr;
  addrinfo* found = nullptr;  // all addresses of the name
  addrinfo* next = nullptr;   // to be tried

  ~Attempt() { uv_freeaddrinfo(found); }

  // Tries the name's next address; the failure of the last one is the attempt's.
  void try_next(int status) {
    if (handle != nullptr) std::exchange(handle, nullptr)->close();
    while (done && next != nullptr) {
      const sockaddr* address = std::exchange(next, next->ai_next)->ai_addr;
      handle = Stream::Handle::create(loop->uv(), false);
      status = uv_tcp_connect(&connect, &handle->tcp, address, [](uv_connect_t* request, int result) {
        auto* self = static_cast<Attempt*>(request->data);
        if (result < 0 && self->done) {
          self->try_next(result);
        } else {
          self->finish(result);
        }
      });
      if (status == 0) return;
      std::exchange(handle, nullptr)->close();
    }
    finish(status == 0 ? UV_ECANCELED : status);
  }

  void finish(int status) {
    Done call = std::exchange(done, nullptr);
    Stream::Handle* connected = std::exchange(handle, nullptr);
    Loop* const on = loop;
    delete this;
    if (!call) {
      if (connected != nullptr) connected->close();
      return;
    }
    if (status < 0) {
      if (connected != nullptr) connected->close();
      call(fail(uv_strerror(status)));
      return;
    }
    call(std::unique_ptr<Stream>(new Stream(on, connected)));
  }
};

Connecting::Connecting(Loop* loop, const Address& address, Done done)
    : attempt_(new Attempt{loop, nullptr, {}, {}}) {
  // Whoever finishes first tells us, so that our destructor does not touch a finished attempt.
  attempt_->done = [this, done = std::move(done)](Result<std::unique_ptr<Stream>> stream) {
    attempt_ = nullptr;
    const Done call = done;  // `this` may be destroyed by it
    call(std::move(stream));
  };
  attempt_->resolve.data = attempt_;
  attempt_->connect.data = attempt_;
  if (address.is_unix()) {
    attempt_->handle = Stream::Handle::create(loop->uv(), true);
    uv_pipe_connect(
        &attempt_->connect, &attempt_->handle->pipe, address.path.c_str(),
        [](uv_connect_t* connect, int status) { static_cast<Attempt*>(connect->data)->finish(status); });
    return;
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  const int started = uv_getaddrinfo(
      loop->uv(), &attempt_->resolve,
      [](uv_getaddrinfo_t* resolve, int status, addrinfo* found) {
        auto* attempt = static_cast<Attempt*>(resolve->data);
        attempt->found = attempt->next = found;
        attempt->try_next(status);
      },
      address.host.c_str(), std::to_string(address.port).c_str(), &hints);
  if (started < 0) {
    // No name at all, such as one of 300 bytes. Never from within the call.
    loop->post([attempt = attempt_, started] { attempt->finish(started); });
  }
}

Connecting::~Connecting() {
  if (attempt_ == nullptr) return;
  attempt_->done = nullptr;
  // Closing the handle makes libuv end a connect under way with UV_ECANCELED: finish() then frees the attempt.
  if (attempt_->handle != nullptr) {
    std::exchange(attempt_->handle, nullptr)->close();
  } else {
    uv_cancel(reinterpret_cast<uv_req_t*>(&attempt_->resolve));
  }
}

}  // namespace keyshift::net
