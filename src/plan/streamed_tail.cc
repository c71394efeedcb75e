#include "keyshift/plan/streamed_tail.h"

#include <algorithm>

#include "keyshift/base/ascii.h"
#include "keyshift/plan/observed.h"
#include "keyshift/resp/writer.h"

namespace keyshift::plan {
namespace {

void append_pexpire(Buffer& out, std::string_view key, int64_t milliseconds, std::string_view condition) {
  resp::append_array(out, 4);
  resp::append_bulk(out, "PEXPIRE");
  resp::append_bulk(out, key);
  resp::append_bulk_integer(out, milliseconds);
  resp::append_bulk(out, condition);
}

}  // namespace

bool StreamedTail::may_stream(uint32_t index) const {
  return std::none_of(names_.begin(), names_.end(), [index](const auto& name) { return name.at == index; });
}

bool StreamedTail::argument(uint32_t index, std::string_view bytes, Buffer& out) {
  const auto name = std::find_if(names_.begin(), names_.end(), [index](const auto& each) { return each.at == index; });
  if (name == names_.end()) {
    if (row_.expiry == command::Expiry::kOptions && is_word(bytes, "keepttl")) keeps_ttl_ = true;
    resp::append_bulk(out, bytes);
    return true;
  }
  const scheme::Match match = rules_->match(bytes, database_, view_);
  if (match.refused) return false;
  const size_t size = rules_->physical_size(match);
  resp::append_bulk_header(out, size);
  char* const begin = out.reserve(size + 2);
  char* const end = rules_->write_physical(match, bytes, begin);
  end[0] = '\r';
  end[1] = '\n';
  if (name->lasting && !is_observed(*rules_, phase_, match)) add_lasting({begin, size}, match.policy);
  out.commit(size + 2);
  return true;
}

size_t StreamedTail::finish(Buffer& out) {
  if (keeps_ttl_ || row_.leaves == command::Leaves::kNothing) return 0;
  size_t steps = 0;
  const bool may_carry_expiry = row_.expiry == command::Expiry::kOptions;
  for (const Lasting& lasting : lasting_) {
    const scheme::TtlPolicy& policy = rules_->policy(lasting.policy);
    const scheme::TtlDecision missing = scheme::decide_missing(policy, random_);
    const auto step = [&](int64_t milliseconds, std::string_view condition) {
      append_pexpire(out, lasting.physical, milliseconds, condition);
      ++steps;
    };
    // Bounds first: NX below then speaks only of keys that came without expiry.
    if (may_carry_expiry && policy.mode == scheme::TtlMode::kOverride && missing.action != scheme::TtlAction::kNone) {
      step(missing.value, "XX");
    } else if (may_carry_expiry && policy.mode == scheme::TtlMode::kClamp) {
      if (policy.min_ms != scheme::TtlPolicy::kUnset) step(policy.min_ms, "GT");
    }
    if (missing.action != scheme::TtlAction::kNone) step(missing.value, "NX");
    // LT takes a key without expiry for one that never ends, so it stands behind the default.
    const bool bounded = policy.max_ms != scheme::TtlPolicy::kUnset && missing.action != scheme::TtlAction::kNone;
    if (may_carry_expiry && policy.mode == scheme::TtlMode::kClamp && bounded) step(policy.max_ms, "LT");
  }
  return steps;
}

}  // namespace keyshift::plan
