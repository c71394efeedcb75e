// Call: what the handler of a local command gets to see, and the tables that the handlers stand in.
//
// A handler appends its answer to call.reply and returns true; or it returns false, having changed nothing, and is called
// again when the session's replies have left. Handlers are found by the row's name: LocalCommands joins the tables.
#pragma once

#include <span>
#include <string_view>

#include "keyshift/base/buffer.h"
#include "keyshift/command/row.h"
#include "keyshift/resp/request.h"
#include "keyshift/resp/writer.h"

namespace keyshift::proxy {

class Session;

struct Call {
  const command::Row& row;
  const resp::Request& request;
  Session& session;
  Buffer& reply;

  void ok() const { resp::append_simple(reply, "OK"); }
  void error(std::string_view text) const { resp::append_error(reply, text); }
};

using Handler = bool (*)(const Call&);

struct LocalCommand {
  std::string_view name;  // the row's
  Handler handler;
};

// The subcommands of CLIENT: client_commands.cc.
std::span<const LocalCommand> client_commands();
// AUTH and HELLO: login_commands.cc.
std::span<const LocalCommand> login_commands();

// The characters that Redis allows in a client's name.
bool is_client_name(std::string_view name);

}  // namespace keyshift::proxy
