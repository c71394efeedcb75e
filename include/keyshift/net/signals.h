// Signals: calls back on the loop when the process is asked something. Destroying it gives the signals back.
#pragma once

#include <functional>
#include <initializer_list>

namespace keyshift::net {

class Loop;

class Signals {
 public:
  // `callback` gets the signal's number.
  Signals(Loop* loop, std::initializer_list<int> signals, std::function<void(int)> callback);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

 private:
  struct Handles;
  Handles* handles_;  // freed when the last of its handles is closed
};

}  // namespace keyshift::net
