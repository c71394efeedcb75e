// Laws of load() on any TOML text.
//
//   - there is a Config, or at least one problem; each problem has a place in the file and one line of printable text
//   - what is accepted is compiled, has a listener, is the same when it is loaded again, and needs no restart for it
//
// Files of secrets do not exist here: the input could name a terminal.
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

#include "keyshift/base/printable.h"
#include "keyshift/config/load.h"
#include "keyshift/config/reload.h"

namespace keyshift::config {
namespace {

// Proofs of rules may multiply each other: they have a target of their own, this one is about what stands around them.
constexpr size_t kMaxInput = 12 * 1024;

void require(bool law, std::string_view what, const std::string& text) {
  if (law) return;
  std::cerr << "broken: " << what << "\n" << text << "\n";
  std::abort();
}

void check(std::string_view toml) {
  Sources sources;
  sources.file = "fuzz.toml";
  sources.toml = toml;
  sources.has_toml = true;
  sources.read_file = [](const std::string&) -> Result<std::string> { return fail("there are no files"); };
  const auto config = load(sources);
  if (!config) {
    require(!config.error().empty(), "neither a Config nor a problem", "");
    for (const Problem& problem : config.error()) {
      const std::string text = problem.render();
      require(is_printable(text), "a problem is one printable line", text);
      require(problem.source == sources.file && problem.line > 0 && problem.column > 0,
              "a problem of the file has a place in it", text);
    }
    return;
  }
  require(config->rules != nullptr, "what is accepted is compiled", "");
  require(!config->listeners.empty(), "there is a listener", "");
  const auto again = load(sources);
  require(again.has_value(), "what is accepted once is accepted twice", "");
  const auto restart = restart_options(*config, *again);
  require(restart.empty(), "a Config differs from itself", restart.empty() ? "" : restart.front());
}

}  // namespace
}  // namespace keyshift::config

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > keyshift::config::kMaxInput) return 0;
  keyshift::config::check({reinterpret_cast<const char*>(data), size});
  return 0;
}
