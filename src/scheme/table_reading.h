// TableReading: how captures are cut out of a key where neither end of the template is certain (extraction.h).
//
// From the right, each place in the key gets one word: bit p says that piece p and all behind it can match the rest
// from here. Then one walk from the left ends each capture at the first place from which the next piece can go on. The
// template has one reading (ambiguity.h), so that place is the only one.
//
//   {a}_{d:date}:{p:any}      pieces 0..4, 5 is the end
//   x_1_20250102:y            p (4) can begin everywhere, `:` (3) at 12, so the date (2) at 4, `_` (1) at 3: a is `x_1`
//
// Linear in the key. The table is one per thread and covers kBlock places, half a megabyte at most; a longer key is
// filled block by block from the right, of which only the borders are kept, and each block once more as the walk comes
// to it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "keyshift/scheme/ruleset.h"
#include "keyshift/scheme/template.h"

namespace keyshift::scheme {

class TableReading {
 public:
  static constexpr size_t kBlock = 65536;

  // Of the pieces [first, last) of `made`. Requires: a template with one reading.
  TableReading(const Template& made, size_t first, size_t last);

  // Fills captures[i] for each capture i among the pieces. Requires: key[from..] fits them.
  void run(std::string_view key, uint32_t from, Span* captures) const;

 private:
  enum class Kind : uint8_t { kLiteral, kRepeat, kInt, kUuid, kDate, kList };

  struct Step {
    Kind kind;
    uint8_t capture = 0;
    std::vector<std::string> words;  // kList, and kLiteral: one
  };

  friend class ReadingTable;

  std::vector<Step> steps_;
  size_t reach_ = 1;  // the most bytes that a piece takes at once
  uint64_t ints_ = 0;
  std::array<uint64_t, 256> repeats_{};  // by byte: the pieces that hold any number of it
  std::array<uint64_t, 256> begins_{};   // by byte: the pieces of certain lengths that may begin with it
};

}  // namespace keyshift::scheme
