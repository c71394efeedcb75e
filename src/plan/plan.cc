#include "keyshift/plan/plan.h"

#include "keyshift/plan/reply_mapper.h"

namespace keyshift::plan {
namespace {

// An MSET of a million keys must not leave its list behind.
constexpr size_t kKeepKeys = 1024;

template <class T>
void forget(std::vector<T>& list) {
  list.clear();
  if (list.capacity() > kKeepKeys) list.shrink_to_fit();
}

}  // namespace

Plan::Plan() = default;
Plan::~Plan() = default;

void Plan::clear() {
  forget(steps);
  forget(keys);
  mapper.reset();
  refusal = Refusal::kNone;
  refused_at = 0;
  error = {};
}

}  // namespace keyshift::plan
