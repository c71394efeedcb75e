// LocalCommands: the commands that the proxy answers itself, since what they are about is the session's and not a shared
// upstream connection's: who it is, what it speaks, where it looks.
//
// One function a command, found by the row's name. Answers are Redis 7's, word for word.
#pragma once

#include <span>
#include <string_view>

#include "keyshift/base/buffer.h"
#include "keyshift/command/row.h"
#include "keyshift/resp/request.h"

namespace keyshift::proxy {

class Session;

class LocalCommands {
 public:
  // Appends the answer to `reply`. Returns false if the command must be tried again when the session's replies have
  // left (HELLO with another protocol). Requires: row.scope == kLocal, row.takes(request.size()).
  static bool run(const command::Row& row, const resp::Request& request, Session& session, Buffer& reply);
  // The words of a command that the upstream refuses as it refuses this one to a user who may not use it, and that
  // changes nothing; empty: this one is nobody's business but the session's.
  static std::span<const std::string_view> probe(const command::Row& row);
  // AUTH, HELLO, QUIT and RESET: what a client may say before it has logged in.
  static bool allowed_before_auth(const command::Row& row);
};

}  // namespace keyshift::proxy
