#include "keyshift/net/signals.h"

#include <list>
#include <utility>

#include <uv.h>

#include "keyshift/net/loop.h"

namespace keyshift::net {

struct Signals::Handles {
  std::function<void(int)> callback;
  std::list<uv_signal_t> signals;
  size_t open = 0;
};

Signals::Signals(Loop* loop, std::initializer_list<int> signals, std::function<void(int)> callback)
    : handles_(new Handles{std::move(callback), {}, signals.size()}) {
  for (const int number : signals) {
    uv_signal_t& handle = handles_->signals.emplace_back();
    uv_signal_init(loop->uv(), &handle);
    handle.data = handles_;
    uv_signal_start(
        &handle,
        [](uv_signal_t* signal, int received) { static_cast<Handles*>(signal->data)->callback(received); },
        number);
  }
}

Signals::~Signals() {
  for (uv_signal_t& handle : handles_->signals) {
    uv_close(reinterpret_cast<uv_handle_t*>(&handle), [](uv_handle_t* closed) {
      auto* handles = static_cast<Handles*>(closed->data);
      if (--handles->open == 0) delete handles;
    });
  }
}

}  // namespace keyshift::net
