// Result: a value, or the reason why there is none.
//
// What a peer, a file or the environment can get wrong is a value of this type and never an exception.
// What only our own code can get wrong is KEYSHIFT_CHECK (check.h).
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace keyshift {

// A reason in one sentence, for the person who must act on it.
struct Error {
  std::string text;
};

template <class T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(std::string text) {
  return tl::make_unexpected(Error{std::move(text)});
}

}  // namespace keyshift
