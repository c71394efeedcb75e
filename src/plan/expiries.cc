// What the planner does about expiries: judges those that a request gives, and gives the default where there is none.
#include <algorithm>
#include <cstring>
#include <optional>

#include "keyshift/plan/given_expiry.h"
#include "keyshift/plan/planned_key.h"
#include "keyshift/resp/own_words.h"
#include "keyshift/resp/writer.h"
#include "planner_work.h"

namespace keyshift::plan {

using command::Leaves;
using command::Ttl;
using scheme::Match;
using scheme::TtlAction;

// MSETEX can carry a default only if it is the same for all its keys.
bool Planner::is_one_policy(const Work& work) const {
  const Context& context = work.context;
  return std::all_of(names_.list.begin(), names_.list.end(), [&](const command::Name& name) {
    if (name.at == names_.list.front().at) return true;
    const Match match = context.rules->match(work.request[name.at], context.database, context.view);
    return match.policy == work.first.policy &&
           is_observed(*context.rules, match) == is_observed(*context.rules, work.first);
  });
}

// Whether the command takes the default along decides its first line.
void Planner::write_default_inline(Work& work) {
  if (work.leaves != Leaves::kInline || names_.list.empty()) return;
  const Context& context = work.context;
  work.inline_default = scheme::decide_missing(context.rules->policy(work.first.policy), next_random());
  if (work.inline_default.action != TtlAction::kDefault || is_observed(*context.rules, work.first)) return;
  resp::append_array(work.out, work.request.size() + 2);
  work.copied = header_begin(work.request, 0);
}

void Planner::write_inline_expiry(Work& work) {
  if (work.inline_default.action != TtlAction::kDefault || work.plan.keys.front().observed) return;
  // Most SETs come here, and without jitter most with the same value.
  const int64_t milliseconds = work.inline_default.value;
  if (milliseconds != expiry_words_of_) {
    const bool whole_seconds = milliseconds % 1000 == 0;
    expiry_words_of_ = milliseconds;
    expiry_words_.clear();
    resp::append_bulk(expiry_words_, whole_seconds ? "EX" : "PX");
    resp::append_bulk_integer(expiry_words_, milliseconds / (whole_seconds ? 1000 : 1));
  }
  work.out.append(expiry_words_.view());
}

// Asks the policy of one key what becomes of the client's own expiry. It is the first key's, but for MSETEX, which
// gives one to all: that becomes the shortest of what their policies make of it. Requires: it gives one.
void Planner::judge_expiry(Work& work, const Match& match, bool lasting, PlannedKey& planned) {
  const bool is_first = work.plan.keys.empty();
  if (!is_first && !lasting) return;
  const scheme::TtlPolicy& policy = work.context.rules->policy(match.policy);
  scheme::TtlDecision decision;
  if (work.leaves == Leaves::kArgument) {
    // RESTORE with 0: no expiry. With ABSTTL the default is an absolute time too.
    decision = scheme::decide_missing(policy, next_random());
    if (work.ttl.base == command::Base::kAbsolute) decision.value += work.context.now_ms;
  } else if (policy.active()) {
    decision = judge(policy, work.ttl, work.context.now_ms, next_random());
  }
  const bool rewritten = is_rewritten(decision.action);
  if (rewritten) planned.ttl = decision.action;
  const int64_t value = rewritten && !planned.observed ? decision.value : work.ttl.value;
  work.expiry = work.expiry ? std::min(*work.expiry, value) : value;
}

void Planner::write_expiry(Work& work) {
  if (!work.expiry || *work.expiry == work.ttl.value) return;
  copy_up_to(work, work.ttl.at);
  resp::append_bulk_integer(work.out, *work.expiry);
}

void Planner::write_expire_steps(Work& work) {
  if (lasting_.empty()) return;
  const bool elsewhere = work.target_database != work.context.upstream();
  const auto select = [&work](int database) {
    resp::append_array(work.out, 2);
    resp::append_bulk(work.out, resp::own::kSelect);
    resp::append_bulk_integer(work.out, database);
    work.plan.steps.push_back(Disposition::kDiscard);
  };
  for (const Lasting& lasting : lasting_) {
    const scheme::TtlDecision decision =
        scheme::decide_missing(work.context.rules->policy(lasting.policy), next_random());
    if (decision.action != TtlAction::kDefault) continue;
    PlannedKey& key = work.plan.keys[lasting.key];
    key.ttl = TtlAction::kDefault;
    if (key.observed) continue;
    if (elsewhere) select(work.target_database);
    const bool whole_seconds = decision.value % 1000 == 0;
    resp::append_array(work.out, 4);
    resp::append_bulk(work.out, whole_seconds ? "EXPIRE" : "PEXPIRE");
    resp::append_bulk_header(work.out, lasting.length);
    // The key is copied from where this plan wrote it; reserve() first, for it may move the bytes.
    char* to = work.out.reserve(lasting.length + 2);
    std::memcpy(to, work.out.view().data() + work.base + lasting.offset, lasting.length);
    to[lasting.length] = '\r';
    to[lasting.length + 1] = '\n';
    work.out.commit(lasting.length + 2);
    resp::append_bulk_integer(work.out, decision.value / (whole_seconds ? 1000 : 1));
    resp::append_bulk(work.out, "NX");
    work.plan.steps.push_back(Disposition::kDiscard);
    if (elsewhere) select(work.context.upstream());
  }
}

// What is known of the expiry before the large argument is here, and what its tail is to look for. False: only the
// whole request can tell.
bool Planner::plan_streamed_expiry(Work& work, uint32_t announced, StreamedTail& tail) {
  const command::Row& row = work.row;
  const resp::Request& prefix = work.request;
  if (row.expiry == command::Expiry::kOptions) {
    command::TtlWords words(row.options, command::options_begin(row, prefix, announced));
    for (size_t i = 1; i < prefix.size(); ++i) {
      const Ttl ttl = words.next(prefix[i], i);
      if (ttl.kind != Ttl::Kind::kNone) work.ttl = ttl;
    }
    tail.expect_words(words);
    if (row.leaves == Leaves::kNothing) return true;
    work.leaves = Leaves::kBehind;
    tail.set_missing(command::leaves_of(row, work.ttl) != Leaves::kNothing);
    return true;
  }
  if (row.expiry == command::Expiry::kPositional) {
    work.ttl = command::find_ttl(row, prefix, announced);
    const Ttl from_now = command::find_ttl(row, prefix, prefix.size());
    if (work.ttl.kind == Ttl::Kind::kUnclear && from_now.kind == Ttl::Kind::kGiven && from_now.value != 0) {
      // RESTORE, and ABSTTL may come behind the payload. Streamed if the policy leaves the expiry alone either way.
      const scheme::TtlPolicy& policy = work.context.rules->policy(work.first.policy);
      Ttl absolute = from_now;
      absolute.base = command::Base::kAbsolute;
      for (const Ttl& ttl : {from_now, absolute})
        if (is_rewritten(judge(policy, ttl, work.context.now_ms, 0).action)) return false;
      work.ttl = from_now;
    }
  }
  if (row.leaves == Leaves::kNothing) return true;
  work.leaves = command::leaves_of(row, work.ttl);
  tail.set_missing(work.leaves == Leaves::kBehind);
  return true;
}

}  // namespace keyshift::plan
