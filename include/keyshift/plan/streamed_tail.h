// StreamedTail: the plan of a request that is relayed while it arrives, from its first large argument on.
//
// What precedes the large argument was planned as usual (Planner::make_streamed). The rest passes by here, argument by
// argument: names among them are mapped, and an expiry is judged. Where none came, the default becomes a step behind
// the command:
//
//   *5..SET..mood:a..$9000000..<body>..EX..99999999      default 1h, max 24h, clamp
//   SET analytics:mood:user:a <body> EX 86400
//
//   *3..SET..mood:a..$9000000..<body>
//   SET analytics:mood:user:a <body>
//   PEXPIRE analytics:mood:user:a 3600000 NX
//
// One per streamed request, owned by its session.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "keyshift/base/buffer.h"
#include "keyshift/command/keys.h"
#include "keyshift/command/row.h"
#include "keyshift/command/ttl.h"
#include "keyshift/plan/plan.h"
#include "keyshift/scheme/ruleset.h"

namespace keyshift::plan {

class StreamedTail {
 public:
  // `now_ms` is Unix time, `random` spreads the default.
  StreamedTail(std::shared_ptr<const scheme::Ruleset> rules, const scheme::View& view, int database,
               int64_t now_ms, uint64_t random)
      : rules_(std::move(rules)), view_(view), database_(database), now_ms_(now_ms), random_(random) {}

  // Before the first argument: a name at a later position; a key already written that may be left without expiry, as
  // the physical name and what was planned for it; the optional words that are still to come; that no expiry came so
  // far.
  void expect_name(const command::Name& name) { names_.push_back(name); }
  void add_lasting(std::string_view physical, uint32_t policy, const PlannedKey& key) {
    lasting_.push_back({std::string(physical), policy, key});
    lasting_.back().key.ttl = scheme::TtlAction::kNone;
  }
  void expect_words(const command::TtlWords& words) { words_ = words; }
  void set_missing(bool missing) { missing_ = missing; }

  // Appends the small argument `index`. If it is a name, it is mapped, and what was found is returned. kRefused: the
  // listener refuses the key, nothing was appended, and the request cannot be completed any more. Requires: ascending
  // indexes.
  struct Found {
    enum class Kind : uint8_t { kNoName, kName, kRefused };
    Kind kind = Kind::kNoName;
    PlannedKey key{};
  };
  Found argument(uint32_t index, std::string_view bytes, Buffer& out);
  // False if the large argument `index` is a name: then the request cannot be relayed.
  bool may_stream(uint32_t index) const;

  // Appends the steps behind the command, whose replies are discarded.
  struct End {
    size_t steps = 0;
    std::vector<PlannedKey> judged;  // whose expiry the policy decided only now
  };
  End finish(Buffer& out);

 private:
  struct Lasting {
    std::string physical;  // empty if observed
    uint32_t policy;
    PlannedKey key;
  };

  void expiry(const command::Ttl& ttl, std::string_view bytes, Buffer& out);

  std::shared_ptr<const scheme::Ruleset> rules_;
  scheme::View view_;
  int database_;
  int64_t now_ms_;
  uint64_t random_;
  std::vector<command::Name> names_;  // ascending
  std::vector<Lasting> lasting_;
  command::TtlWords words_;
  bool missing_ = false;
};

}  // namespace keyshift::plan
