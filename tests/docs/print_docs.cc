// Writes the generated documents into a folder: print_docs docs
#include <fstream>
#include <iostream>

#include "documents.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: print_docs DIRECTORY\n";
    return 2;
  }
  for (const keyshift::docs::Document& document : keyshift::docs::kDocuments) {
    const std::string path = std::string(argv[1]) + "/" + document.file;
    std::ofstream file(path, std::ios::binary);
    file << document.make() << std::flush;
    if (!file) {
      std::cerr << "cannot write " << path << '\n';
      return 1;
    }
    std::cout << path << '\n';
  }
  return 0;
}
