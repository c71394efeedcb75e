// AUTH and HELLO: who the client is, and what it speaks.
#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "keyshift/base/ascii.h"
#include "keyshift/proxy/errors.h"
#include "keyshift/proxy/session.h"
#include "keyshift/proxy/worker.h"
#include "keyshift/resp/number.h"
#include "keyshift/resp/writer.h"
#include "local_call.h"

namespace keyshift::proxy {
namespace {

using resp::Protocol;

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

constexpr std::array kCommands = {
    LocalCommand{"auth", auth},
    LocalCommand{"hello", hello},
};

}  // namespace

std::span<const LocalCommand> login_commands() {
  return kCommands;
}

// The characters that Redis allows in a client's name.
bool is_client_name(std::string_view name) {
  return std::all_of(name.begin(), name.end(), [](char c) { return c >= '!' && c <= '~'; });
}

}  // namespace keyshift::proxy
