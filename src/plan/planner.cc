#include "keyshift/plan/planner.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "keyshift/plan/given_expiry.h"
#include "keyshift/plan/planned_key.h"
#include "keyshift/plan/reply_mapper.h"
#include "keyshift/resp/number.h"
#include "keyshift/resp/writer.h"
#include "keyshift/scheme/patterns.h"

namespace keyshift::plan {

using command::Leaves;
using command::Reply;
using command::Role;
using command::Ttl;
using scheme::Match;
using scheme::TtlAction;

namespace {

// RANDOMKEY may name a key that no client name reaches: so many draws make it rare that all do.
constexpr size_t kRandomKeyDraws = 16;

// Whether a reply that names keys of the keyspace can differ from the upstream's at all.
bool renames_anything(const Context& context) {
  return !context.rules->rules().empty() || context.view.unmatched == scheme::Unmatched::kPrefix;
}

size_t header_begin(const resp::Request& request, uint32_t argument) {
  const resp::Arg& arg = request.args()[argument];
  return arg.offset - resp::bulk_header_size(arg.length);
}

// Appends the arguments "EX" and seconds, or "PX" and milliseconds, in one piece: most SETs come here.
void append_expiry(Buffer& out, int64_t milliseconds) {
  const bool whole_seconds = milliseconds % 1000 == 0;
  char digits[20];
  const auto end =
      std::to_chars(std::begin(digits), std::end(digits), milliseconds / (whole_seconds ? 1000 : 1)).ptr;
  const auto count = static_cast<size_t>(end - digits);
  char text[48];
  char* at = text;
  const auto put = [&at](const char* bytes, size_t size) {
    std::memcpy(at, bytes, size);
    at += size;
  };
  put(whole_seconds ? "$2\r\nEX\r\n$" : "$2\r\nPX\r\n$", 9);
  if (count >= 10) *at++ = '1';
  *at++ = static_cast<char>('0' + count % 10);
  put("\r\n", 2);
  put(digits, count);
  put("\r\n", 2);
  out.append({text, static_cast<size_t>(at - text)});
}

}  // namespace

// One request on its way into the output buffer.
struct Planner::Work {
  const command::Row& row;
  const resp::Request& request;
  const Context& context;
  Buffer& out;
  Plan& plan;
  size_t base;        // out.size() before us
  size_t copied = 0;  // bytes of the request's block that went out, or were replaced
  Ttl ttl = {};
  Leaves leaves = Leaves::kNothing;
  // The first key, matched ahead because a default expiry changes the request's first line.
  Match first;
  scheme::TtlDecision inline_default = {};
  int target_database = context.database;  // where the last key is written: COPY DB, MOVE
  std::optional<int64_t> expiry = {};      // what stands in the place of the client's, judged
};

uint64_t Planner::next_random() {
  // xorshift64 (Marsaglia 2003): spreads expiries, protects nothing.
  random_ ^= random_ << 13;
  random_ ^= random_ >> 7;
  random_ ^= random_ << 17;
  return random_;
}

void Planner::copy_up_to(Work& work, uint32_t argument) {
  const size_t end = header_begin(work.request, argument);
  work.out.append(work.request.block().substr(work.copied, end - work.copied));
  const resp::Arg& arg = work.request.args()[argument];
  work.copied = size_t{arg.offset} + arg.length + 2;
}

void Planner::replace(Work& work, uint32_t argument, std::string_view text) {
  copy_up_to(work, argument);
  resp::append_bulk(work.out, text);
}

void Planner::make(const command::Row& row, const resp::Request& request, const Context& context, Buffer& out,
                   Plan& plan) {
  plan.clear();
  lasting_.clear();
  if (command::find_names(row, request, names_) == command::Found::kMalformed) {
    plan.refusal = Refusal::kMalformed;
    plan.error = names_.error;
    return;
  }
  if (names_.blocks) {
    plan.refusal = Refusal::kLease;
    return;
  }
  sort_names();
  Work work = begin(row, request, context, out, plan);
  if (renames_anything(context)) {
    switch (row.reply) {
      case Reply::kKeys:
        return write_keys_steps(work);
      case Reply::kScan:
        return write_scan(work);
      case Reply::kKey:
        return write_random_key_steps(work);
      default:
        break;
    }
  }
  work.ttl = row.expiry == command::Expiry::kNone ? Ttl{} : command::find_ttl(row, request);
  work.leaves = row.leaves == Leaves::kNothing ? Leaves::kNothing : command::leaves_of(row, work.ttl);
  if (work.leaves == Leaves::kInline && !is_one_policy(work)) work.leaves = Leaves::kBehind;
  write_default_inline(work);
  if (!write_arguments(work)) return undo(work);
  if (work.inline_default.action == TtlAction::kDefault && !plan.keys.front().observed) {
    append_expiry(out, work.inline_default.value);
  }
  plan.steps.push_back(disposition(work));
  write_expire_steps(work);
}

std::unique_ptr<StreamedTail> Planner::make_streamed(const command::Row& row, const resp::Request& prefix,
                                                     uint32_t announced, const Context& context, Buffer& out,
                                                     Plan& plan) {
  plan.clear();
  lasting_.clear();
  const bool answers_in_names =
      row.reply == Reply::kKeys || row.reply == Reply::kScan || row.reply == Reply::kKey;
  if (answers_in_names || command::find_names(row, prefix, announced, names_) != command::Found::kComplete ||
      names_.blocks || names_.database_at != 0) {
    return nullptr;
  }
  auto tail = std::make_unique<StreamedTail>(context.rules, context.view, context.database, context.now_ms,
                                             next_random());
  sort_names();
  auto& list = names_.list;
  if (std::any_of(list.begin(), list.end(), [](const auto& name) { return name.role != Role::kKey; }))
    return nullptr;
  const auto behind =
      std::find_if(list.begin(), list.end(), [&](const auto& name) { return name.at >= prefix.size(); });
  std::for_each(behind, list.end(), [&tail](const auto& name) { tail->expect_name(name); });
  list.erase(behind, list.end());
  if (!tail->may_stream(static_cast<uint32_t>(prefix.size()))) return nullptr;

  Work work = begin(row, prefix, context, out, plan);
  if (!plan_streamed_expiry(work, announced, *tail)) return nullptr;
  if (!write_arguments(work)) {
    undo(work);
    return nullptr;
  }
  for (const Lasting& lasting : lasting_) {
    const PlannedKey& key = plan.keys[lasting.key];
    const std::string_view physical =
        key.observed ? std::string_view() : out.view().substr(work.base + lasting.offset, lasting.length);
    tail->add_lasting(physical, lasting.policy, key);
  }
  plan.steps.push_back(disposition(work));
  return tail;
}

// What is known of the expiry before the large argument is here, and what its tail is to look for. False: only the whole
// request can tell.
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

void Planner::undo(Work& work) {
  work.out.truncate(work.base);
  work.plan.keys.clear();
  work.plan.mapper.reset();
}

Disposition Planner::disposition(const Work& work) {
  return work.plan.mapper != nullptr && work.row.reply != Reply::kOpaque ? Disposition::kMap
                                                                         : Disposition::kRelay;
}

void Planner::sort_names() {
  auto& list = names_.list;
  if (list.size() < 2) return;
  std::sort(list.begin(), list.end(), [](const auto& a, const auto& b) { return a.at < b.at; });
}

Planner::Work Planner::begin(const command::Row& row, const resp::Request& request, const Context& context,
                             Buffer& out, Plan& plan) const {
  const auto& list = names_.list;
  return {.row = row,
          .request = request,
          .context = context,
          .out = out,
          .plan = plan,
          .base = out.size(),
          .first = list.empty()
                       ? Match()
                       : context.rules->match(request[list.front().at], context.database, context.view)};
}

// Arguments are written from first to last: what stands between two that change is copied in one piece.
bool Planner::write_arguments(Work& work) {
  for (const command::Name& name : names_.list) {
    const bool written = name.role == Role::kKey ? write_name(work, name) : write_pattern(work, name);
    if (!written) return false;
  }
  write_expiry(work);
  work.out.append(work.request.block().substr(work.copied));
  return true;
}

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

bool Planner::write_name(Work& work, const command::Name& name) {
  const Context& context = work.context;
  const scheme::Ruleset& rules = *context.rules;
  const std::string_view key = work.request[name.at];
  int database = context.database;
  if (names_.database_at != 0 && name.at == names_.list.back().at) {
    int64_t target = 0;
    // What is no number is Redis's to refuse.
    if (resp::parse_integer(work.request[names_.database_at], target)) database = static_cast<int>(target);
    work.target_database = database;
  }
  std::optional<Match> later;
  const bool is_first = &name == names_.list.data() && database == context.database;
  if (!is_first) later.emplace(rules.match(key, database, context.view));
  const Match& match = is_first ? work.first : *later;
  if (match.refused) {
    work.plan.refusal = Refusal::kUnmatched;
    work.plan.refused_at = name.at;
    return false;
  }
  PlannedKey planned = planned_key(rules, match);
  const bool observed = planned.observed;
  if (work.inline_default.action == TtlAction::kDefault) planned.ttl = TtlAction::kDefault;

  const bool names_reply = work.row.reply == Reply::kStreams || work.row.reply == Reply::kKeyedPop ||
                           work.row.is(command::Row::kErrorNamesKey);
  if (match.identity) {
    if (name.lasting && work.leaves == Leaves::kBehind && !observed) {
      copy_up_to(work, name.at);
      resp::append_bulk(work.out, key);
    }
  } else {
    copy_up_to(work, name.at);
    const size_t size = rules.physical_size(match);
    resp::append_bulk_header(work.out, size);
    char* begin = work.out.reserve(size + 2);
    char* end = rules.write_physical(match, key, begin);
    if (names_.database_at != 0 && names_.list.size() == 1 && database != context.database) {
      // MOVE: the one name is read in one database and written in another.
      const Match here = rules.match(key, context.database, context.view);
      std::string other(here.refused ? 0 : rules.physical_size(here), '\0');
      if (!here.refused) rules.write_physical(here, key, other.data());
      if (here.refused || std::string_view(begin, size) != other) {
        work.plan.refusal = Refusal::kTwoNamesOneMove;
        work.plan.refused_at = name.at;
        return false;
      }
    }
    *end++ = '\r';
    *end++ = '\n';
    work.out.commit(size + 2);
    if (names_reply) {
      if (!work.plan.mapper) work.plan.mapper = std::make_unique<ReplyMapper>(work.row.reply);
      work.plan.mapper->add_name(key, {begin, size});
    }
  }
  if (name.lasting && work.leaves == Leaves::kBehind) {
    const size_t size = match.identity ? key.size() : rules.physical_size(match);
    lasting_.push_back({.key = static_cast<uint32_t>(work.plan.keys.size()),
                        .policy = match.policy,
                        .offset = observed ? 0 : work.out.size() - work.base - size - 2,
                        .length = observed ? 0 : size});
  }
  judge_expiry(work, match, name.lasting, planned);
  work.plan.keys.push_back(planned);
  return true;
}

bool Planner::write_pattern(Work& work, const command::Name& name) {
  if (name.role != Role::kSortBy && name.role != Role::kSortGet) return true;
  const Context& context = work.context;
  const auto physical =
      scheme::translate_sort_pattern(*context.rules, work.request[name.at], context.database, context.view);
  if (!physical) {
    work.plan.refusal = Refusal::kSortPattern;
    work.plan.refused_at = name.at;
    return false;
  }
  replace(work, name.at, *physical);
  return true;
}

// Asks the policy of one key what becomes of the client's own expiry. It is the first key's, but for MSETEX, which gives
// one to all: that becomes the shortest of what their policies make of it.
void Planner::judge_expiry(Work& work, const Match& match, bool lasting, PlannedKey& planned) {
  const bool is_first = work.plan.keys.empty();
  if (work.ttl.kind != Ttl::Kind::kGiven || (!is_first && !lasting)) return;
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
  const bool elsewhere = work.target_database != work.context.database;
  const auto select = [&work](int database) {
    resp::append_array(work.out, 2);
    resp::append_bulk(work.out, "SELECT");
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
    if (elsewhere) select(work.context.database);
  }
}

void Planner::write_keys_steps(Work& work) {
  const Context& context = work.context;
  auto pattern = patterns_.find(context.rules, work.request[1], context.database, context.view,
                                scheme::KeyPattern::kMaxPatterns);
  for (const std::string& physical : pattern->physical) {
    resp::append_array(work.out, 2);
    resp::append_bulk(work.out, "KEYS");
    resp::append_bulk(work.out, physical);
    work.plan.steps.push_back(Disposition::kMap);
  }
  const size_t steps = pattern->physical.size();
  work.plan.mapper =
      std::make_unique<ReplyMapper>(Reply::kKeys, context.rules, context.view, context.database,
                                    context.protocol, std::move(pattern), steps);
}

// A cursor walks one upstream SCAN, so there is one pattern, and the mapper filters. COUNT and TYPE are the server's: it
// looks at as many keys as the client said, and its cursor goes to the client, so its guarantees hold for the keys as
// they are called in Redis, and names and keys correspond one to one.
void Planner::write_scan(Work& work) {
  const Context& context = work.context;
  uint32_t match_at = 0;
  for (const command::Name& name : names_.list) {
    if (name.role == Role::kPattern) match_at = name.at;
  }
  const std::string_view glob = match_at == 0 ? "*" : work.request[match_at];
  auto pattern = patterns_.find(context.rules, glob, context.database, context.view, 1);
  if (match_at != 0) replace(work, match_at, pattern->physical.front());
  work.out.append(work.request.block().substr(work.copied));
  work.plan.steps.push_back(Disposition::kMap);
  work.plan.mapper = std::make_unique<ReplyMapper>(Reply::kScan, context.rules, context.view,
                                                   context.database, context.protocol, std::move(pattern), 1);
}

void Planner::write_random_key_steps(Work& work) {
  const Context& context = work.context;
  for (size_t i = 0; i < kRandomKeyDraws; ++i) {
    work.out.append(work.request.block());
    work.plan.steps.push_back(Disposition::kMap);
  }
  work.plan.mapper = std::make_unique<ReplyMapper>(
      Reply::kKey, context.rules, context.view, context.database, context.protocol,
      patterns_.find(context.rules, "*", context.database, context.view, 1), kRandomKeyDraws);
}

}  // namespace keyshift::plan
