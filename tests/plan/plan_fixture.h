// A little language for planner tests: a request in words, the upstream commands that it becomes in words.
//
//   plan("SET writing_stats:u1:30d x")    "SET analytics:writing_stats:user:u1:days:30d x EX 3600 -> relay"
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "keyshift/base/buffer.h"
#include "keyshift/command/table.h"
#include "keyshift/plan/planner.h"
#include "keyshift/plan/reply_mapper.h"
#include "keyshift/resp/request_parser.h"
#include "keyshift/resp/writer.h"

namespace keyshift::plan {

inline std::vector<std::string> words(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> list;
  for (std::string word; in >> word;) list.push_back(word);
  return list;
}

inline std::string encoded(const std::vector<std::string>& arguments) {
  Buffer out;
  resp::append_array(out, arguments.size());
  for (const std::string& argument : arguments) resp::append_bulk(out, argument);
  return std::string(out.view());
}

class PlanTest : public ::testing::Test {
 protected:
  static constexpr int64_t kNowMs = 1'700'000'000'000;

  // analytics has a default of 1h and a maximum of 24h; work has no policy; {k:any} is not there.
  static scheme::SchemeSpec spec(scheme::Phase phase = scheme::Phase::kConsolidated) {
    scheme::SchemeSpec spec;
    scheme::DomainSpec analytics;
    analytics.name = "analytics";
    analytics.policy.default_ms = 3'600'000;
    analytics.policy.max_ms = 86'400'000;
    analytics.phase = phase;
    spec.domains.push_back(analytics);
    const auto rule = [&spec, phase](std::string legacy, std::string key) {
      scheme::RuleSpec made;
      made.legacy = std::move(legacy);
      made.key = std::move(key);
      made.phase = phase;
      spec.rules.push_back(made);
    };
    rule("writing_stats:{user}:{days:int}d", "analytics:writing_stats:user:{user}:days:{days}d");
    rule("mood:{user}", "analytics:mood:user:{user}");
    rule("job:{id}", "work:jobs:id:{id}");
    return spec;
  }

  void use(const scheme::SchemeSpec& with) {
    auto compiled = scheme::Ruleset::compile(with);
    ASSERT_TRUE(compiled.has_value());
    rules_ = *compiled;
  }
  void SetUp() override { use(spec()); }

  // Databases 0 to 3 are views of 5, and only 0 and 1 have a rule.
  void use_folded() {
    scheme::SchemeSpec folded;
    for (int db = 0; db < 2; ++db) {
      scheme::RuleSpec& rule = folded.rules.emplace_back();
      rule.legacy = "job:{id}";
      rule.key = db == 0 ? "work:jobs:id:{id}" : "mail:jobs:id:{id}";
      rule.db = db;
    }
    folded.fold = scheme::FoldSpec{.into = 5, .databases = 4};
    use(folded);
    view_ = {.naming = scheme::Naming::kLegacy, .unmatched = scheme::Unmatched::kPrefix, .prefix = "db{db}:"};
    rules_->prepare(view_);
  }

  // The bytes that go upstream; plan_ has the rest.
  std::string bytes(const std::string& request_bytes) {
    parser_ = resp::RequestParser();
    EXPECT_EQ(parser_.parse(request_bytes), resp::RequestParser::Status::kRequest);
    const resp::Request request = parser_.request(request_bytes);
    const command::Match match =
        command::Table::built_in().find(request[0], request.size() > 1 ? request[1] : std::string_view());
    EXPECT_EQ(match.outcome, command::Match::Outcome::kFound);
    Buffer out;
    out.append("before");
    planner_.make(*match.row, request,
                  {.rules = rules_,
                   .view = view_,
                   .protocol = resp::Protocol::kResp2,
                   .database = 0,
                   .now_ms = kNowMs,
                   .audience = audience_,
                   .prelude = prelude_.get(),
                   .shas = &shas_},
                  out, plan_);
    return std::string(out.view().substr(6));
  }

  std::string plan_arguments(const std::vector<std::string>& arguments) {
    const std::string upstream = bytes(encoded(arguments));
    if (plan_.refusal != Refusal::kNone) {
      EXPECT_EQ(upstream, "");
      return "refused";
    }
    std::string text;
    std::string_view rest = upstream;
    for (const Disposition step : plan_.steps) {
      resp::RequestParser parser;
      EXPECT_EQ(parser.parse(rest), resp::RequestParser::Status::kRequest) << upstream;
      const resp::Request command = parser.request(rest);
      if (!text.empty()) text += "; ";
      for (size_t i = 0; i < command.size(); ++i) text += (i == 0 ? "" : " ") + std::string(command[i]);
      text += step == Disposition::kRelay ? " -> relay"
              : step == Disposition::kMap ? " -> map"
                                          : " -> discard";
      rest.remove_prefix(parser.frame_size());
    }
    EXPECT_EQ(rest, "") << "bytes without a step";
    return text;
  }
  std::string plan(const std::string& line) { return plan_arguments(words(line)); }

  // What the client gets for an upstream reply to the last planned request.
  std::string mapped(std::string_view reply) {
    Buffer out;
    plan_.mapper->map(reply, out);
    return std::string(out.view());
  }
  // The same where the reply goes through in pieces of so many bytes; "refused" if it is none to the request.
  std::string passed(std::string_view reply, size_t size = SIZE_MAX) {
    Buffer out;
    for (; !reply.empty(); reply.remove_prefix(std::min(size, reply.size()))) {
      const std::string piece(reply.substr(0, size));
      if (!plan_.mapper->pass(piece, out)) return "refused";
    }
    return std::string(out.view());
  }

  std::shared_ptr<const scheme::Ruleset> rules_;
  scheme::View view_;
  std::unique_ptr<ScriptPrelude> prelude_;  // null: scripts go as they are
  ScriptShas shas_;
  const Audience* audience_ = nullptr;
  Planner planner_{7};
  Plan plan_;
  resp::RequestParser parser_;
};

}  // namespace keyshift::plan
