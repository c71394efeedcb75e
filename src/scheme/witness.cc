#include "witness.h"

#include <bitset>

#include "keyshift/base/printable.h"

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

std::string rule_title(const Rule& rule, Naming side) {
  const std::string title = quoted(rule.side(side).text());
  return rule.location.empty() ? title : title + " (" + rule.location + ")";
}

std::string quoted(std::string_view key) {
  return "`" + printable(key) + "`";
}

}  // namespace keyshift::scheme
