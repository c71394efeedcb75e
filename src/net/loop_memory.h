// What a uv_loop_t carries for this layer in its `data`: the one read buffer that all streams of a loop share.
//
// Streams hand their bytes on within the read callback, so one buffer serves ten thousand connections.
#pragma once

#include <array>

#include <uv.h>

namespace keyshift::net {

struct LoopMemory {
  static constexpr size_t kReadBytes = 64 * 1024;
  uv_loop_t loop;
  std::array<char, kReadBytes> read_buffer;
};

}  // namespace keyshift::net
