#include "local_commands.h"

#include <array>
#include <chrono>
#include <span>
#include <string_view>
#include <unordered_map>

#include "keyshift/proxy/errors.h"
#include "keyshift/proxy/session.h"
#include "keyshift/proxy/worker.h"
#include "keyshift/resp/number.h"
#include "local_call.h"
#include "local_latencies.h"
#include "own_commands.h"

namespace keyshift::proxy {
namespace {

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
  if (!call.session.reset()) return false;
  resp::append_simple(call.reply, "RESET");
  return true;
}

bool select(const Call& call) {
  const scheme::Fold& fold = call.session.worker().settings().rules->fold();
  int64_t database = 0;
  if (!resp::parse_integer(call.request[1], database)) {
    call.error(errors::kNotInteger);
  } else if (database != static_cast<int>(database)) {
    call.error(errors::kIntRange);
  } else if (database < 0 || !fold.has(static_cast<int>(database))) {
    call.error(errors::kDatabaseRange);
  } else if (fold.holds(static_cast<int>(database)) ||
             call.session.pool().has_database(static_cast<int>(database))) {
    call.session.set_database(static_cast<int>(database));
    call.ok();
  } else {
    call.session.select_upstream(call.row, static_cast<int>(database));
  }
  return true;
}

bool whoami(const Call& call) {
  resp::append_bulk(call.reply, call.session.user_name());
  return true;
}

bool bare_container(const Call& call) {
  call.error(errors::wrong_arity(call.row.name));
  return true;
}

const std::unordered_map<std::string_view, Handler>& handlers() {
  static const std::unordered_map<std::string_view, Handler> kHandlers = [] {
    std::unordered_map<std::string_view, Handler> found = {
        {"acl|whoami", whoami}, {"client", bare_container}, {"echo", echo},
        {"quit", quit},         {"reset", reset},           {"select", select},
    };
    for (const auto& commands : {client_commands(), login_commands()}) {
      for (const LocalCommand& command : commands) found.emplace(command.name, command.handler);
    }
    return found;
  }();
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
  const auto begin = std::chrono::steady_clock::now();
  if (!handler->second(Call{row, request, session, reply})) return false;
  const std::chrono::nanoseconds took = std::chrono::steady_clock::now() - begin;
  session.worker().latencies().record(row.name, static_cast<uint64_t>(took.count()));
  return true;
}

std::span<const std::string_view> LocalCommands::probe(const command::Row& row) {
  struct Probe {
    std::string_view name;
    std::array<std::string_view, 4> words;
    size_t count;
  };
  // Each changes nothing, or is refused by Redis when it comes to be executed.
  static constexpr std::array kProbes = {
      Probe{"acl|whoami", {"ACL", "WHOAMI"}, 2},
      Probe{"client|kill", {"CLIENT", "KILL", "TYPE", "?"}, 4},
      Probe{"client|list", {"CLIENT", "LIST", "TYPE", "?"}, 4},
      Probe{"client|unblock", {"CLIENT", "UNBLOCK", "?"}, 3},
  };
  // Our own commands tell and change what CONFIG does of a Redis.
  static constexpr std::array<std::string_view, 3> kOwn = {"CONFIG", "GET", "keyshift"};
  if (row.family == command::Family::kKeyshift) return kOwn;
  for (const Probe& probe : kProbes) {
    if (probe.name == row.name) return std::span(probe.words).first(probe.count);
  }
  return {};
}

bool LocalCommands::allowed_before_auth(const command::Row& row) {
  return row.name == "auth" || row.name == "hello" || row.name == "quit" || row.name == "reset";
}

}  // namespace keyshift::proxy
