// Planner: turns a request into its Plan: bytes in, bytes out.
//
// It stands between the command table and the upstream connection, and writes straight into the connection's output
// buffer: the client's own bytes, copied in as few pieces as possible, with physical names and expiries in their
// places.
//
//   in    *3..$3..SET..$25..writing_stats:user123:30d..$1..x..
//   out   *5..$3..SET..$45..analytics:writing_stats:user:user123:days:30d..$1..x..$2..EX..$4..3600..
//         ^^                ^------------ physical name --------------^         ^---- default ----^
//
// With no rule that matches, what goes out is byte for byte what came in (an inline request in its multibulk form).
// Pure but for its random numbers, whose seed is given. One per event loop; keeps scratch memory between requests.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "keyshift/base/buffer.h"
#include "keyshift/command/keys.h"
#include "keyshift/command/row.h"
#include "keyshift/command/ttl.h"
#include "keyshift/plan/audience.h"
#include "keyshift/plan/pattern_cache.h"
#include "keyshift/plan/plan.h"
#include "keyshift/plan/script_prelude.h"
#include "keyshift/plan/script_shas.h"
#include "keyshift/plan/streamed_tail.h"
#include "keyshift/resp/protocol.h"
#include "keyshift/resp/request.h"
#include "keyshift/scheme/ruleset.h"

namespace keyshift::plan {

class ChannelMapper;

// Whose request it is. Mappers and tails keep what they need of it.
struct Context {
  const std::shared_ptr<const scheme::Ruleset>& rules;
  const scheme::View& view;
  resp::Protocol protocol;
  int database;
  int64_t now_ms;                      // Unix time, for absolute expiries
  const Audience* audience = nullptr;  // null: nobody's
  bool may_block = false;  // the connection is the client's alone, or EXEC keeps the command from waiting
  bool in_transaction = false;             // executed by EXEC: nothing can be asked before it is planned
  const ScriptPrelude* prelude = nullptr;  // null: scripts go as they are
  ScriptShas* shas = nullptr;              // with a prelude

  // The upstream database that `database` is in, or is a view of.
  int upstream() const { return rules->fold().upstream(database); }
};
class Planner {
 public:
  explicit Planner(uint64_t seed) : random_(seed | 1) {}

  // Fills `plan` and appends its commands to `out`. On a refusal (plan.refusal) `out` is as before.
  // Requires: row.takes(request.size()); row was found for request[0] (and request[1]).
  void make(const command::Row& row, const resp::Request& request, const Context& context, Buffer& out,
            Plan& plan);

  // The same for a request that is too large to be collected: `prefix` holds the arguments before its first large one,
  // and `announced` is how many there will be. Appends them and the large argument's header to `out`, and returns the
  // plan of what follows; or returns null, with `out` as before, when only the whole request can tell (it is then to be
  // collected).
  std::unique_ptr<StreamedTail> make_streamed(const command::Row& row, const resp::Request& prefix,
                                              uint32_t announced, const Context& context, Buffer& out,
                                              Plan& plan);

  // Numbers for what is to be spread, and no secret.
  uint64_t next_random();

 private:
  struct Work;

  // A key that may be left without expiry; its physical name where it stands in `out`, unless it is only observed.
  struct Lasting {
    uint32_t key;  // index in Plan::keys
    uint32_t policy;
    size_t offset;  // from the first byte that this plan wrote
    size_t length;
  };

  void sort_names();
  Work begin(const command::Row& row, const resp::Request& request, const Context& context, Buffer& out,
             Plan& plan) const;
  bool write_arguments(Work& work);
  static void undo(Work& work);
  static Disposition disposition(const Work& work);
  bool write_name(Work& work, const command::Name& name);

  // databases.cc
  static Refusal refusal_of_whole(const command::Row& row, const Context& context);
  std::optional<int> named_database(const Work& work) const;
  void write_database(Work& work);
  bool is_folded_move(const Work& work) const;
  bool write_folded_move(Work& work);
  bool write_key_in(Work& work, int database);
  bool moves_under_one_name(const Work& work, std::string_view key, const scheme::Match& there) const;

  bool write_pattern(Work& work, const command::Name& name);
  static bool is_about_channels(command::Reply reply);
  void write_channels(Work& work, bool renames);
  void write_channel(Work& work, const command::Name& name, bool renames, const Audience* audience,
                     ChannelMapper& mapper);
  std::unique_ptr<ChannelMapper> write_channel_pattern(Work& work);
  void judge_expiry(Work& work, const scheme::Match& match, bool lasting, PlannedKey& planned);
  void write_expiry(Work& work);
  bool plan_streamed_expiry(Work& work, uint32_t announced, StreamedTail& tail);
  bool is_one_policy(const Work& work) const;
  void write_default_inline(Work& work);
  void write_inline_expiry(Work& work);
  void write_expire_steps(Work& work);
  static std::unique_ptr<ReplyMapper> keyspace_mapper(const Work& work,
                                                      std::shared_ptr<const scheme::KeyPattern> pattern,
                                                      size_t steps);
  void write_keys_steps(Work& work, std::string_view glob);
  void write_scan(Work& work);
  void write_random_key_steps(Work& work);
  void write_script(Work& work);
  void write_script_tail(Work& work);
  static void add_sha(Work& work, std::string_view used, std::string_view mapped);
  void replace_sha(Work& work, uint32_t argument);
  void copy_up_to(Work& work, uint32_t argument);
  void replace(Work& work, uint32_t argument, std::string_view text);

  command::Names names_;
  std::vector<Lasting> lasting_;
  Buffer expiry_words_;          // the arguments that give the latest default
  int64_t expiry_words_of_ = 0;  // it, in milliseconds
  PatternCache patterns_;
  uint64_t random_;
};

}  // namespace keyshift::plan
