// Problems: what load() collects while it reads its sources, each with its place.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "keyshift/config/load.h"
#include "keyshift/config/option.h"

namespace keyshift::config {

// Where something was said: a line of a file, "environment", or (empty) a flag.
struct Place {
  std::string source;
  int line = 0;
  int column = 0;

  std::string text() const;
};

class Problems {
 public:
  void add(const Place& place, std::string text, std::string suggestion = {});
  bool empty() const { return problems_.empty(); }
  size_t size() const { return problems_.size(); }
  std::vector<Problem> take() { return std::move(problems_); }

 private:
  std::vector<Problem> problems_;
};

}  // namespace keyshift::config
