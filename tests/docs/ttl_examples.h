// TtlExamples: what requests become, told by the planner itself.
//
//   examples.add("SADD mood:user:u1 calm");
//   examples.table()      | the application sends | Redis gets |
//                         | `SADD mood:user:u1 calm` | `SADD mood:user:u1 calm`, `EXPIRE mood:user:u1 3600 NX` |
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "keyshift/plan/planner.h"

namespace keyshift::docs {

class TtlExamples {
 public:
  static constexpr int64_t kNowMs = 1'700'000'000'000;

  // Requires: `toml` is a configuration without mistakes.
  explicit TtlExamples(std::string_view toml);

  // Requires: `line` is a command that the table knows, its arguments separated by single blanks.
  void add(const std::string& line);
  // The rows so far as a table, which are then forgotten.
  std::string table();

 private:
  std::shared_ptr<const scheme::Ruleset> rules_;
  scheme::View view_;
  plan::Planner planner_{1};
  std::string rows_;
};

}  // namespace keyshift::docs
