// Buffer: bytes that are appended at the back and consumed at the front, contiguous at any moment.
//
// Sessions collect an unfinished request in one, connections gather a loop turn's requests in one. An empty Buffer
// owns no memory; one that once held more than kKeepBytes gives it back when it runs empty, so a thousand idle
// connections cost nothing.
//
//   Buffer out;
//   out.append("*1\r\n");          view() == "*1\r\n"
//   out.consume(1);                view() == "1\r\n"
//
// A view is valid until the next call that is not const. Growth doubles: it follows what was appended, never what a
// peer announced. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

#include "keyshift/base/check.h"

namespace keyshift {

class Buffer {
 public:
  static constexpr size_t kKeepBytes = 64 * 1024;

  Buffer() = default;
  Buffer(Buffer&& other) noexcept { swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    Buffer moved(std::move(other));
    swap(moved);
    return *this;
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  std::string_view view() const { return {bytes_.get() + begin_, end_ - begin_}; }
  size_t size() const { return end_ - begin_; }
  bool empty() const { return begin_ == end_; }
  // Bytes of memory held, for accounting.
  size_t capacity() const { return capacity_; }

  void append(std::string_view bytes) {
    if (bytes.empty()) return;
    std::memcpy(reserve(bytes.size()), bytes.data(), bytes.size());
    end_ += bytes.size();
  }
  void push_back(char byte) { append({&byte, 1}); }

  // Room for at least `size` bytes behind the last; nothing is appended until commit().
  char* reserve(size_t size) {
    if (capacity_ - end_ < size) make_room(size);
    return bytes_.get() + end_;
  }
  // Appends the first `size` bytes of what reserve() returned. Requires: size <= what was reserved.
  void commit(size_t size) {
    KEYSHIFT_CHECK(size <= capacity_ - end_, "more committed than reserved");
    end_ += size;
  }
  // Drops `size` bytes from the front. Requires: size <= size().
  void consume(size_t size) {
    KEYSHIFT_CHECK(size <= end_ - begin_, "more consumed than held");
    begin_ += size;
    if (begin_ == end_) clear();
  }
  // Drops what lies behind the first `size` bytes: undoes appends. Requires: size <= size().
  void truncate(size_t size) {
    KEYSHIFT_CHECK(size <= end_ - begin_, "truncated to more than held");
    end_ = begin_ + size;
  }
  void clear() {
    begin_ = end_ = 0;
    if (capacity_ > kKeepBytes) release();
  }
  // Drops all bytes and their memory.
  void release() {
    bytes_.reset();
    begin_ = end_ = capacity_ = 0;
  }
  void swap(Buffer& other) noexcept {
    bytes_.swap(other.bytes_);
    std::swap(begin_, other.begin_);
    std::swap(end_, other.end_);
    std::swap(capacity_, other.capacity_);
  }

 private:
  void make_room(size_t size) {
    const size_t held = end_ - begin_;
    // Consumed bytes at the front are reused when they are at least half of the block: then a move costs no more
    // than what was consumed since the last one.
    if (capacity_ - held >= size && begin_ >= held) {
      std::memmove(bytes_.get(), bytes_.get() + begin_, held);
    } else {
      size_t wanted = capacity_ == 0 ? 512 : capacity_ * 2;
      while (wanted < held + size) wanted *= 2;
      std::unique_ptr<char[]> grown(new char[wanted]);
      if (held != 0) std::memcpy(grown.get(), bytes_.get() + begin_, held);
      bytes_ = std::move(grown);
      capacity_ = wanted;
    }
    begin_ = 0;
    end_ = held;
  }

  std::unique_ptr<char[]> bytes_;
  size_t begin_ = 0;
  size_t end_ = 0;
  size_t capacity_ = 0;
};

}  // namespace keyshift
