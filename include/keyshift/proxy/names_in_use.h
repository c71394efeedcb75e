// NamesInUse: whether a listener's clients also call keys by the names that its view does not show.
//
// A legacy application never does; then what it is told of a key unasked (an invalidation) is told by the one name that it
// can know. Once any client of the listener has, by either: its caches may hold both. Noted before the request is sent, so
// nothing that comes of it is told too early.
//
// Shared by all workers; costs a request nothing but a look at the key's match.
#pragma once

#include <atomic>
#include <cstddef>
#include <vector>

namespace keyshift::proxy {

class NamesInUse {
 public:
  explicit NamesInUse(size_t listeners) : both_(listeners) {}

  bool both(size_t listener) const { return both_[listener].load(); }
  void note_other(size_t listener) {
    if (!both(listener)) both_[listener].store(true);
  }

 private:
  std::vector<std::atomic<bool>> both_;
};

}  // namespace keyshift::proxy
