// KEYSHIFT STATUS, EXPLAIN, CONVERT, RULES, STATS, UNMATCHED, RELOAD: what the sidecar says about itself to whoever is
// connected with redis-cli.
//
// Answers are maps (in RESP2: name and value in turn) whose names do not change. Numbers are those of all workers.
#pragma once

#include "keyshift/base/buffer.h"
#include "keyshift/command/row.h"
#include "keyshift/resp/request.h"

namespace keyshift::proxy {

class Session;

// Appends the answer to `reply`; RELOAD's comes later, from the session. Requires: a row of Family::kKeyshift that takes
// the request.
void run_own_command(const command::Row& row, const resp::Request& request, Session& session, Buffer& reply);

}  // namespace keyshift::proxy
