// Reading the optional words of a request, for the finders of names and expiries.
#pragma once

#include <cstddef>
#include <string_view>

#include "keyshift/base/ascii.h"
#include "keyshift/command/row.h"
#include "keyshift/resp/request.h"

namespace keyshift::command {

// Walks the optional words of a request from argument `at` on, one a call.
class WordWalk {
 public:
  enum class Step {
    kWord,        // option() at at(), its arguments behind it
    kEnd,         // no more
    kUnfinished,  // the next word is not here yet
    kUnknown,     // not a word of the grammar, or its arguments are missing
  };

  WordWalk(const Options& options, const resp::Request& request, size_t announced, size_t at)
      : words_(options.words), request_(request), announced_(announced), next_(at) {}

  Step next() {
    if (next_ >= announced_) return Step::kEnd;
    if (next_ >= request_.size()) return Step::kUnfinished;
    const std::string_view text = request_[next_];
    for (const Option& option : words_) {
      if (!is_word(text, option.word)) continue;
      at_ = next_;
      option_ = &option;
      if (option.arguments == Option::kRest) {
        next_ = announced_;
        return Step::kWord;
      }
      next_ += 1 + size_t{option.arguments};
      return next_ <= announced_ ? Step::kWord : Step::kUnknown;
    }
    return Step::kUnknown;
  }

  const Option& option() const { return *option_; }
  size_t at() const { return at_; }

 private:
  std::span<const Option> words_;
  const resp::Request& request_;
  size_t announced_;
  size_t next_;
  size_t at_ = 0;
  const Option* option_ = nullptr;
};

}  // namespace keyshift::command
