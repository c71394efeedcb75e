// Planner: commands that name another database, or are about a whole one. Where databases fold, they are views of one
// upstream database:
//
//   MOVE cart:7 3          RENAMENX mail:cart:id:7 shop:cart:id:7      "no such key" is MOVE's 0
//   COPY a b DB 3          COPY .. .. DB 5                             5 being the database that they fold into
//   DBSIZE                 the keys have to be looked for: Refusal::kWalk. In a transaction KEYS, and the mapper counts
#include <string>

#include "keyshift/plan/planned_key.h"
#include "keyshift/plan/reply_mapper.h"
#include "keyshift/resp/number.h"
#include "keyshift/resp/writer.h"
#include "planner_work.h"

namespace keyshift::plan {

using command::Whole;
using scheme::Match;

namespace {

// RENAMENX's reply as MOVE's: there is no key to be moved, or it has been, or there is one already.
class MoveMapper final : public ReplyMapper {
 public:
  MoveMapper() : ReplyMapper(command::Reply::kOpaque) {}

  bool map(std::string_view reply, Buffer& out) override {
    out.append(reply.starts_with("-ERR no such key") ? std::string_view(":0\r\n") : reply);
    return true;
  }
};

}  // namespace

Refusal Planner::refusal_of_whole(const command::Row& row, const Context& context) {
  const scheme::Fold& fold = context.rules->fold();
  switch (row.whole) {
    case Whole::kNone:
      break;
    case Whole::kCounts:
    case Whole::kDraws:
      return fold.holds(context.database) && !context.in_transaction ? Refusal::kWalk : Refusal::kNone;
    case Whole::kEmpties:
      return fold.holds(context.database) ? Refusal::kWalk : Refusal::kNone;
    case Whole::kFlushes:
      return fold.active() ? Refusal::kWalk : Refusal::kNone;
    case Whole::kExchanges:
      return fold.active() ? Refusal::kFoldedExchange : Refusal::kNone;
  }
  return Refusal::kNone;
}

std::optional<int> Planner::named_database(const Work& work) const {
  int64_t number = 0;
  if (names_.database_at == 0 || !resp::parse_integer(work.request[names_.database_at], number))
    return std::nullopt;
  // What is no number, or none of a database, is Redis's to refuse.
  if (number < 0 || number != static_cast<int>(number) ||
      !work.context.rules->fold().has(static_cast<int>(number)))
    return std::nullopt;
  return static_cast<int>(number);
}

// Writes the number of the upstream database that a folded one is a view of; for one that clients cannot select, a number
// that Redis refuses in its own words.
void Planner::write_database(Work& work) {
  const scheme::Fold& fold = work.context.rules->fold();
  if (names_.database_at == 0 || fold.databases == 0) return;
  int64_t number = 0;
  const std::string_view said = work.request[names_.database_at];
  if (!resp::parse_integer(said, number) || number != static_cast<int>(number)) return;
  const std::optional<int> database = named_database(work);
  const int upstream = database ? fold.upstream(*database) : -1;
  if (upstream != number) replace(work, names_.database_at, std::to_string(upstream));
}

bool Planner::is_folded_move(const Work& work) const {
  if (names_.database_at == 0 || work.row.name != "move") return false;
  const scheme::Fold& fold = work.context.rules->fold();
  const std::optional<int> target = named_database(work);
  return target && *target != work.context.database && fold.holds(*target) &&
         fold.holds(work.context.database);
}

// Appends the physical name of the request's key in `database`.
bool Planner::write_key_in(Work& work, int database) {
  const Context& context = work.context;
  const uint32_t at = names_.list.front().at;
  const std::string_view key = work.request[at];
  const Match match = context.rules->match(key, database, context.view);
  if (match.refused) {
    work.plan.refusal = Refusal::kUnmatched;
    work.plan.refused_at = at;
    return false;
  }
  const size_t size = context.rules->physical_size(match);
  resp::append_bulk_header(work.out, size);
  char* end = context.rules->write_physical(match, key, work.out.reserve(size + 2));
  *end++ = '\r';
  *end++ = '\n';
  work.out.commit(size + 2);
  work.plan.keys.push_back(planned_key(*context.rules, match, context.view, at));
  return true;
}

bool Planner::write_folded_move(Work& work) {
  resp::append_array(work.out, 3);
  resp::append_bulk(work.out, "RENAMENX");
  const size_t source = work.out.size();
  if (!write_key_in(work, work.context.database)) return false;
  const size_t target = work.out.size();
  if (!write_key_in(work, *named_database(work))) return false;
  const std::string_view written = work.out.view();
  if (written.substr(source, target - source) == written.substr(target)) {
    // One key for both, as in a consolidated view: Redis would say the same of one database.
    work.plan.refusal = Refusal::kMalformed;
    work.plan.error = "ERR source and destination objects are the same";
    return false;
  }
  work.plan.mapper = std::make_unique<MoveMapper>();
  work.plan.steps.push_back(Disposition::kMap);
  return true;
}

// MOVE between databases of the upstream's own: the one name that it takes is right only where both have the same.
bool Planner::moves_under_one_name(const Work& work, std::string_view key, const Match& there) const {
  const Context& context = work.context;
  const scheme::Ruleset& rules = *context.rules;
  const Match here = rules.match(key, context.database, context.view);
  if (here.refused) return false;
  if (here.identity && there.identity) return true;
  std::string source(rules.physical_size(here), '\0');
  rules.write_physical(here, key, source.data());
  std::string target(rules.physical_size(there), '\0');
  rules.write_physical(there, key, target.data());
  return source == target;
}

}  // namespace keyshift::plan
