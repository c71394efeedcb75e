// A node of the TOML document as the value of an option, or as words about it.
//
// Together with toml_reader.cc and toml_syntax.cc the only code that knows toml++, which is taken without exceptions.
#pragma once

#include <string>
#include <string_view>

#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
// Some mistakes, "[[" at the end of a line for one, fail an assertion of toml++ 3.3 whose condition it then tests
// again and reports. So its assertions are off; NDEBUG must be unset for it, or they would become promises to the
// compiler.
#define TOML_ASSERT(condition) static_cast<void>(0)
#pragma push_macro("NDEBUG")
#undef NDEBUG
#include <toml++/toml.h>
#pragma pop_macro("NDEBUG")

#include "keyshift/config/option.h"
#include "option_text.h"

namespace keyshift::config {

// The value as the operator wrote it, or nearly so: "\"90s\"", "30", "[\"a\", \"b\"]".
std::string node_text(const toml::node& node);
// The node as a value of the option's type; fails with what is wrong: "must be a whole number without quotes, not a
// text".
Result<Value> node_value(const Option& option, const toml::node& node, const Ttls& ttls);
// What was probably meant by a node that is no value of the option: "\"30s\"" for 30. Empty: nothing is near.
std::string suggest_value(const Option& option, const toml::node& node, const Ttls& ttls);

}  // namespace keyshift::config
