#include "keyshift/plan/script_prelude.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "keyshift/base/check.h"
#include "keyshift/base/sha1.h"
#include "keyshift/resp/writer.h"
#include "script_lua.h"

namespace keyshift::plan {
namespace {

constexpr std::string_view kSource =
#include "script_prelude.lua.inc"
    ;
constexpr std::string_view kLibrarySource =
#include "script_library.lua.inc"
    ;

constexpr std::string_view kBegin = "--[[keyshift]]";
constexpr std::string_view kEnd = "--[[/keyshift]] ";

// On one line, without comments.
std::string one_line(std::string_view source) {
  std::string text;
  while (!source.empty()) {
    std::string_view line = source.substr(0, source.find('\n'));
    source.remove_prefix(std::min(line.size() + 1, source.size()));
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    if (line.empty() || (line.starts_with("--") && !line.starts_with("--@"))) continue;
    text += line;
    text += ' ';
  }
  return text;
}

void fill(std::string& text, std::string_view place, const std::string& with) {
  const size_t at = text.find(place);
  KEYSHIFT_CHECK(at != std::string::npos, place);
  text.replace(at, place.size(), with);
}

const std::string& library_text() {
  static const std::string kText = one_line(kLibrarySource);
  return kText;
}

}  // namespace

ScriptPrelude::ScriptPrelude(const scheme::Ruleset& rules, const scheme::View& view) {
  constexpr size_t kFingerprintSize = 16;
  const bool databases =
      std::ranges::any_of(rules.rules(), [](const scheme::Rule& rule) { return rule.db >= 0; });
  core_ = one_line(kSource);
  fill(core_, "--@rules", lua_rules(rules, view));
  fill(core_, "--@kinds", lua_kinds(databases));
  fill(core_, "--@places", lua_places(databases));
  fill(core_, "--@view", fmt::format("local view='{}'", view.naming == scheme::Naming::kLegacy ? 'l' : 'k'));
  fill(core_, "--@globs", lua_globs(rules, view));
  fingerprint_ = sha1_hex(core_ + library_text()).substr(0, kFingerprintSize);
  core_ = "local fingerprint='" + fingerprint_ + "' " + core_;
}

ScriptPrelude::Frame ScriptPrelude::frame(Kind kind, std::string_view text) {
  size_t at = 0;
  if (text.starts_with("#!")) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) return {text.size(), {}, {}};
    at = end + 1;
  }
  // Valkey's second name of the API is there only if it is wanted: on Redis it is an error to ask for it.
  const bool server = text.find("server") != std::string_view::npos;
  const bool is_plain = text.find("unpack") != std::string_view::npos;
  const std::string head(kBegin);
  const std::string names = server ? "local redis,server=" : "local redis=";
  const std::string_view plain = is_plain ? "true" : "false";
  if (kind == Kind::kScript) {
    return {at, head + names + "(function() ",
            fmt::format("local proxy=prepare({{}},{}) begin(KEYS,ARGV) return proxy,proxy end)();{}", plain,
                        kEnd)};
  }
  return {at, head + names + (server ? "redis,redis" : "redis") + ";redis=(function(own,use,is_plain) ",
          fmt::format("{}end)(redis,function(p) redis{}=p{} end,{});{}", library_text(),
                      server ? ",server" : "", server ? ",p" : "", plain, kEnd)};
}

void ScriptPrelude::append_mapped(Kind kind, std::string_view text, Buffer& out) const {
  const Frame made = frame(kind, text);
  if (made.head.empty()) return resp::append_bulk(out, text);
  resp::append_bulk_header(out, text.size() + made.head.size() + core_.size() + made.tail.size());
  const std::array<std::string_view, 5> parts{text.substr(0, made.at), made.head, core_, made.tail,
                                              text.substr(made.at)};
  for (const std::string_view part : parts) out.append(part);
  out.append("\r\n");
}

std::string ScriptPrelude::mapped_sha(std::string_view text) const {
  const Frame made = frame(Kind::kScript, text);
  if (made.head.empty()) return sha1_hex(text);
  Sha1 sha;
  const std::array<std::string_view, 5> parts{text.substr(0, made.at), made.head, core_, made.tail,
                                              text.substr(made.at)};
  for (const std::string_view part : parts) sha.update(part);
  return sha.hex();
}

bool ScriptPrelude::strip(std::string_view text, Buffer& out) {
  const size_t begin = text.find(kBegin);
  const size_t end = text.find(kEnd, begin == std::string_view::npos ? text.size() : begin);
  if (end == std::string_view::npos) return false;
  out.append(text.substr(0, begin));
  out.append(text.substr(end + kEnd.size()));
  return true;
}

}  // namespace keyshift::plan
