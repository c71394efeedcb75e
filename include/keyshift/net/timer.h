// Timer: a callback on the loop's thread, once or again and again. Destroying it stops it.
#pragma once

#include <cstdint>
#include <functional>

namespace keyshift::net {

class Loop;

class Timer {
 public:
  Timer(Loop* loop, std::function<void()> callback);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Calls back after `delay_ms`, then every `repeat_ms` unless that is 0. Restarts a running timer.
  void start(uint64_t delay_ms, uint64_t repeat_ms = 0);
  void stop();

 private:
  struct Handle;
  Handle* handle_;
};

}  // namespace keyshift::net
