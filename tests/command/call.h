// Call: a request made from words, in an exactly sized block, so that a finder that reads beyond it is seen
// by ASan.
//
//   Call call("SET key:1 42 EX 60");       split at blanks; '' is an empty argument
//   find_names(row, call.request(), names)
#pragma once

#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "keyshift/command/table.h"
#include "keyshift/resp/request.h"

namespace keyshift::command {

class Call {
 public:
  explicit Call(const std::string& words) : Call(split(words)) {}
  explicit Call(const std::vector<std::string>& words) {
    std::string block;
    header(block, '*', words.size());
    for (const std::string& word : words) {
      header(block, '$', word.size());
      args_.push_back({static_cast<uint32_t>(block.size()), static_cast<uint32_t>(word.size())});
      block += word;
      block += "\r\n";
    }
    size_ = block.size();
    block_.reset(new char[size_]);
    block.copy(block_.get(), size_);
  }

  resp::Request request() const { return {{block_.get(), size_}, args_}; }
  // Only the first `count` arguments, as of a request that is streamed.
  resp::Request first(size_t count) const { return {{block_.get(), size_}, std::span(args_).first(count)}; }
  size_t size() const { return args_.size(); }

  // The row in the built-in table. Requires that there is one.
  const Row& row() const {
    const resp::Request r = request();
    const Match match = Table::built_in().find(r[0], r.size() > 1 ? r[1] : std::string_view());
    return *match.row;
  }

 private:
  static void header(std::string& block, char type, size_t number) {
    block += type;
    block += std::to_string(number);
    block += "\r\n";
  }

  static std::vector<std::string> split(const std::string& words) {
    std::vector<std::string> parts;
    std::istringstream in(words);
    for (std::string part; in >> part;) parts.push_back(part == "''" ? "" : part);
    return parts;
  }

  std::unique_ptr<char[]> block_;
  size_t size_ = 0;
  std::vector<resp::Arg> args_;
};

}  // namespace keyshift::command
