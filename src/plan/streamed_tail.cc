#include "keyshift/plan/streamed_tail.h"

#include <algorithm>

#include "keyshift/plan/given_expiry.h"
#include "keyshift/plan/planned_key.h"
#include "keyshift/resp/writer.h"

namespace keyshift::plan {

using command::Ttl;
using scheme::TtlAction;

bool StreamedTail::may_stream(uint32_t index) const {
  return std::none_of(names_.begin(), names_.end(), [index](const auto& name) { return name.at == index; });
}

StreamedTail::Found StreamedTail::argument(uint32_t index, std::string_view bytes, Buffer& out) {
  const auto name =
      std::find_if(names_.begin(), names_.end(), [index](const auto& each) { return each.at == index; });
  if (name == names_.end()) {
    expiry(words_.next(bytes, index), bytes, out);
    return {};
  }
  const scheme::Match match = rules_->match(bytes, database_, view_);
  if (match.refused) return {.kind = Found::Kind::kRefused};
  const PlannedKey planned = planned_key(*rules_, match, view_, index);
  const size_t size = rules_->physical_size(match);
  resp::append_bulk_header(out, size);
  char* const begin = out.reserve(size + 2);
  char* const end = rules_->write_physical(match, bytes, begin);
  end[0] = '\r';
  end[1] = '\n';
  if (name->lasting) {
    add_lasting(planned.observed ? std::string_view() : std::string_view(begin, size), match.policy, planned);
  }
  out.commit(size + 2);
  return {.kind = Found::Kind::kName, .key = planned};
}

// Appends the argument `bytes`, which says `ttl`. An expiry for several keys becomes the shortest of what their
// policies make of it.
void StreamedTail::expiry(const Ttl& ttl, std::string_view bytes, Buffer& out) {
  if (ttl.kind != Ttl::Kind::kNone) missing_ = ttl.kind != Ttl::Kind::kGiven && ttl.kind != Ttl::Kind::kKeep;
  if (ttl.kind != Ttl::Kind::kGiven) return resp::append_bulk(out, bytes);
  int64_t shortest = std::numeric_limits<int64_t>::max();
  for (Lasting& lasting : lasting_) {
    const scheme::TtlDecision decision = judge(rules_->policy(lasting.policy), ttl, now_ms_, random_);
    const bool rewritten = is_rewritten(decision.action);
    lasting.key.ttl = rewritten ? decision.action : TtlAction::kNone;
    shortest = std::min(shortest, rewritten && !lasting.key.observed ? decision.value : ttl.value);
  }
  if (lasting_.empty() || shortest == ttl.value) return resp::append_bulk(out, bytes);
  resp::append_bulk_integer(out, shortest);
}

StreamedTail::End StreamedTail::finish(Buffer& out) {
  End end;
  for (Lasting& lasting : lasting_) {
    if (missing_) {
      const scheme::TtlDecision decision = scheme::decide_missing(rules_->policy(lasting.policy), random_);
      lasting.key.ttl = decision.action;
      if (decision.action == TtlAction::kDefault && !lasting.key.observed) {
        resp::append_array(out, 4);
        resp::append_bulk(out, "PEXPIRE");
        resp::append_bulk(out, lasting.physical);
        resp::append_bulk_integer(out, decision.value);
        resp::append_bulk(out, "NX");
        ++end.steps;
      }
    }
    if (lasting.key.ttl == TtlAction::kNone) continue;
    end.judged.push_back(lasting.key);
  }
  return end;
}

}  // namespace keyshift::plan
