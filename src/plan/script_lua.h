// The parts of the prelude that follow from data, as Lua: what is written in the places that script_prelude.lua.inc names.
#pragma once

#include <string>
#include <string_view>

#include "keyshift/scheme/ruleset.h"

namespace keyshift::plan {

// 'text' as Lua reads it, whatever its bytes.
std::string lua_text(std::string_view text);

// who(), made(), and what else reads and writes names.
std::string lua_rules(const scheme::Ruleset& rules, const scheme::View& view);
// The body of globs(): how names begin, and the globs of their keys.
std::string lua_globs(const scheme::Ruleset& rules, const scheme::View& view);
// kind() and places(), from the command table. `databases`: a rule is limited to one.
std::string lua_kinds(bool databases);
std::string lua_places(bool databases);

}  // namespace keyshift::plan
