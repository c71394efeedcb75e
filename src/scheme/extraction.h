// Extraction: how the captures of one template are cut out of a key that is known to fit it, in one pass.
//
// A template is read from the left while it is certain where each capture ends, then from the right, until one capture
// is left: that one is the rest. No capture is tried twice.
//
//   writing_stats:{user}:{days:int}d      user: skip 14, up to the next `:`    days: skip 1 on the left, 1 on the right
//   {ns:any}:{id}                         id: back to the last `:`             ns: the rest but 1 on the right
//
// Where neither side is certain the template may still have one reading: {a}_{d:date}:{p:any}. What is left between the
// sides then is read by a table (table_reading.h). A template with two readings of some key is refused (ambiguity.h);
// what is certain from the sides needs no such proof.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "byte_set.h"
#include "keyshift/scheme/ruleset.h"
#include "keyshift/scheme/template.h"
#include "table_reading.h"

namespace keyshift::scheme {

class Extraction {
 public:
  // Plans the reading of `made`, or shows a key that it reads in two ways.
  static tl::expected<Extraction, TemplateError> plan(const Template& made);

  // Fills captures[i] for each capture i of the template. Requires: the key fits the template.
  void run(std::string_view key, Span* captures) const {
    uint32_t left = 0;
    auto right = static_cast<uint32_t>(key.size());
    for (const Step& step : steps_) {
      if (step.from_left) {
        left += step.skip;
      } else {
        right -= step.skip;
      }
      switch (step.kind) {
        case Kind::kToColon: {
          const void* colon = std::memchr(key.data() + left + 1, ':', right - left - 1);
          const auto end = static_cast<uint32_t>(static_cast<const char*>(colon) - key.data()) - step.back;
          captures[step.capture] = {left, end - left};
          left = end;
          break;
        }
        case Kind::kRest:
          captures[step.capture] = {left, right - step.back - left};
          break;
        default:
          rare(step, key, captures, left, right);
      }
    }
  }

 private:
  enum class Kind : uint8_t { kToColon, kRest, kFixed, kWhile, kWord, kTable };

  struct Step {
    Kind kind;
    bool from_left;
    uint8_t capture = 0;
    uint32_t skip = 0;  // literal bytes before the capture, seen from its side
    // kToColon, kWhile: bytes of the neighbouring literal that are run over. kRest: literal bytes on its right.
    // kFixed: its length.
    uint32_t back = 0;
    uint32_t table =
        0;  // kWhile: index of the bytes that may continue; kWord: of the words; kTable: of the reading
  };

  void rare(const Step& step, std::string_view key, Span* captures, uint32_t& left, uint32_t& right) const;
  uint32_t word_length(const Step& step, std::string_view key, uint32_t left, uint32_t right) const;

  friend class ExtractionPlanner;

  struct Words {
    std::vector<std::string> words;
    std::string neighbour;  // the literal beside the capture
  };

  std::vector<Step> steps_;
  std::vector<ByteSet> sets_;
  std::vector<Words> words_;
  std::vector<TableReading> tables_;  // one, or none
};

}  // namespace keyshift::scheme
