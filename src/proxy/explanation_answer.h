// The reply to KEYSHIFT EXPLAIN: an Explanation with the fields of `keyshift explain --json`.
#pragma once

#include "answer.h"
#include "keyshift/plan/explanation.h"

namespace keyshift::proxy {

void append_explanation(const plan::Explanation& made, const scheme::Ruleset& rules, Answer& answer);

}  // namespace keyshift::proxy
