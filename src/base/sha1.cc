#include "keyshift/base/sha1.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace keyshift {

void Sha1::block(const unsigned char* bytes) {
  std::array<uint32_t, 80> w;
  for (size_t i = 0; i < 16; ++i) {
    const unsigned char* const at = bytes + 4 * i;
    w[i] = uint32_t{at[0]} << 24 | uint32_t{at[1]} << 16 | uint32_t{at[2]} << 8 | uint32_t{at[3]};
  }
  for (size_t i = 16; i < w.size(); ++i) w[i] = std::rotl(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);

  auto [a, b, c, d, e] = state_;
  for (size_t i = 0; i < w.size(); ++i) {
    uint32_t f = b ^ c ^ d;
    uint32_t k = i < 40 ? 0x6ed9eba1 : 0xca62c1d6;
    if (i < 20) {
      f = (b & c) | (~b & d);
      k = 0x5a827999;
    } else if (i >= 40 && i < 60) {
      f = (b & c) | (b & d) | (c & d);
      k = 0x8f1bbcdc;
    }
    const uint32_t next = std::rotl(a, 5) + f + e + k + w[i];
    e = d;
    d = c;
    c = std::rotl(b, 30);
    b = a;
    a = next;
  }
  const std::array<uint32_t, 5> sum{a, b, c, d, e};
  for (size_t i = 0; i < state_.size(); ++i) state_[i] += sum[i];
}

void Sha1::update(std::string_view bytes) {
  size_t held = size_ % kBlock;
  size_ += bytes.size();
  while (!bytes.empty()) {
    if (held == 0 && bytes.size() >= kBlock) {
      block(reinterpret_cast<const unsigned char*>(bytes.data()));
      bytes.remove_prefix(kBlock);
      continue;
    }
    const size_t taken = std::min(bytes.size(), kBlock - held);
    std::memcpy(tail_.data() + held, bytes.data(), taken);
    bytes.remove_prefix(taken);
    held = (held + taken) % kBlock;
    if (held == 0) block(tail_.data());
  }
}

std::string Sha1::hex() {
  constexpr size_t kLength = 8;  // the number of bits, at the end of the last block
  const uint64_t bits = size_ * 8;
  const size_t held = size_ % kBlock;
  const size_t zeros = (held < kBlock - kLength ? kBlock : 2 * kBlock) - held - 1 - kLength;
  std::string end("\x80");
  end.append(zeros, '\0');
  for (size_t i = kLength; i > 0; --i) end.push_back(static_cast<char>(bits >> (8 * (i - 1)) & 0xff));
  update(end);

  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const uint32_t word : state_) {
    for (int shift = 28; shift >= 0; shift -= 4) text.push_back(kDigits[word >> shift & 0xf]);
  }
  return text;
}

}  // namespace keyshift
