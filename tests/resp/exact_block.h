// ExactBlock: a heap copy of bytes without one byte to spare, so that a sanitizer sees every read behind the end.
#pragma once

#include <cstring>
#include <memory>
#include <string_view>

namespace keyshift::resp {

class ExactBlock {
 public:
  explicit ExactBlock(std::string_view bytes) : bytes_(new char[bytes.size()]), size_(bytes.size()) {
    if (size_ != 0) std::memcpy(bytes_.get(), bytes.data(), size_);
  }
  std::string_view view() const { return {bytes_.get(), size_}; }

 private:
  std::unique_ptr<char[]> bytes_;
  size_t size_;
};

}  // namespace keyshift::resp
