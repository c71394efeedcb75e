#include "witness.h"

#include <bitset>

namespace keyshift::scheme {
namespace {

std::array<unsigned char, 256> ordered() {
  std::array<unsigned char, 256> order{};
  std::bitset<256> taken;
  size_t count = 0;
  const auto take = [&](unsigned char byte) {
    if (!taken[byte]) order[count++] = byte;
    taken.set(byte);
  };
  for (const char c :
       std::string_view("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_-.:")) {
    take(static_cast<unsigned char>(c));
  }
  for (int byte = '!'; byte <= '~'; ++byte) take(static_cast<unsigned char>(byte));
  for (int byte = 0; byte < 256; ++byte) take(static_cast<unsigned char>(byte));
  return order;
}

}  // namespace

const std::array<unsigned char, 256>& pleasant_bytes() {
  static const std::array<unsigned char, 256> order = ordered();
  return order;
}

std::string printable(std::string_view key) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text = "`";
  for (const char c : key) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\\') {
      text += "\\\\";
    } else if (byte >= 0x20 && byte < 0x7f) {
      text.push_back(c);
    } else {
      text += "\\x";
      text.push_back(kDigits[byte >> 4]);
      text.push_back(kDigits[byte & 15]);
    }
  }
  return text + "`";
}

}  // namespace keyshift::scheme
