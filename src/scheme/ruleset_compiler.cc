#include "ruleset_compiler.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "overlaps.h"
#include "witness.h"

namespace keyshift::scheme {
namespace {

// Once the captures are paired: do both sides say the same, whatever the spelling?
bool same_names(const Rule& rule) {
  const auto equal = [](const Piece& a, const Piece& b) {
    return a.capture == b.capture && a.literal == b.literal;
  };
  return std::equal(rule.legacy.pieces().begin(), rule.legacy.pieces().end(), rule.key.pieces().begin(),
                    rule.key.pieces().end(), equal);
}

}  // namespace

tl::expected<std::shared_ptr<const Ruleset>, std::vector<SchemeError>> Ruleset::compile(
    const SchemeSpec& spec) {
  return RulesetCompiler(spec).run();
}

tl::expected<std::shared_ptr<const Ruleset>, std::vector<SchemeError>> RulesetCompiler::run() {
  domains();
  add_rules();
  fold();
  if (build()) prove();
  if (!errors_.empty()) return tl::make_unexpected(std::move(errors_));
  accept();
  rules_->matcher_ = std::move(matcher_);
  return std::shared_ptr<const Ruleset>(std::move(rules_));
}

void RulesetCompiler::error(const std::string& location, Field field, int column, std::string text,
                            std::vector<std::string> witness) {
  errors_.push_back({location, field, column, std::move(text), std::move(witness)});
}

void RulesetCompiler::error(const std::string& location, Field field, const TemplateError& problem) {
  error(location, field, problem.column, problem.text, problem.witness);
}

// ---- rules

void RulesetCompiler::add_rules() {
  for (const RuleSpec& spec : spec_.rules) add_rule(spec);
}

void RulesetCompiler::add_rule(const RuleSpec& spec) {
  auto legacy = Template::parse(spec.legacy);
  auto key = Template::parse(spec.key);
  if (!legacy) error(spec.location, Field::kLegacy, legacy.error());
  if (!key) error(spec.location, Field::kKey, key.error());
  const bool bad_db = spec.db && *spec.db < 0;
  if (bad_db) error(spec.location, Field::kRule, 0, "a database is numbered from 0");
  if (!legacy || !key) return;
  Rule rule{std::move(*legacy), std::move(*key), spec.phase, spec.db.value_or(-1), Match::kNone, 0,
            spec.location};
  const bool paired = pair_captures(spec, rule);
  if (!find_domain(spec, rule) || !paired) return;
  if (same_names(rule)) {
    error(spec.location, Field::kRule, 0,
          "both templates are the same, so nothing is renamed; a configured domain needs no rule for its own "
          "keys");
    return;
  }
  auto legacy_reading = Extraction::plan(rule.legacy);
  auto key_reading = Extraction::plan(rule.key);
  if (!legacy_reading) error(spec.location, Field::kLegacy, legacy_reading.error());
  if (!key_reading) error(spec.location, Field::kKey, key_reading.error());
  if (!legacy_reading || !key_reading || bad_db) return;
  add_side(rule.legacy, rule.physical_side() == Naming::kLegacy, std::move(*legacy_reading));
  add_side(rule.key, rule.physical_side() == Naming::kConsolidated, std::move(*key_reading));
  find_resource(rule, matcher_->sides.back());
  matcher_->sides[matcher_->sides.size() - 2].resource_varies = matcher_->sides.back().resource_varies;
  for (size_t i = matcher_->sides.size() - 2; i < matcher_->sides.size(); ++i) {
    matcher_->sides[i].domain = rule.domain;
    matcher_->sides[i].policy = rule.policy;
  }
  rules_->rules_.push_back(std::move(rule));
}

bool RulesetCompiler::find_domain(const RuleSpec& spec, Rule& rule) {
  const Piece& first = rule.key.pieces().front();
  const size_t colon = first.is_literal() ? first.literal.find(':') : std::string::npos;
  if (colon == std::string::npos || colon == 0) {
    error(
        spec.location, Field::kKey, 1,
        "the key has no domain: its first segment must be a literal that ends in `:`, such as `analytics:`");
    return false;
  }
  const std::string name = first.literal.substr(0, colon);
  rule.domain = rules_->find_domain(name);
  if (rule.domain == Match::kNone) {
    rule.domain = static_cast<uint32_t>(rules_->domains_.size());
    rules_->domains_.push_back({name, false, 0});
    matcher_->resources.emplace_back();
  }
  rule.policy = rules_->domains_[rule.domain].policy;
  return true;
}

// The second segment of the key names the resource, now or once the captures are known.
void RulesetCompiler::find_resource(Rule& rule, Side& consolidated) {
  const std::vector<ResourcePolicy>& resources = matcher_->resources[rule.domain];
  const std::string& first = rule.key.pieces().front().literal;
  const size_t begin = first.find(':') + 1;
  const size_t end = first.find(':', begin);
  if (end == std::string::npos && rule.key.pieces().size() > 1) {
    consolidated.resource_varies = !resources.empty();
    return;
  }
  const std::string name = first.substr(begin, end - begin);
  for (const ResourcePolicy& resource : resources) {
    if (resource.name == name) rule.policy = resource.policy;
  }
}

void RulesetCompiler::add_side(const Template& made, bool physical, Extraction extraction) {
  Side& side = matcher_->sides.emplace_back();
  side.extraction = std::move(extraction);
  side.physical = physical;
  side.captures = static_cast<uint8_t>(made.captures().size());
  side.literal_size = static_cast<uint32_t>(made.literal_size());
  for (const Piece& piece : made.pieces()) {
    side.parts.push_back({static_cast<uint32_t>(matcher_->literals.size()),
                          static_cast<uint32_t>(piece.literal.size()), piece.capture});
    matcher_->literals += piece.literal;
  }
}

// ---- the automaton

bool RulesetCompiler::build() {
  Automaton automaton;
  uint32_t id = 0;
  for (const Rule& rule : rules_->rules_) {
    automaton.add(rule.legacy, id++);
    automaton.add(rule.key, id++);
  }
  size_t native = 0;
  for (uint32_t domain = 0; domain < rules_->domains_.size(); ++domain) {
    if (!rules_->domains_[domain].configured) continue;
    const std::string prefix = rules_->domains_[domain].name + ":";
    automaton.add_prefix(prefix, false, id + static_cast<uint32_t>(native++));
    for (const ResourcePolicy& resource : matcher_->resources[domain]) {
      automaton.add_prefix(prefix + resource.name + ":", true, id + static_cast<uint32_t>(native++));
    }
  }
  if (!matcher_->dfa.build(automaton)) {
    const Rule& rule = rule_that_multiplies();
    error(rule.location, Field::kRule, 0,
          "the templates multiply each other: too many ways to read one key at once; use fewer `any` "
          "captures in "
          "front of literals, or begin the templates with literals; " +
              rule_title(rule, Naming::kLegacy) + " is the first to look at");
    return false;
  }
  accept_sets_ = matcher_->dfa.take_accept_sets();
  return true;
}

// The limits are met by all rules together: the first with an `any` that something follows, or the first of all.
const Rule& RulesetCompiler::rule_that_multiplies() const {
  const auto goes_on = [](const Template& side) {
    for (const Piece& piece : side.pieces())
      if (!piece.is_literal() && &piece != &side.pieces().back() &&
          side.captures()[static_cast<size_t>(piece.capture)].type == CaptureType::kAny)
        return true;
    return false;
  };
  const auto found = std::find_if(rules_->rules_.begin(), rules_->rules_.end(), [&](const Rule& rule) {
    return goes_on(rule.legacy) || goes_on(rule.key);
  });
  return found == rules_->rules_.end() ? rules_->rules_.front() : *found;
}

void RulesetCompiler::prove() {
  OverlapProof proof(rules_->rules_, *matcher_, accept_sets_, 2 * rules_->rules_.size() + natives_.size());
  proof.run();
  std::ranges::move(proof.take_errors(), std::back_inserter(errors_));
  set_count_ = proof.set_count();
  rules_->overlaps_ = proof.take_overlaps();
  rules_->overlap_count_ = proof.overlap_count();
  rules_->proof_steps_ = proof.steps();
}

// ---- what an accept set means

// Where one language lies inside another it is in fewer accept sets.
bool RulesetCompiler::is_tried_before(const Reading& a, const Reading& b, Naming view) const {
  const auto count = [this](const Reading& reading) {
    return set_count_[2 * reading.rule + static_cast<size_t>(reading.side)];
  };
  const auto limited = [this](const Reading& reading) { return rules_->rules_[reading.rule].db >= 0; };
  if (a.side != b.side) return a.side == view;
  if (count(a) != count(b)) return count(a) < count(b);
  return limited(a) && !limited(b);
}

void RulesetCompiler::order_readings(Naming view) {
  std::vector<Reading>& order = rules_->order_[static_cast<size_t>(view)];
  for (uint32_t rule = 0; rule < rules_->rules_.size(); ++rule) {
    order.push_back({rule, Naming::kLegacy});
    order.push_back({rule, Naming::kConsolidated});
  }
  std::ranges::stable_sort(order,
                           [&](const Reading& a, const Reading& b) { return is_tried_before(a, b, view); });
}

void RulesetCompiler::order_candidates(const std::vector<uint32_t>& ids, Naming view) {
  const size_t begin = matcher_->candidates.size();
  for (const uint32_t id : ids) {
    if (id >= 2 * rules_->rules_.size()) break;
    const Naming side = id % 2 == 0 ? Naming::kLegacy : Naming::kConsolidated;
    const int db = rules_->rules_[id / 2].db;
    const bool anywhere = view == Naming::kConsolidated && side == view && matcher_->fold.holds(db);
    matcher_->candidates.push_back({id / 2, anywhere ? Candidate::kFolded : db, side});
  }
  const auto first = matcher_->candidates.begin() + static_cast<std::ptrdiff_t>(begin);
  std::stable_sort(first, matcher_->candidates.end(), [&](const Candidate& a, const Candidate& b) {
    return is_tried_before({a.rule, a.side}, {b.rule, b.side}, view);
  });
  // What an earlier candidate of the same database may take.
  bool any = false;
  bool everywhere = false;
  std::set<int32_t> databases;
  for (size_t i = begin; i < matcher_->candidates.size(); ++i) {
    const Candidate& late = matcher_->candidates[i];
    if (late.db < 0 ? any : everywhere || databases.count(late.db) != 0)
      matcher_->sides[2 * late.rule + static_cast<size_t>(late.side)].contested[static_cast<size_t>(view)] =
          true;
    any = true;
    if (late.db < 0) {
      everywhere = true;
    } else {
      databases.insert(late.db);
    }
  }
}

void RulesetCompiler::accept() {
  const auto rule_ids = static_cast<uint32_t>(2 * rules_->rules_.size());
  for (const Naming view : {Naming::kLegacy, Naming::kConsolidated}) order_readings(view);
  for (const Dfa::AcceptSet& set : accept_sets_) {
    Acceptance made;
    for (const Naming view : {Naming::kLegacy, Naming::kConsolidated}) {
      const size_t begin = matcher_->candidates.size();
      order_candidates(set.ids, view);
      made.begin[static_cast<size_t>(view)] = static_cast<uint32_t>(begin);
      made.count = static_cast<uint32_t>(matcher_->candidates.size() - begin);
    }
    bool resource = false;
    for (const uint32_t id : set.ids) {
      if (id < rule_ids) continue;
      const NativeId& native = natives_[id - rule_ids];
      if (resource) continue;
      made.domain = native.domain;
      made.policy = native.policy;
      resource = native.resource;
    }
    matcher_->acceptances.push_back(made);
  }
}

}  // namespace keyshift::scheme
