// Ring: a FIFO of small values in one block, that allocates only when it grows.
//
// What a connection owes and what a session waits for are Rings: pushing and popping a request costs a few
// instructions and no allocation. An empty Ring owns no memory until the first push.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

#include "keyshift/base/check.h"

namespace keyshift {

template <class T>
class Ring {
 public:
  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }

  void push_back(T value) { emplace_back() = std::move(value); }
  // Appends a default value to be filled in place.
  T& emplace_back() {
    if (size_ == capacity_) grow();
    return slots_[(begin_ + size_++) & (capacity_ - 1)];
  }
  // Requires: !empty().
  T& front() { return slots_[begin_]; }
  const T& front() const { return slots_[begin_]; }
  T& back() { return (*this)[size_ - 1]; }
  // The value `index` places behind the front. Requires: index < size().
  T& operator[](size_t index) { return slots_[(begin_ + index) & (capacity_ - 1)]; }

  T pop_front() {
    T value = std::move(front());
    drop_front();
    return value;
  }
  void drop_front() {
    KEYSHIFT_CHECK(size_ != 0, "pop of an empty ring");
    slots_[begin_] = T();
    begin_ = (begin_ + 1) & (capacity_ - 1);
    --size_;
  }

 private:
  void grow() {
    const size_t capacity = capacity_ == 0 ? 8 : capacity_ * 2;
    std::unique_ptr<T[]> slots(new T[capacity]);
    for (size_t i = 0; i < size_; ++i) slots[i] = std::move((*this)[i]);
    slots_ = std::move(slots);
    capacity_ = capacity;
    begin_ = 0;
  }

  std::unique_ptr<T[]> slots_;  // a free one holds T()
  size_t capacity_ = 0;         // a power of two, or 0
  size_t begin_ = 0;
  size_t size_ = 0;
};

}  // namespace keyshift
