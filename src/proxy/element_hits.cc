#include "keyshift/proxy/element_hits.h"

namespace keyshift::proxy {

void ElementHits::feed(std::string_view piece) {
  if (piece.empty()) return;
  if (state_ == State::kBegin) state_ = piece.front() == '*' ? State::kHead : State::kOther;
  if (state_ == State::kHead) {
    const size_t end = piece.find('\n');
    if (end == std::string_view::npos) return;
    piece.remove_prefix(end + 1);
    state_ = State::kElements;
  }
  while (state_ == State::kElements && !piece.empty() && next_ < domains_.size()) {
    const resp::ReplyScanner::Scan scan = scanner_.scan(piece);
    piece.remove_prefix(scan.consumed);
    if (scan.status != resp::ReplyScanner::Status::kComplete) return;
    telemetry::DomainStats& domain = *domains_[next_++];
    (scanner_.is_null() ? domain.misses : domain.hits).add();
  }
}

}  // namespace keyshift::proxy
