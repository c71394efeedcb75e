// The part of a Stream that libuv holds on to: it lives until its close callback, which may come after the Stream's
// end.
#pragma once

#include <uv.h>

#include "keyshift/base/buffer.h"
#include "keyshift/net/stream.h"

namespace keyshift::net {

struct Stream::Handle {
  union {
    uv_handle_t any;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
  };
  Stream* owner = nullptr;
  uv_write_t write;
  uv_shutdown_t shutdown;
  Buffer in_flight;  // what libuv is writing; out() collects behind it
  bool writing = false;
  bool broken = false;

  // A TCP or pipe handle on `loop`, without a socket yet. Freed with close().
  static Handle* create(uv_loop_t* loop, bool is_unix) {
    auto* handle = new Handle;
    if (is_unix) {
      uv_pipe_init(loop, &handle->pipe, 0);
    } else {
      uv_tcp_init(loop, &handle->tcp);
    }
    handle->any.data = handle;
    return handle;
  }
  void close() {
    owner = nullptr;
    uv_close(&any, [](uv_handle_t* closed) { delete static_cast<Handle*>(closed->data); });
  }
  struct Closer {
    void operator()(Handle* handle) const { handle->close(); }
  };
};

}  // namespace keyshift::net
