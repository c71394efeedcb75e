// ElementHits: hits and misses of a reply whose elements are about keys of several domains, counted while it passes.
//
//   MGET stats:1 session:2     *2 $5..hello.. $-1     a hit for the one's domain, a miss for the other's
//
// Holds no byte of the reply. Owned by what waits for it; the domains' counters are borrowed from the generation.
#pragma once

#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include "keyshift/resp/reply_scanner.h"
#include "keyshift/telemetry/loop_stats.h"

namespace keyshift::proxy {

class ElementHits {
 public:
  // `domains`: of the reply's elements, in their order.
  explicit ElementHits(std::vector<telemetry::DomainStats*> domains) : domains_(std::move(domains)) {}

  // Takes the next piece of the reply. One that is no array (an error, a null) counts as nothing.
  void feed(std::string_view piece);

 private:
  enum class State : unsigned char { kBegin, kHead, kElements, kOther };

  std::vector<telemetry::DomainStats*> domains_;
  resp::ReplyScanner scanner_;
  size_t next_ = 0;  // element
  State state_ = State::kBegin;
};

}  // namespace keyshift::proxy
