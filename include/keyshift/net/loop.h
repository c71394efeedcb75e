// Loop: one thread's event loop, and the end of its turns.
//
// A turn is: wait, hand every ready socket's bytes to its handler, then flush. Handlers only append to output buffers;
// what they appended leaves at the end of the turn, in one write per connection (Stream::mark_dirty). So a hundred
// requests that arrived in one turn reach Redis in one write.
//
// A Loop belongs to the thread that calls run(). Only post() and stop() may be called from other threads.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

struct uv_loop_s;

namespace keyshift::net {

class Stream;

class Loop {
 public:
  Loop();
  // Requires: every handle on the loop was closed (run() has returned after stop()).
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Runs turns until stop(), then once more so that closed handles are freed. May be called again.
  void run();
  // Ends run() at the end of the present turn. Any thread.
  void stop();
  // Runs `task` on the loop's thread in one of the next turns. Any thread. Tasks posted after the loop has ended are
  // destroyed unrun.
  void post(std::function<void()> task);

  // Monotonic time of this turn, in nanoseconds: read once, when a turn's first handler asks.
  uint64_t now_ns() {
    if (now_ns_ == 0) read_clock();
    return now_ns_;
  }
  // Wall clock of the same moment, in milliseconds since the epoch.
  int64_t wall_ms() {
    if (now_ns_ == 0) read_clock();
    return wall_ms_;
  }

  // Streams that are being written out before they close, and have no other owner.
  size_t lingering() const { return lingering_.size(); }
  // Closes those of them whose peer has taken nothing for `limit_ns`. Call it now and then.
  void close_stuck(uint64_t limit_ns);

  // The libuv loop, for this layer only.
  uv_loop_s* uv() const;

 private:
  friend class Stream;
  struct Handles;

  void add_dirty(Stream* stream);
  void forget_dirty(Stream* stream);
  void flush();
  void read_clock();

  std::unique_ptr<Handles> handles_;
  std::vector<Stream*> dirty_;
  std::vector<Stream*> flushing_;
  // Owned: being written out, then closed. With what was unsent when it last moved, and when that was.
  struct Lingering {
    size_t unsent_bytes = 0;
    uint64_t since_ns = 0;
  };
  std::unordered_map<Stream*, Lingering> lingering_;
  uint64_t now_ns_ = 0;
  int64_t wall_ms_ = 0;
};

}  // namespace keyshift::net
