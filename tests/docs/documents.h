// The documents in docs/ that are made from tables, so that they cannot say what the code does not do.
//
//   command table   -> ttl_document()             docs/ttl.md: what becomes of expiries, command by command
//   option table    -> configuration_document()   docs/configuration.md: every option
//
// `./dev docs` writes them (print_docs.cc); a test compares what is committed (docs_test.cc).
#pragma once

#include <array>
#include <string>

namespace keyshift::docs {

std::string ttl_document();
std::string configuration_document();

struct Document {
  const char* file;
  std::string (*make)();
};
inline constexpr std::array kDocuments{Document{"ttl.md", ttl_document},
                                       Document{"configuration.md", configuration_document}};

}  // namespace keyshift::docs
