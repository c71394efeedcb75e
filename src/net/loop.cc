#include "keyshift/net/loop.h"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <utility>

#include <uv.h>

#include "keyshift/base/check.h"
#include "keyshift/net/stream.h"
#include "loop_memory.h"

namespace keyshift::net {

struct Loop::Handles : LoopMemory {
  uv_prepare_t before_wait;
  uv_check_t after_wait;
  uv_async_t wake;
  std::mutex mutex;
  std::vector<std::function<void()>> tasks;
  bool stopping = false;
};

Loop::Loop() : handles_(std::make_unique<Handles>()) {
  KEYSHIFT_CHECK(uv_loop_init(&handles_->loop) == 0, "no event loop");
  handles_->loop.data = handles_.get();
  uv_prepare_init(&handles_->loop, &handles_->before_wait);
  uv_check_init(&handles_->loop, &handles_->after_wait);
  handles_->before_wait.data = this;
  handles_->after_wait.data = this;
  handles_->wake.data = this;
  // Timers run before the wait and sockets behind it: both leave output that must not wait for another event.
  uv_prepare_start(&handles_->before_wait, [](uv_prepare_t* handle) {
    auto* self = static_cast<Loop*>(handle->data);
    self->flush();
    self->now_ns_ = 0;
  });
  uv_check_start(&handles_->after_wait,
                 [](uv_check_t* handle) { static_cast<Loop*>(handle->data)->flush(); });
  uv_async_init(&handles_->loop, &handles_->wake, [](uv_async_t* handle) {
    auto* self = static_cast<Loop*>(handle->data);
    std::vector<std::function<void()>> tasks;
    {
      const std::scoped_lock lock(self->handles_->mutex);
      tasks.swap(self->handles_->tasks);
      if (self->handles_->stopping) uv_stop(handle->loop);
    }
    for (auto& task : tasks) task();
  });
}

Loop::~Loop() {
  for (const auto& [stream, state] : std::exchange(lingering_, {})) delete stream;
  const auto close = [](uv_handle_t* handle) {
    if (!uv_is_closing(handle)) uv_close(handle, nullptr);
  };
  close(reinterpret_cast<uv_handle_t*>(&handles_->before_wait));
  close(reinterpret_cast<uv_handle_t*>(&handles_->after_wait));
  close(reinterpret_cast<uv_handle_t*>(&handles_->wake));
  uv_run(&handles_->loop, UV_RUN_DEFAULT);
  KEYSHIFT_CHECK(uv_loop_close(&handles_->loop) == 0, "a handle outlived its loop");
}

void Loop::run() {
  uv_run(&handles_->loop, UV_RUN_DEFAULT);
  uv_run(&handles_->loop, UV_RUN_NOWAIT);
  const std::scoped_lock lock(handles_->mutex);
  handles_->stopping = false;
}

void Loop::stop() {
  {
    const std::scoped_lock lock(handles_->mutex);
    handles_->stopping = true;
  }
  uv_async_send(&handles_->wake);
}

void Loop::post(std::function<void()> task) {
  {
    const std::scoped_lock lock(handles_->mutex);
    handles_->tasks.push_back(std::move(task));
  }
  uv_async_send(&handles_->wake);
}

void Loop::close_stuck(uint64_t limit_ns) {
  std::vector<Stream*> stuck;
  for (auto& [stream, state] : lingering_) {
    if (state.since_ns == 0 || stream->unsent_bytes() < state.unsent_bytes) {
      state = {stream->unsent_bytes(), now_ns()};
    } else if (now_ns() - state.since_ns > limit_ns) {
      stuck.push_back(stream);
    }
  }
  for (Stream* stream : stuck) delete stream;
}

uv_loop_s* Loop::uv() const {
  return &handles_->loop;
}

void Loop::add_dirty(Stream* stream) {
  dirty_.push_back(stream);
}

void Loop::forget_dirty(Stream* stream) {
  std::replace(dirty_.begin(), dirty_.end(), stream, static_cast<Stream*>(nullptr));
  std::replace(flushing_.begin(), flushing_.end(), stream, static_cast<Stream*>(nullptr));
}

void Loop::flush() {
  // A failed write may make a handler append to other streams: those wait for the next round of the same flush.
  while (!dirty_.empty()) {
    flushing_.swap(dirty_);
    for (Stream*& stream : flushing_) {
      if (stream != nullptr) std::exchange(stream, nullptr)->flush();
    }
    flushing_.clear();
  }
}

void Loop::read_clock() {
  now_ns_ = uv_hrtime();
  wall_ms_ = std::chrono::duration_cast<std::chrono::milliseconds>(
                 std::chrono::system_clock::now().time_since_epoch())
                 .count();
}

}  // namespace keyshift::net
