// StreamedTail: the plan of a request that is relayed while it arrives, from its first large argument on.
//
// What precedes the large argument was planned as usual (Planner::make_streamed). The rest passes by here, argument by
// argument: names among them are mapped, and what only they could have told, the expiry, becomes steps behind the command:
//
//   *5..SET..mood:a..$9000000..<body>..EX..99999999      default 1h, max 24h, clamp
//   SET analytics:mood:user:a <body> EX 99999999         as it arrived
//   PEXPIRE analytics:mood:user:a 86400000 XX LT         too long an expiry came: the maximum
//   PEXPIRE analytics:mood:user:a 3600000 NX             none came: the default
//
// One per streamed request, owned by its session.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "keyshift/base/buffer.h"
#include "keyshift/command/keys.h"
#include "keyshift/command/row.h"
#include "keyshift/plan/plan.h"
#include "keyshift/scheme/ruleset.h"

namespace keyshift::plan {

class StreamedTail {
 public:
  // What the arguments behind the large one can still bring. kKept: what was written before stands.
  enum class Expiry : uint8_t { kKept, kMissing, kUnknown };

  // `row` and `view` outlive the tail. `random` spreads the default.
  StreamedTail(const command::Row& row, std::shared_ptr<const scheme::Ruleset> rules,
               const scheme::View& view, int database, uint64_t random)
      : row_(row), rules_(std::move(rules)), view_(view), database_(database), random_(random) {}
  void set_expiry(Expiry expiry) { expiry_ = expiry; }

  // Before the first argument: a name at a later position, and a key already written that is left without expiry.
  void expect_name(const command::Name& name) { names_.push_back(name); }
  void add_lasting(std::string_view physical, uint32_t policy) {
    lasting_.push_back({std::string(physical), policy});
  }

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
  // Appends the steps behind the command, whose replies are discarded; returns how many.
  size_t finish(Buffer& out);

 private:
  struct Lasting {
    std::string physical;
    uint32_t policy;
  };

  const command::Row& row_;
  std::shared_ptr<const scheme::Ruleset> rules_;
  const scheme::View& view_;
  int database_;
  uint64_t random_;
  std::vector<command::Name> names_;  // ascending
  std::vector<Lasting> lasting_;
  Expiry expiry_ = Expiry::kKept;
};

}  // namespace keyshift::plan
