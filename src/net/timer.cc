#include "keyshift/net/timer.h"

#include <utility>

#include <uv.h>

#include "keyshift/net/loop.h"

namespace keyshift::net {

struct Timer::Handle {
  uv_timer_t timer;
  std::function<void()> callback;
};

Timer::Timer(Loop* loop, std::function<void()> callback) : handle_(new Handle{{}, std::move(callback)}) {
  uv_timer_init(loop->uv(), &handle_->timer);
  handle_->timer.data = handle_;
}

Timer::~Timer() {
  uv_close(reinterpret_cast<uv_handle_t*>(&handle_->timer),
           [](uv_handle_t* handle) { delete static_cast<Handle*>(handle->data); });
}

void Timer::start(uint64_t delay_ms, uint64_t repeat_ms) {
  // libuv counts from the loop's cached time, which may be old.
  uv_update_time(handle_->timer.loop);
  uv_timer_start(
      &handle_->timer, [](uv_timer_t* timer) { static_cast<Handle*>(timer->data)->callback(); }, delay_ms,
      repeat_ms);
}

void Timer::stop() {
  uv_timer_stop(&handle_->timer);
}

}  // namespace keyshift::net
