#include "keyshift/plan/streamed_tail.h"

#include <algorithm>
#include <initializer_list>

#include "keyshift/base/ascii.h"
#include "keyshift/plan/planned_key.h"
#include "keyshift/resp/writer.h"

namespace keyshift::plan {
bool StreamedTail::may_stream(uint32_t index) const {
  return std::none_of(names_.begin(), names_.end(), [index](const auto& name) { return name.at == index; });
}

StreamedTail::Found StreamedTail::argument(uint32_t index, std::string_view bytes, Buffer& out) {
  const auto name =
      std::find_if(names_.begin(), names_.end(), [index](const auto& each) { return each.at == index; });
  if (name == names_.end()) {
    if (row_.expiry == command::Expiry::kOptions && is_word(bytes, "keepttl")) expiry_ = Expiry::kKept;
    resp::append_bulk(out, bytes);
    return {};
  }
  const scheme::Match match = rules_->match(bytes, database_, view_);
  if (match.refused) return {.kind = Found::Kind::kRefused};
  PlannedKey planned = planned_key(*rules_, match);
  const size_t size = rules_->physical_size(match);
  resp::append_bulk_header(out, size);
  char* const begin = out.reserve(size + 2);
  char* const end = rules_->write_physical(match, bytes, begin);
  end[0] = '\r';
  end[1] = '\n';
  if (name->lasting && expiry_ != Expiry::kKept) {
    if (rules_->policy(match.policy).default_ms != scheme::TtlPolicy::kUnset) {
      planned.ttl = scheme::TtlAction::kDefault;
    }
    if (!planned.observed) add_lasting({begin, size}, match.policy);
  }
  out.commit(size + 2);
  return {.kind = Found::Kind::kName, .key = planned};
}

// Each step says by its own condition whom it is about, so their order does not matter: XX and NX tell keys with an expiry
// from keys without, GT and LT tell too short from too long.
size_t StreamedTail::finish(Buffer& out) {
  if (expiry_ == Expiry::kKept) return 0;
  size_t steps = 0;
  for (const Lasting& lasting : lasting_) {
    const scheme::TtlPolicy& policy = rules_->policy(lasting.policy);
    const scheme::TtlDecision missing = scheme::decide_missing(policy, random_);
    const auto step = [&](int64_t milliseconds, std::initializer_list<std::string_view> conditions) {
      if (milliseconds == scheme::TtlPolicy::kUnset) return;
      resp::append_array(out, 3 + conditions.size());
      resp::append_bulk(out, "PEXPIRE");
      resp::append_bulk(out, lasting.physical);
      resp::append_bulk_integer(out, milliseconds);
      for (const std::string_view condition : conditions) resp::append_bulk(out, condition);
      ++steps;
    };
    if (expiry_ == Expiry::kUnknown && policy.mode == scheme::TtlMode::kOverride) {
      step(missing.value, {"XX"});
    } else if (expiry_ == Expiry::kUnknown && policy.mode == scheme::TtlMode::kClamp) {
      step(policy.min_ms, {"XX", "GT"});
      step(policy.max_ms, {"XX", "LT"});
    }
    if (missing.action != scheme::TtlAction::kNone) step(missing.value, {"NX"});
  }
  return steps;
}

}  // namespace keyshift::plan
