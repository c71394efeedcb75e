// RulesetCompiler: a SchemeSpec becomes a Ruleset, or a list of everything that is wrong with it.
//
//   1. domains and resources   names, bounds; each gets its policy
//   2. rules                   both templates parsed, their captures paired, each side's reading planned; which
//                              databases fold
//   3. automaton, Dfa          all sides of all rules, and the prefixes of configured domains
//   4. overlaps                what OverlapProof (overlaps.h) says of the Dfa's accept sets
//   5. acceptances             what each accept set means to a view
//
// All errors come at once: a rule that is wrong by itself is left out, and the others are still proved against each
// other.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "keyshift/scheme/ruleset.h"
#include "matcher.h"

namespace keyshift::scheme {

class RulesetCompiler {
 public:
  explicit RulesetCompiler(const SchemeSpec& spec)
      : spec_(spec), rules_(new Ruleset), matcher_(new Matcher) {}

  tl::expected<std::shared_ptr<const Ruleset>, std::vector<SchemeError>> run();

 private:
  using Field = SchemeError::Field;

  void error(const std::string& location, Field field, int column, std::string text,
             std::vector<std::string> witness = {});
  void error(const std::string& location, Field field, const TemplateError& problem);

  // policies.cc
  void domains();
  uint32_t policy(const PolicySpec& spec, const TtlPolicy& inherited, const std::string& location,
                  Field field);
  void segment_name(const std::string& name, const std::string& location, Field field);

  void add_rules();
  void add_rule(const RuleSpec& spec);
  bool find_domain(const RuleSpec& spec, Rule& rule);
  void find_resource(Rule& rule, Side& consolidated);
  void add_side(const Template& made, bool physical, Extraction extraction);
  bool build();
  const Rule& rule_that_multiplies() const;

  // pairing.cc
  bool pair_captures(const RuleSpec& spec, Rule& rule);
  void pair_types(const RuleSpec& spec, Rule& rule, int in_key, int in_legacy);
  void unpaired_captures(const RuleSpec& spec, const Rule& rule);

  // folding.cc
  void fold();
  bool folds_alone(const Rule& rule);

  void prove();
  void accept();
  void order_candidates(const std::vector<uint32_t>& ids, Naming view);
  bool is_tried_before(const Reading& a, const Reading& b, Naming view) const;
  void order_readings(Naming view);

  // What the Dfa accepts: 2 * rule + side, behind these the natives: domains and resources.
  struct NativeId {
    uint32_t domain;
    uint32_t policy;
    bool resource;
  };

  const SchemeSpec& spec_;
  std::unique_ptr<Ruleset> rules_;
  std::unique_ptr<Matcher> matcher_;
  std::vector<SchemeError> errors_;
  std::vector<NativeId> natives_;
  std::vector<Dfa::AcceptSet> accept_sets_;
  std::vector<uint32_t> set_count_;  // by id: how many accept sets hold it
};

}  // namespace keyshift::scheme
