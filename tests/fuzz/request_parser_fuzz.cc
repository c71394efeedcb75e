// Laws of RequestParser on any bytes:
//   - however they are cut, the outcomes are those of the whole; collected or streamed too
//   - a request's block is its own canonical form, or the client's bytes
//   - what hiredis reads as an array of bulks is the same request here
// The first byte of the input chooses limits, the second where the stream is cut.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "hiredis_oracle.h"
#include "keyshift/resp/writer.h"
#include "request_stream.h"

namespace keyshift::resp {
namespace {

[[noreturn]] void broken(const char* law, const std::vector<Outcome>& a, const std::vector<Outcome>& b) {
  std::cerr << "broken: " << law << "\n";
  for (const Outcome& outcome : a) std::cerr << "  " << outcome << "\n";
  std::cerr << "against\n";
  for (const Outcome& outcome : b) std::cerr << "  " << outcome << "\n";
  std::abort();
}

Limits limits_by(uint8_t choice) {
  Limits limits;
  limits.stream_threshold_bytes = choice & 1 ? 5 : 1 << 20;  // 5: the words that are foreign are never large
  if (choice & 2) limits.max_inline_bytes = 12;
  if (choice & 4) limits.max_bulk_bytes = 9;
  if (choice & 8) limits.max_arguments = 3;
  return limits;
}

// What hiredis takes for an array of bulks, whole at the front of `bytes`, must be the first outcome.
void compare_with_hiredis(const std::vector<Outcome>& outcomes, std::string_view bytes) {
  if (bytes.empty() || bytes.front() != '*' || outcomes.empty()) return;
  if (outcomes[0].status != RequestParser::Status::kRequest) return;
  const HiredisVerdict verdict = ask_hiredis(bytes);
  if (verdict.kind != HiredisVerdict::kComplete) return;  // Redis is laxer about line ends
  std::vector<std::string> words;
  for (const FlatValue& value : verdict.values) {
    if (&value == &verdict.values.front()) continue;
    if (value.type != '$') return;
    words.push_back(value.text);
  }
  if (words != outcomes[0].words) broken("the words are those of hiredis", outcomes, {});
}

}  // namespace
}  // namespace keyshift::resp

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace keyshift::resp;
  if (size < 2) return 0;
  const Limits limits = limits_by(data[0]);
  const bool authenticated = (data[0] & 16) == 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::vector<Outcome> whole = parse_in_pieces(limits, bytes, {}, Large::kCollect, authenticated);
  const std::vector<size_t> once = {bytes.empty() ? 0 : data[1] % bytes.size()};
  for (const Large large : {Large::kCollect, Large::kStream}) {
    for (const std::vector<size_t>& cuts : {once, every_byte(bytes)}) {
      if (cuts.size() > 4096) continue;
      std::vector<Outcome> cut = parse_in_pieces(limits, bytes, cuts, large, authenticated);
      std::vector<Outcome> expected = whole;
      // A streamed request is reported as it begins. While it is unfinished there is nothing to compare it with, and a
      // first word that is foreign is told before the rest.
      if (!cut.empty() && cut.back().status == RequestParser::Status::kRequest && cut.back().end == 0)
        cut.pop_back();
      if (!cut.empty() && cut.back().status == RequestParser::Status::kForeign) {
        cut.pop_back();
        if (expected.size() > cut.size()) expected.resize(cut.size());
      }
      if (cut != expected) broken("any cut, the same outcomes", cut, expected);
    }
  }
  compare_with_hiredis(whole, bytes);
  for (const Outcome& outcome : whole) {
    if (outcome.status != RequestParser::Status::kRequest) continue;
    keyshift::Buffer again;
    append_array(again, outcome.words.size());
    for (const std::string& word : outcome.words) append_bulk(again, word);
    RequestParser parser;
    if (parser.parse(again.view()) != RequestParser::Status::kRequest ||
        words_of(parser.request(again.view())) != outcome.words ||
        parser.request(again.view()).block() != again.view()) {
      broken("a request written again is the same", whole, {});
    }
  }
  return 0;
}
