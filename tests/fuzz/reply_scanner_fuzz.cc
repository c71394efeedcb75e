// Laws of ReplyScanner and ReplyCursor on any bytes:
//   - however they are cut, the frame ends or breaks at the same byte with the same facts
//   - the cursor walks whatever the scanner accepted, and its tokens are the frame
//   - RESP2 that hiredis can read has the same end and the same values
// The first byte of the input chooses where the stream is cut.
#include <cstdint>
#include <cstdlib>
#include <iostream>

#include "reply_frames.h"

namespace keyshift::resp {
namespace {

void require(bool law, std::string_view what) {
  if (law) return;
  std::cerr << "broken: " << what << "\n";
  std::abort();
}

void check_cut(const ScanOutcome& whole, const ScanOutcome& cut) {
  require(whole.status == cut.status, "any cut, the same status");
  require(whole.size == cut.size, "any cut, the same end");
  if (whole.status == ReplyScanner::Status::kComplete)
    require(whole.facts == cut.facts, "any cut, the same facts");
}

// hiredis allocates what a peer announces; only frames that hold what they announce are worth asking it about.
bool announces_much(std::string_view bytes) {
  int digits = 0;
  for (const char c : bytes) {
    digits = c >= '0' && c <= '9' ? digits + 1 : 0;
    if (digits > 6) return true;
  }
  return false;
}

}  // namespace
}  // namespace keyshift::resp

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace keyshift::resp;
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const ScanOutcome whole = scan_in_pieces({}, bytes, {});
  check_cut(whole, scan_in_pieces({}, bytes, {data[0] % bytes.size()}));
  check_cut(whole, scan_in_pieces({}, bytes, every_byte(bytes)));
  if (whole.status == ReplyScanner::Status::kComplete) {
    const ExactBlock frame(bytes.substr(0, whole.size));
    size_t walked = 0;
    uint64_t nulls = 0;
    ReplyCursor cursor(frame.view());
    while (!cursor.done()) {
      const Token token = cursor.next();
      require(token.raw.data() == frame.view().data() + walked, "tokens are the frame");
      walked += token.raw.size();
      nulls += token.is_null;
    }
    require(nulls >= whole.facts.nulls, "nulls are those of the frame, less those of attributes before it");
    ReplyCursor skipping(frame.view());
    require(skipping.skip() == frame.view(), "a frame is one value");
  }
  if (!announces_much(bytes))
    require(disagreement_with_hiredis(bytes).empty(), disagreement_with_hiredis(bytes));
  return 0;
}
