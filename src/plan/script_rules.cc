// The rules of a view as Lua code. Code, not data: a script is compiled once, and its tables would be built at every call.
//
//   local function who(k,f) local p14=k:sub(1,14) local c
//     if f<1 and p14=='writing_stats:' then c=reads(k,15,{1,':',12,'d'}) if c then return 1,c end end
//     ...
//   local function made(i,c) if i==1 then return 'analytics:writing_stats:user:'..c[0]..':days:'..c[1]..'d' end ...
#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "keyshift/scheme/glob.h"
#include "script_lua.h"

namespace keyshift::plan {

using scheme::CaptureType;
using scheme::Naming;
using scheme::Piece;
using scheme::Reading;
using scheme::Rule;
using scheme::Ruleset;
using scheme::Template;
using scheme::Unmatched;

namespace {

// Lua has room for 200 locals in a function.
constexpr size_t kMostBeginnings = 100;

// The type's number in the prelude's `runs`.
int run_of(CaptureType type) {
  switch (type) {
    case CaptureType::kSeg:
      return 1;
    case CaptureType::kInt:
      return 2;
    case CaptureType::kHex:
      return 3;
    case CaptureType::kUuid:
      return 4;
    case CaptureType::kDate:
      return 5;
    case CaptureType::kAny:
    case CaptureType::kList:
      break;
  }
  return 6;
}

std::string piece_text(const Template& made, const Piece& piece) {
  if (piece.is_literal()) return lua_text(piece.literal);
  const scheme::Capture& capture = made.captures()[static_cast<size_t>(piece.capture)];
  if (capture.type != CaptureType::kList) return std::to_string(10 * piece.capture + run_of(capture.type));
  std::string words = "{" + std::to_string(piece.capture);
  for (const std::string& word : capture.words) words += "," + lua_text(word);
  return words + "}";
}

// What all names of a template begin with.
std::string_view beginning(const Template& made) {
  const Piece& first = made.pieces().front();
  return first.is_literal() ? std::string_view(first.literal) : std::string_view();
}

char letter(Naming naming) {
  return naming == Naming::kLegacy ? 'l' : 'k';
}

class RulesText {
 public:
  RulesText(const Ruleset& rules, const scheme::View& view)
      : rules_(rules), view_(view), readings_(rules.reading_order(view.naming)) {}

  std::string text() const { return marks() + who() + made() + partner() + unmatched() + bare(); }

 private:
  const Template& side(const Reading& reading) const {
    return rules_.rules()[reading.rule].side(reading.side);
  }
  bool is_physical(const Reading& reading) const {
    return rules_.rules()[reading.rule].physical_side() == reading.side;
  }

  std::string marks() const {
    std::string sides;
    std::string namings;
    for (const Reading& reading : readings_) {
      const bool legacy = reading.side == Naming::kLegacy;
      sides += is_physical(reading) ? 'p' : legacy ? 'w' : 'c';
      namings += letter(reading.side);
    }
    return fmt::format("local sides,namings='{}','{}' ", sides, namings);
  }

  std::string who() const {
    std::set<size_t> sizes;
    for (const Reading& reading : readings_)
      if (sizes.size() < kMostBeginnings && !beginning(side(reading)).empty())
        sizes.insert(beginning(side(reading)).size());
    std::string text = "local function who(k,f) local c ";
    for (const size_t size : sizes) text += fmt::format("local p{0}=k:sub(1,{0}) ", size);
    for (size_t i = 0; i < readings_.size(); ++i) {
      const Template& made = side(readings_[i]);
      const std::string_view begin = beginning(made);
      const Rule& rule = rules_.rules()[readings_[i].rule];
      text += fmt::format("if f<{} ", i + 1);
      if (rule.db >= 0) text += fmt::format("and db=={} ", rule.db);
      if (sizes.contains(begin.size())) {
        text += fmt::format("and p{}=={} ", begin.size(), lua_text(begin));
      } else if (!begin.empty()) {
        text += fmt::format("and k:sub(1,{})=={} ", begin.size(), lua_text(begin));
      }
      std::string pieces;
      for (size_t piece = begin.empty() ? 0 : 1; piece < made.pieces().size(); ++piece) {
        if (!pieces.empty()) pieces += ',';
        pieces += piece_text(made, made.pieces()[piece]);
      }
      text += fmt::format("then c=reads(k,{},{{{}}}) if c then return {},c end end ", begin.size() + 1,
                          pieces, i + 1);
    }
    return text + "return 0 end ";
  }

  std::string made() const {
    std::string text = "local function made(i,c) ";
    for (size_t i = 0; i < readings_.size(); ++i) {
      const Template& target = rules_.rules()[readings_[i].rule].side(scheme::other(readings_[i].side));
      std::string name;
      for (const Piece& piece : target.pieces()) {
        if (!name.empty()) name += "..";
        name += piece.is_literal() ? lua_text(piece.literal) : fmt::format("c[{}]", piece.capture);
      }
      text += fmt::format("if i=={} then return {} end ", i + 1, name);
    }
    return text + "end ";
  }

  // Only a consolidated name whose key is the legacy one asks: another rule may take that.
  std::string partner() const {
    std::string text = "local function partner(i) ";
    for (size_t i = 0; i < readings_.size(); ++i) {
      if (is_physical(readings_[i]) || readings_[i].side == Naming::kLegacy) continue;
      const auto other = std::ranges::find_if(readings_, [&](const Reading& reading) {
        return reading.rule == readings_[i].rule && reading.side == Naming::kLegacy;
      });
      text += fmt::format("if i=={} then return {} end ", i + 1, other - readings_.begin() + 1);
    }
    return text + "end ";
  }

  std::string unmatched() const {
    if (view_.unmatched == Unmatched::kPass) return "local function unmatched(k) return k end ";
    std::string domains;
    for (const scheme::Domain& domain : rules_.domains()) {
      if (!domain.configured) continue;
      domains += fmt::format("{}d=={}", domains.empty() ? "" : " or ", lua_text(domain.name));
    }
    std::string text = "local function unmatched(k) ";
    if (!domains.empty())
      text += fmt::format("local d=k:match('^([^:]*):') if {} then return k end ", domains);
    const bool refuses = view_.unmatched == Unmatched::kRefuse;
    return text + (refuses ? "return false" : "return " + lua_text(view_.prefix) + "..k") + " end ";
  }

  std::string bare() const {
    if (view_.unmatched != Unmatched::kPrefix || view_.prefix.empty()) return "local function bare() end ";
    const size_t size = view_.prefix.size();
    return fmt::format("local function bare(p) if p:sub(1,{})=={} then return p:sub({}) end end ", size,
                       lua_text(view_.prefix), size + 1);
  }

  const Ruleset& rules_;
  const scheme::View& view_;
  const std::vector<Reading>& readings_;
};

}  // namespace

std::string lua_text(std::string_view text) {
  std::string quoted = "'";
  for (const char byte : text) {
    const auto code = static_cast<unsigned char>(byte);
    if (code < 0x20 || code > 0x7e || byte == '\'' || byte == '\\') {
      quoted += fmt::format("\\{:03}", code);
    } else {
      quoted += byte;
    }
  }
  return quoted + "'";
}

std::string lua_rules(const Ruleset& rules, const scheme::View& view) {
  return RulesText(rules, view).text();
}

std::string lua_globs(const Ruleset& rules, const scheme::View& view) {
  std::string text;
  for (const Rule& rule : rules.rules()) {
    std::string glob;
    scheme::append_glob_escaped(glob, beginning(rule.side(rule.physical_side())));
    text += fmt::format("add({},{},'{}',{}) ", lua_text(beginning(rule.legacy)),
                        lua_text(beginning(rule.key)), letter(rule.physical_side()), lua_text(glob + "*"));
  }
  if (view.unmatched == Unmatched::kPrefix && !view.prefix.empty()) {
    std::string prefix;
    scheme::append_glob_escaped(prefix, view.prefix);
    text += fmt::format("list[#list+1]={}..g ", lua_text(prefix));
  }
  std::string domains;
  for (const scheme::Domain& domain : rules.domains())
    domains += fmt::format("{}d=={}", domains.empty() ? "" : " or ", lua_text(domain.name));
  return text +
         fmt::format("local d=lead:match('^([^:]*):') local domain={} ", domains.empty() ? "false" : domains);
}

}  // namespace keyshift::plan
