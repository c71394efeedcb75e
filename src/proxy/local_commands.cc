#include "local_commands.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include <fmt/format.h>

#include "client_filter.h"
#include "keyshift/base/ascii.h"
#include "keyshift/proxy/errors.h"
#include "keyshift/proxy/session.h"
#include "keyshift/proxy/worker.h"
#include "keyshift/resp/number.h"
#include "keyshift/resp/writer.h"
#include "own_commands.h"

namespace keyshift::proxy {
namespace {

using resp::Protocol;

// What a handler gets to see.
struct Call {
  const command::Row& row;
  const resp::Request& request;
  Session& session;
  Buffer& reply;

  void ok() const { resp::append_simple(reply, "OK"); }
  void error(std::string_view text) const { resp::append_error(reply, text); }
};

bool echo(const Call& call) {
  resp::append_bulk(call.reply, call.request[1]);
  return true;
}

bool quit(const Call& call) {
  call.ok();
  call.session.finish();
  return true;
}

bool reset(const Call& call) {
  if (!call.session.set_protocol(Protocol::kResp2)) return false;
  call.session.reset();
  resp::append_simple(call.reply, "RESET");
  return true;
}

// Redis's own limit to `databases` is that of an int.
constexpr int64_t kHighestDatabase = std::numeric_limits<int>::max();

bool select(const Call& call) {
  int64_t database = 0;
  if (!resp::parse_integer(call.request[1], database)) {
    call.error(errors::kNotInteger);
  } else if (database < 0 || database > kHighestDatabase) {
    call.error(errors::kDatabaseRange);
  } else if (call.session.worker().has_database(static_cast<int>(database))) {
    call.session.set_database(static_cast<int>(database));
    call.ok();
  } else {
    call.session.select_upstream(call.row, static_cast<int>(database));
  }
  return true;
}

// Passwords are compared in a time that does not tell how much of them was right.
bool equal_secret(std::string_view given, std::string_view wanted) {
  unsigned difference = given.size() == wanted.size() ? 0 : 1;
  for (size_t i = 0; i < given.size(); ++i) {
    difference |= static_cast<unsigned char>(given[i]) ^
                  static_cast<unsigned char>(wanted.empty() ? '\0' : wanted[i % wanted.size()]);
  }
  return difference == 0;
}

// An application that was configured for the upstream's password goes on sending it: on a listener without a password
// of its own that is right too.
bool password_fits(Session& session, std::string_view user, std::string_view password) {
  const std::string& own = session.listener().password;
  const auto& upstream = session.worker().options().pool.connection;
  if (!own.empty()) return user == "default" && equal_secret(password, own);
  if (upstream.password.empty()) return user == "default";
  return (user == "default" || user == upstream.username) && equal_secret(password, upstream.password);
}

bool auth(const Call& call) {
  if (call.request.size() > 3) {
    call.error(errors::kSyntax);
    return true;
  }
  const bool with_user = call.request.size() == 3;
  const auto& upstream = call.session.worker().options().pool.connection;
  if (!with_user && call.session.listener().password.empty() && upstream.password.empty()) {
    call.error(errors::kNoPasswordSet);
    return true;
  }
  if (!password_fits(call.session, with_user ? call.request[1] : "default",
                     call.request[with_user ? 2 : 1])) {
    call.error(errors::kWrongPass);
    return true;
  }
  call.session.set_authenticated(true);
  call.ok();
  return true;
}

// The characters that Redis allows in a client's name.
bool is_client_name(std::string_view name) {
  return std::all_of(name.begin(), name.end(), [](char c) { return c >= '!' && c <= '~'; });
}

void append_hello(const Call& call, Protocol protocol) {
  Buffer& reply = call.reply;
  const auto field = [&reply](std::string_view name, std::string_view value) {
    resp::append_bulk(reply, name);
    resp::append_bulk(reply, value);
  };
  resp::append_map(reply, 7, protocol);
  field("server", "redis");
  field("version", call.session.worker().facts().version());
  resp::append_bulk(reply, "proto");
  resp::append_integer(reply, static_cast<int>(protocol));
  resp::append_bulk(reply, "id");
  resp::append_integer(reply, static_cast<int64_t>(call.session.entry().id));
  field("mode", "standalone");
  field("role", "master");
  resp::append_bulk(reply, "modules");
  resp::append_array(reply, 0);
}

// HELLO [protover [AUTH username password] [SETNAME name]]: nothing is changed unless all of it can be.
bool hello(const Call& call) {
  const resp::Request& request = call.request;
  Session& session = call.session;
  Protocol protocol = session.protocol();
  if (request.size() > 1) {
    int64_t version = 0;
    if (!resp::parse_integer(request[1], version)) {
      call.error(errors::kBadProto);
      return true;
    }
    if (version != 2 && version != 3) {
      call.error(errors::kNoProto);
      return true;
    }
    protocol = version == 3 ? Protocol::kResp3 : Protocol::kResp2;
  }
  bool authenticated = session.authenticated();
  std::optional<std::string_view> name;
  for (size_t i = 2; i < request.size();) {
    if (is_word(request[i], "auth") && i + 2 < request.size()) {
      if (!password_fits(session, request[i + 1], request[i + 2])) {
        call.error(errors::kWrongPass);
        return true;
      }
      authenticated = true;
      i += 3;
    } else if (is_word(request[i], "setname") && i + 1 < request.size()) {
      if (!is_client_name(request[i + 1])) {
        call.error(errors::kClientName);
        return true;
      }
      name = request[i + 1];
      i += 2;
    } else {
      call.error(fmt::format("ERR Syntax error in HELLO option '{}'", request[i]));
      return true;
    }
  }
  if (!authenticated) {
    call.error(errors::kHelloNoAuth);
    return true;
  }
  if (!session.set_protocol(protocol)) return false;
  session.set_authenticated(true);
  if (name) session.worker().clients().set_name(session.entry(), *name);
  append_hello(call, protocol);
  return true;
}

bool client_id(const Call& call) {
  resp::append_integer(call.reply, static_cast<int64_t>(call.session.entry().id));
  return true;
}

bool client_getname(const Call& call) {
  const std::string name = call.session.worker().clients().name(call.session.entry());
  if (name.empty()) {
    resp::append_null(call.reply, call.session.protocol());
  } else {
    resp::append_bulk(call.reply, name);
  }
  return true;
}

bool client_setname(const Call& call) {
  if (!is_client_name(call.request[2])) {
    call.error(errors::kClientName);
    return true;
  }
  call.session.worker().clients().set_name(call.session.entry(), call.request[2]);
  call.ok();
  return true;
}

bool client_setinfo(const Call& call) {
  const std::string attribute = to_lower(call.request[2]);
  if (!is_client_name(call.request[3])) {
    call.error(fmt::format("ERR {} cannot contain spaces, newlines or special characters.", attribute));
  } else if (!call.session.worker().clients().set_library(call.session.entry(), attribute, call.request[3])) {
    call.error(fmt::format("ERR Unrecognized option '{}'", call.request[2]));
  } else {
    call.ok();
  }
  return true;
}

bool client_info(const Call& call) {
  Worker& worker = call.session.worker();
  resp::append_verbatim(call.reply, "txt",
                        worker.clients().line(call.session.entry(), worker.loop().now_ns()),
                        call.session.protocol());
  return true;
}

bool client_list(const Call& call) {
  Worker& worker = call.session.worker();
  const auto filter = ClientFilter::of_list(call.request);
  if (!filter) {
    call.error(filter.error().text);
    return true;
  }
  const std::string lines = worker.clients().list(
      worker.loop().now_ns(), [&filter](const ClientEntry& entry) { return filter->fits(entry); });
  resp::append_verbatim(call.reply, "txt", lines, call.session.protocol());
  return true;
}

bool client_kill(const Call& call) {
  Worker& worker = call.session.worker();
  const auto filter = ClientFilter::of_kill(call.request, call.session.entry().id);
  if (!filter) {
    call.error(filter.error().text);
    return true;
  }
  const size_t killed =
      worker.clients().kill([&filter](const ClientEntry& entry) { return filter->fits(entry); });
  if (!filter->old_form()) {
    resp::append_integer(call.reply, static_cast<int64_t>(killed));
  } else if (killed == 0) {
    call.error(errors::kNoSuchClient);
  } else {
    call.ok();
  }
  return true;
}

bool client_reply(const Call& call) {
  if (is_word(call.request[2], "on")) {
    call.session.set_replies(Session::Replies::kOn);
    call.ok();
  } else if (is_word(call.request[2], "off")) {
    call.session.set_replies(Session::Replies::kOff);
  } else if (is_word(call.request[2], "skip")) {
    call.session.skip_next_reply();
  } else {
    call.error(errors::kSyntax);
  }
  return true;
}

// NO-EVICT and NO-TOUCH are about the upstream's memory, which a client of a shared connection does not own; accepting
// them changes no answer.
bool client_on_off(const Call& call) {
  if (is_word(call.request[2], "on") || is_word(call.request[2], "off")) {
    call.ok();
  } else {
    call.error(errors::kSyntax);
  }
  return true;
}

bool client_getredir(const Call& call) {
  resp::append_integer(call.reply, -1);
  return true;
}

bool client_trackinginfo(const Call& call) {
  const Protocol protocol = call.session.protocol();
  resp::append_map(call.reply, 3, protocol);
  resp::append_bulk(call.reply, "flags");
  resp::append_set(call.reply, 1, protocol);
  resp::append_bulk(call.reply, "off");
  resp::append_bulk(call.reply, "redirect");
  resp::append_integer(call.reply, -1);
  resp::append_bulk(call.reply, "prefixes");
  resp::append_array(call.reply, 0);
  return true;
}

// CLIENT UNBLOCK id [TIMEOUT | ERROR]
bool client_unblock(const Call& call) {
  const resp::Request& request = call.request;
  const bool error = request.size() == 4 && is_word(request[3], "error");
  int64_t id = 0;
  if (request.size() > 4 || (request.size() == 4 && !error && !is_word(request[3], "timeout"))) {
    call.error(errors::kUnblockReason);
  } else if (!resp::parse_integer(request[2], id)) {
    call.error(errors::kNotInteger);
  } else {
    const bool found = id > 0 && call.session.worker().clients().unblock(static_cast<uint64_t>(id), error);
    resp::append_integer(call.reply, found ? 1 : 0);
  }
  return true;
}

bool client_help(const Call& call) {
  constexpr std::array<std::string_view, 13> kLines = {
      "CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands answered by Keyshift:",
      "GETNAME",
      "ID",
      "INFO",
      "KILL <option>",
      "LIST [options ...]",
      "NO-EVICT (ON|OFF)",
      "REPLY (ON|OFF|SKIP)",
      "SETINFO (LIB-NAME|LIB-VER) <value>",
      "SETNAME <name>",
      "TRACKINGINFO",
      "UNBLOCK <clientid> [TIMEOUT|ERROR]",
      "HELP",
  };
  resp::append_array(call.reply, kLines.size());
  for (const std::string_view line : kLines) resp::append_simple(call.reply, line);
  return true;
}

bool just_ok(const Call& call) {
  call.ok();
  return true;
}

bool whoami(const Call& call) {
  resp::append_bulk(call.reply, "default");
  return true;
}

bool bare_container(const Call& call) {
  call.error(errors::wrong_arity(call.row.name));
  return true;
}

using Handler = bool (*)(const Call&);

const std::unordered_map<std::string_view, Handler>& handlers() {
  static const std::unordered_map<std::string_view, Handler> kHandlers = {
      {"acl|whoami", whoami},
      {"auth", auth},
      {"client", bare_container},
      {"client|capa", just_ok},
      {"client|getname", client_getname},
      {"client|getredir", client_getredir},
      {"client|help", client_help},
      {"client|id", client_id},
      {"client|info", client_info},
      {"client|kill", client_kill},
      {"client|list", client_list},
      {"client|no-evict", client_on_off},
      {"client|no-touch", client_on_off},
      {"client|reply", client_reply},
      {"client|setinfo", client_setinfo},
      {"client|setname", client_setname},
      {"client|trackinginfo", client_trackinginfo},
      {"client|unblock", client_unblock},
      {"echo", echo},
      {"hello", hello},
      {"quit", quit},
      {"reset", reset},
      {"select", select},
  };
  return kHandlers;
}

}  // namespace

bool LocalCommands::run(const command::Row& row, const resp::Request& request, Session& session,
                        Buffer& reply) {
  if (row.family == command::Family::kKeyshift) {
    run_own_command(row, request, session, reply);
    return true;
  }
  const auto handler = handlers().find(row.name);
  if (handler == handlers().end()) {
    resp::append_error(reply, errors::never_possible(row.name));
    return true;
  }
  return handler->second(Call{row, request, session, reply});
}

bool LocalCommands::allowed_before_auth(const command::Row& row) {
  return row.name == "auth" || row.name == "hello" || row.name == "quit" || row.name == "reset";
}

}  // namespace keyshift::proxy
