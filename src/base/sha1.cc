#include "keyshift/base/sha1.h"

namespace keyshift {

std::string Sha1::hex() {
  std::string text(SHA1_DIGEST_STRING_LENGTH, '\0');
  SHA1End(&context_, text.data());
  text.resize(kHexSize);
  return text;
}

}  // namespace keyshift
