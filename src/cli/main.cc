#include <iostream>

#include "keyshift/cli/app.h"

int main(int argc, char** argv) {
  // Keys may come by the million.
  std::ios::sync_with_stdio(false);
  std::cin.tie(nullptr);
  return keyshift::cli::run(argc, argv, std::cin, std::cout, std::cerr);
}
