#include "keyshift/scheme/ruleset.h"

#include <cstring>

#include "keyshift/base/check.h"
#include "matcher.h"

namespace keyshift::scheme {

// ---- names from parts

const Acceptance& Matcher::accept(const Side& side, std::string_view key, const Span* captures) const {
  uint32_t state = dfa.start();
  for (const Part& part : side.parts) state = dfa.walk(state, bytes(part, key, captures));
  return acceptances[dfa.accept(state)];
}

char* Matcher::write(const Side& side, std::string_view key, const Span* captures, char* out) const {
  for (const Part& part : side.parts) {
    const std::string_view piece = bytes(part, key, captures);
    std::memcpy(out, piece.data(), piece.size());
    out += piece.size();
  }
  return out;
}

bool Matcher::is_made(const Side& side, std::string_view key, const Span* captures,
                      std::string_view name) const {
  for (const Part& part : side.parts) {
    const std::string_view piece = bytes(part, key, captures);
    if (name.substr(0, piece.size()) != piece) return false;
    name.remove_prefix(piece.size());
  }
  return name.empty();
}

uint32_t Matcher::varying_policy(uint32_t domain, const Side& consolidated, std::string_view key,
                                 const Span* captures, uint32_t otherwise) const {
  for (const ResourcePolicy& resource : resources[domain]) {
    // Compares the second segment, wherever its bytes come from.
    bool second = false;
    bool equal = true;
    size_t at = 0;
    for (const Part& part : consolidated.parts) {
      std::string_view piece = bytes(part, key, captures);
      if (!second) {  // the first segment is a literal that ends in this first part
        second = true;
        piece.remove_prefix(piece.find(':') + 1);
      }
      const size_t colon = piece.find(':');
      const std::string_view here = piece.substr(0, colon);
      equal = resource.name.compare(at, here.size(), here) == 0;
      at += here.size();
      if (!equal || colon != std::string_view::npos) break;
    }
    if (equal && at == resource.name.size()) return resource.policy;
  }
  return otherwise;
}

// ---- reading a name

Ruleset::Ruleset() = default;
Ruleset::~Ruleset() = default;

Match Ruleset::match(std::string_view key, int db, const View& view) const {
  const Matcher& matcher = *matcher_;
  Match match;
  match.key_size = static_cast<uint32_t>(key.size());
  const Acceptance& acceptance = matcher.accept(key);
  const Candidate* const found = matcher.choose(acceptance, db, view.naming);
  if (found == nullptr) {
    match.domain = matcher.native_domain(acceptance, db, view.naming);
    if (match.domain != Match::kNone) {
      match.kind = Match::Kind::kNative;
      match.policy = acceptance.policy;
    } else if (view.unmatched == Unmatched::kRefuse) {
      match.refused = true;
    } else if (view.unmatched == Unmatched::kPrefix) {
      match.prefix = view.prefix_in(db);
      match.identity = match.prefix.empty();
    }
    return match;
  }
  const Side& side = matcher.side(found->rule, found->side);
  match.kind = Match::Kind::kRule;
  match.side = found->side;
  match.rule = found->rule;
  match.domain = side.domain;
  match.policy = side.policy;
  match.identity = side.physical;
  match.capture_count = side.captures;
  side.extraction.run(key, match.captures.data());
  if (side.resource_varies) {
    match.policy = matcher.varying_policy(side.domain, matcher.side(found->rule, Naming::kConsolidated), key,
                                          match.captures.data(), side.policy);
  }
  if (!side.physical && found->side == Naming::kConsolidated) {
    // A more specific rule may take the legacy name that this one unmaps to. Then this key has no legacy name, and its
    // physical name is its own.
    const Side& legacy = matcher.side(found->rule, Naming::kLegacy);
    if (legacy.contested[static_cast<size_t>(view.naming)]) {
      const Candidate* const back =
          matcher.choose(matcher.accept(legacy, key, match.captures.data()), db, view.naming);
      match.identity = back == nullptr || back->rule != found->rule || back->side != Naming::kLegacy;
    }
  }
  return match;
}

// ---- the physical name

size_t Ruleset::physical_size(const Match& match) const {
  KEYSHIFT_CHECK(!match.refused, "a refused key has no physical name");
  if (match.identity) return match.key_size;
  if (match.kind != Match::Kind::kRule) return match.prefix.size() + match.key_size;
  // Both sides hold the same captures once each, so only the literals differ.
  return match.key_size - matcher_->side(match.rule, match.side).literal_size +
         matcher_->side(match.rule, other(match.side)).literal_size;
}

char* Ruleset::write_physical(const Match& match, std::string_view key, char* out) const {
  KEYSHIFT_CHECK(!match.refused && key.size() == match.key_size, "not the key that was matched");
  if (match.kind == Match::Kind::kRule && !match.identity) {
    return matcher_->write(matcher_->side(match.rule, other(match.side)), key, match.captures.data(), out);
  }
  if (!match.identity) {
    std::memcpy(out, match.prefix.data(), match.prefix.size());
    out += match.prefix.size();
  }
  if (!key.empty()) std::memcpy(out, key.data(), key.size());
  return out + key.size();
}

void Ruleset::append_physical(const Match& match, std::string_view key, Buffer& out) const {
  const size_t size = physical_size(match);
  write_physical(match, key, out.reserve(size));
  out.commit(size);
}

// ---- the way back

// Does `name`, as a client says it, reach the key `physical`? Compares without making the name's key.
bool Ruleset::reaches(std::string_view name, std::string_view physical, int db, const View& view) const {
  const Match match = this->match(name, db, view);
  if (match.refused) return false;
  if (match.identity) return name == physical;
  if (physical_size(match) != physical.size()) return false;
  if (match.kind == Match::Kind::kRule) {
    const Side& side = matcher_->side(match.rule, other(match.side));
    return matcher_->is_made(side, name, match.captures.data(), physical);
  }
  return physical.substr(0, match.prefix.size()) == match.prefix &&
         physical.substr(match.prefix.size()) == name;
}

bool Ruleset::shown(std::string_view physical, int db, const View& view, Naming naming, Buffer& out) const {
  const Matcher& matcher = *matcher_;
  const Acceptance& acceptance = matcher.accept(physical);
  const size_t before = out.size();
  // Appends the name in `wanted` that a rule gives to this key, if it leads back.
  const auto by_rule = [&](Naming wanted) {
    for (uint32_t i = 0; i < acceptance.count; ++i) {
      const Candidate& candidate = matcher.candidates[acceptance.begin[static_cast<size_t>(view.naming)] + i];
      const Side& side = matcher.side(candidate.rule, candidate.side);
      if (!matcher.in_db(candidate, db) || !side.physical || candidate.side == wanted) continue;
      const Side& target = matcher.side(candidate.rule, wanted);
      Span captures[Template::kMaxCaptures];
      side.extraction.run(physical, captures);
      const size_t size = physical.size() - side.literal_size + target.literal_size;
      matcher.write(target, physical, captures, out.reserve(size));
      out.commit(size);
      // A name that no other candidate contests reads as this rule's; a consolidated one still has to find its way
      // through the legacy side, which match() decides.
      const bool sure = wanted == Naming::kLegacy && !target.contested[static_cast<size_t>(view.naming)];
      if (sure) return true;
      if (reaches(out.view().substr(before), physical, db, view)) return true;
      out.truncate(before);
    }
    return false;
  };
  const auto own = [&] {
    if (!reaches(physical, physical, db, view)) return false;
    out.append(physical);
    return true;
  };
  const auto unprefixed = [&] {
    const std::string_view prefix =
        view.unmatched == Unmatched::kPrefix ? view.prefix_in(db) : std::string_view();
    if (prefix.empty() || !physical.starts_with(prefix)) return false;
    const std::string_view name = physical.substr(prefix.size());
    if (!reaches(name, physical, db, view)) return false;
    out.append(name);
    return true;
  };
  return by_rule(naming) || own() || by_rule(other(naming)) || unprefixed();
}

Ruleset::Conversion Ruleset::convert(std::string_view key, int db, Naming to, Buffer& out) const {
  const Matcher& matcher = *matcher_;
  const Naming from = other(to);
  // Read as the side that it is converted from, whatever else it fits.
  const Candidate* const found = matcher.choose(matcher.accept(key), db, from);
  if (found == nullptr) return Conversion::kNone;
  if (found->side == to) {
    out.append(key);
    return Conversion::kAlready;
  }
  Span captures[Template::kMaxCaptures];
  const Side& side = matcher.side(found->rule, from);
  const Side& target = matcher.side(found->rule, to);
  side.extraction.run(key, captures);
  const Candidate* const back = matcher.choose(matcher.accept(target, key, captures), db, to);
  if (back == nullptr || back->rule != found->rule || back->side != to) return Conversion::kNone;
  const size_t size = key.size() - side.literal_size + target.literal_size;
  matcher.write(target, key, captures, out.reserve(size));
  out.commit(size);
  return Conversion::kConverted;
}

std::vector<Reading> Ruleset::readings(std::string_view key, const View& view) const {
  const Acceptance& acceptance = matcher_->accept(key);
  std::vector<Reading> list;
  for (uint32_t i = 0; i < acceptance.count; ++i) {
    const Candidate& candidate = matcher_->candidates[acceptance.begin[static_cast<size_t>(view.naming)] + i];
    list.push_back({candidate.rule, candidate.side});
  }
  return list;
}

uint32_t Ruleset::find_domain(std::string_view name) const {
  for (size_t i = 0; i < domains_.size(); ++i) {
    if (domains_[i].name == name) return static_cast<uint32_t>(i);
  }
  return Match::kNone;
}

const Fold& Ruleset::fold() const {
  return matcher_->fold;
}

size_t Ruleset::matcher_states() const {
  return matcher_->dfa.state_count();
}

}  // namespace keyshift::scheme
