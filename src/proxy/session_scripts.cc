// Session: scripts that build names of keys from their arguments. Only keys that a script declares are renamed, so such a
// script breaks where it is renamed; it is found, counted, and named once in the log.
#include <string>

#include "keyshift/base/log.h"
#include "keyshift/base/printable.h"
#include "keyshift/plan/undeclared_keys.h"
#include "keyshift/proxy/session.h"
#include "keyshift/proxy/worker.h"

namespace keyshift::proxy {

// Requires: row.runs_script().
void Session::note_script(const command::Row& row, const resp::Request& request) {
  if (listener().prelude != nullptr) return;  // maps them
  const Settings& settings = worker_.settings();
  telemetry::LoopStats& stats = worker_.counters();
  const plan::UndeclaredKeys found =
      plan::find_undeclared_keys(row, request, *settings.rules, database_, listener().view);
  // Most applications have no such script, and theirs need no SHA.
  if (found.count == 0 && stats.scripts.empty()) return;
  const std::string script = plan::script_name(row, request);
  if (found.count == 0) {
    stats.scripts.called(script);
    return;
  }
  stats.script_undeclared_keys.add(found.count);
  const std::string_view example = request[found.first];
  const std::string rule = settings.rules->rules()[found.rule].title();
  stats.scripts.found(script, example, rule);
  if (!worker_.script_news().is_new(script)) return;
  log::warn(
      "script {} is given {} as an argument, a name that rule {} renames: if the script uses it as a key, it "
      "looks "
      "under the old name. Declare it in KEYS, or set scripts = \"map\" for the listener. KEYSHIFT SCRIPTS "
      "lists all",
      printable(script), printable(example), rule);
}

}  // namespace keyshift::proxy
