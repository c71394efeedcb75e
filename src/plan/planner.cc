#include "keyshift/plan/planner.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "keyshift/plan/keyed_reply_mapper.h"
#include "keyshift/plan/planned_key.h"
#include "keyshift/plan/reply_mapper.h"
#include "keyshift/resp/number.h"
#include "keyshift/resp/own_words.h"
#include "keyshift/resp/writer.h"
#include "keyshift/scheme/channels.h"
#include "keyshift/scheme/patterns.h"
#include "planner_work.h"

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

}  // namespace

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
  if (names_.blocks && !context.may_block) {
    plan.refusal = Refusal::kBlocks;
    return;
  }
  if (row.whole != command::Whole::kNone) {
    plan.refusal = refusal_of_whole(row, context);
    if (plan.refusal != Refusal::kNone) return;
  }
  sort_names();
  if (row.is(command::Row::kOwnWrites)) {
    // The server answers for what this connection wrote last. Whatever runs on it first takes over all that was written
    // before (c->woff in Redis), on any connection.
    resp::append_array(out, 1);
    resp::append_bulk(out, resp::own::kPing);
    plan.steps.push_back(Disposition::kDiscard);
  }
  Work work = begin(row, request, context, out, plan);
  const bool renames = scheme::renames_keys(*context.rules, context.view);
  if (is_about_channels(row.reply)) return write_channels(work, renames);
  if (context.rules->fold().holds(context.database)) {
    // In a transaction: KEYS finds at once what would otherwise be looked for step by step.
    if (row.whole != command::Whole::kNone) return write_keys_steps(work, "*");
    if (is_folded_move(work)) {
      if (!write_folded_move(work)) undo(work);
      return;
    }
  }
  if (renames) {
    switch (row.reply) {
      case Reply::kKeys:
        return write_keys_steps(work, request[1]);
      case Reply::kScan:
        return write_scan(work);
      case Reply::kKey:
        return write_random_key_steps(work);
      case Reply::kSlowlog:
      case Reply::kRunning:
        plan.mapper =
            keyspace_mapper(work, patterns_.find(context.rules, "*", context.database, context.view, 1), 1);
        break;
      default:
        break;
    }
  }
  work.ttl = row.expiry == command::Expiry::kNone ? Ttl{} : command::find_ttl(row, request);
  work.leaves = row.leaves == Leaves::kNothing ? Leaves::kNothing : command::leaves_of(row, work.ttl);
  if (work.leaves == Leaves::kInline && names_.list.size() > 1 && !is_one_policy(work))
    work.leaves = Leaves::kBehind;
  write_default_inline(work);
  const bool maps_script = context.prelude != nullptr && row.family == command::Family::kScripting;
  if (maps_script) write_script(work);
  if (!write_arguments(work)) return undo(work);
  if (maps_script) write_script_tail(work);
  write_inline_expiry(work);
  plan.steps.push_back(disposition(work));
  write_expire_steps(work);
}

std::unique_ptr<StreamedTail> Planner::make_streamed(const command::Row& row, const resp::Request& prefix,
                                                     uint32_t announced, const Context& context, Buffer& out,
                                                     Plan& plan) {
  plan.clear();
  lasting_.clear();
  // A script is mapped as a whole.
  if (context.prelude != nullptr && row.script != command::Script::kNone) return nullptr;
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

void Planner::undo(Work& work) {
  work.out.truncate(work.base);
  work.plan.keys.clear();
  work.plan.mapper.reset();
}

Disposition Planner::disposition(const Work& work) {
  const bool passes = work.row.reply == Reply::kOpaque || KeyedReplyMapper::is_for(work.row.reply);
  return work.plan.mapper == nullptr || passes ? Disposition::kRelay : Disposition::kMap;
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
  write_database(work);
  work.out.append(work.request.block().substr(work.copied));
  return true;
}

bool Planner::write_name(Work& work, const command::Name& name) {
  const Context& context = work.context;
  const scheme::Ruleset& rules = *context.rules;
  const std::string_view key = work.request[name.at];
  int database = context.database;
  if (names_.database_at != 0 && name.at == names_.list.back().at) {
    database = named_database(work).value_or(database);
    work.target_database = rules.fold().upstream(database);
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
  const bool moves = names_.list.size() == 1 && database != context.database;
  if (moves && !moves_under_one_name(work, key, match)) {
    work.plan.refusal = Refusal::kTwoNamesOneMove;
    work.plan.refused_at = name.at;
    return false;
  }
  PlannedKey planned = planned_key(rules, match, context.view, name.at);
  const bool observed = planned.observed;
  if (work.inline_default.action == TtlAction::kDefault) planned.ttl = TtlAction::kDefault;

  const bool holds_keys = KeyedReplyMapper::is_for(work.row.reply);
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
    *end++ = '\r';
    *end++ = '\n';
    work.out.commit(size + 2);
    if (holds_keys || work.row.is(command::Row::kErrorNamesKey)) {
      auto& mapper = work.plan.mapper;
      if (!mapper && holds_keys) mapper = std::make_unique<KeyedReplyMapper>(work.row.reply);
      if (!mapper) mapper = std::make_unique<ReplyMapper>(work.row.reply);
      mapper->add_name(key, {begin, size});
    }
  }
  if (name.lasting && work.leaves == Leaves::kBehind) {
    const size_t size = match.identity ? key.size() : rules.physical_size(match);
    lasting_.push_back({.key = static_cast<uint32_t>(work.plan.keys.size()),
                        .policy = match.policy,
                        .offset = observed ? 0 : work.out.size() - work.base - size - 2,
                        .length = observed ? 0 : size});
  }
  if (work.ttl.kind == Ttl::Kind::kGiven) judge_expiry(work, match, name.lasting, planned);
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

std::unique_ptr<ReplyMapper> Planner::keyspace_mapper(const Work& work,
                                                      std::shared_ptr<const scheme::KeyPattern> pattern,
                                                      size_t steps) {
  const Context& context = work.context;
  return std::make_unique<ReplyMapper>(work.row.reply, context.rules, context.view, context.database,
                                       context.protocol, std::move(pattern), steps);
}

void Planner::write_keys_steps(Work& work, std::string_view glob) {
  const Context& context = work.context;
  auto pattern =
      patterns_.find(context.rules, glob, context.database, context.view, scheme::KeyPattern::kMaxPatterns);
  for (const std::string& physical : pattern->physical) {
    resp::append_array(work.out, 2);
    resp::append_bulk(work.out, "KEYS");
    resp::append_bulk(work.out, physical);
    work.plan.steps.push_back(Disposition::kMap);
  }
  const size_t steps = pattern->physical.size();
  work.plan.mapper = keyspace_mapper(work, std::move(pattern), steps);
  if (work.row.whole != command::Whole::kNone) work.plan.mapper->take_keys_for(work.row.whole, next_random());
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
  work.plan.mapper = keyspace_mapper(work, std::move(pattern), 1);
}

void Planner::write_random_key_steps(Work& work) {
  const Context& context = work.context;
  for (size_t i = 0; i < kRandomKeyDraws; ++i) {
    work.out.append(work.request.block());
    work.plan.steps.push_back(Disposition::kMap);
  }
  work.plan.mapper = keyspace_mapper(
      work, patterns_.find(context.rules, "*", context.database, context.view, 1), kRandomKeyDraws);
}

}  // namespace keyshift::plan
