// Sha1: the digest by which Redis names scripts.
//
//   sha1_hex("return 1")      "e0e1f9fabfc9d4800c877a703b823ac0578ff8db"
//
//   Sha1 sha;                 the same of text in pieces
//   sha.update("return ");
//   sha.update("1");
//   sha.hex()
//
// libmd's, with our types around it. Names scripts, protects nothing. A value; no memory of its own.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <sha1.h>

namespace keyshift {

class Sha1 {
 public:
  static constexpr size_t kHexSize = SHA1_DIGEST_STRING_LENGTH - 1;

  Sha1() { SHA1Init(&context_); }
  void update(std::string_view bytes) {
    SHA1Update(&context_, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  }
  // The digest of all bytes so far, in lower case. Ends the computation: nothing may be added behind it.
  std::string hex();

 private:
  SHA1_CTX context_{};
};

inline std::string sha1_hex(std::string_view bytes) {
  Sha1 sha;
  sha.update(bytes);
  return sha.hex();
}

}  // namespace keyshift
