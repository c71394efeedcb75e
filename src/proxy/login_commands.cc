// AUTH and HELLO: who the client is, and what it speaks.
#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "keyshift/base/ascii.h"
#include "keyshift/base/secret.h"
#include "keyshift/proxy/errors.h"
#include "keyshift/proxy/session.h"
#include "keyshift/proxy/worker.h"
#include "keyshift/resp/number.h"
#include "keyshift/resp/writer.h"
#include "local_call.h"

namespace keyshift::proxy {
namespace {

using resp::Protocol;

// What is to be said of a name and a password.
struct Judgement {
  enum class Verdict : uint8_t { kWait, kGranted, kRefused } verdict = Verdict::kRefused;
  std::string error = std::string(errors::kWrongPass);
  std::string name;
  std::shared_ptr<upstream::User> user;

  static Judgement refused(std::string error) { return {Verdict::kRefused, std::move(error), {}, nullptr}; }
  static Judgement granted(std::string_view name, std::shared_ptr<upstream::User> user = nullptr) {
    return {Verdict::kGranted, {}, std::string(name), std::move(user)};
  }
};

Judgement by_upstream(Session& session, const upstream::Credentials& said, Protocol protocol) {
  const auto login = session.ask_login(said, protocol);
  if (!login) return {Judgement::Verdict::kWait, {}, {}, nullptr};
  switch (login->outcome) {
    case upstream::Login::Outcome::kGranted:
      return Judgement::granted(said.name(), login->user);
    case upstream::Login::Outcome::kRefused:
      return Judgement::refused(login->text);
    case upstream::Login::Outcome::kUnreachable:
      return Judgement::refused(errors::upstream_down(login->text));
    case upstream::Login::Outcome::kTooMany:
      break;
  }
  return Judgement::refused(errors::too_many_users());
}

// An application that was configured for the upstream's password goes on sending it: on a listener without users and
// password of its own that is right too.
bool is_upstreams(Session& session, std::string_view name, std::string_view password) {
  const auto& upstream = session.worker().options().pool.connection;
  if (upstream.password.empty()) return name == "default";
  return (name == "default" || name == upstream.username) && equal_secret(password, upstream.password);
}

Judgement by_us(Session& session, std::string_view name, std::string_view password) {
  const ListenerSettings& listener = session.listener();
  if (name == "default" && !listener.password.empty())
    return equal_secret(password, listener.password) ? Judgement::granted(name) : Judgement();
  const auto found = listener.users.find(name);
  if (found != listener.users.end()) {
    if (!equal_secret(password, found->second.password)) return {};
    if (!found->second.upstream) return Judgement::granted(name);
    auto user = session.worker().users().vouched(*found->second.upstream);
    return user ? Judgement::granted(name, std::move(user)) : Judgement::refused(errors::too_many_users());
  }
  const bool has_none = listener.password.empty() && listener.users.empty();
  return has_none && is_upstreams(session, name, password) ? Judgement::granted("default") : Judgement();
}

// `name`: nothing for AUTH with a password alone. `request`: the whole of it, if it says nothing else.
Judgement judge(Session& session, std::optional<std::string_view> name, std::string_view password,
                Protocol protocol, std::string_view request) {
  if (name && name->empty()) return {};
  if (!session.listener().asks_upstream) return by_us(session, name.value_or("default"), password);
  return by_upstream(session, {std::string(name.value_or("")), std::string(password), std::string(request)},
                     protocol);
}

// Whether AUTH with a password alone makes no sense, since everybody is let in without.
bool has_no_password(Session& session) {
  const ListenerSettings& listener = session.listener();
  return !listener.asks_upstream && listener.password.empty() && listener.users.empty() &&
         session.worker().options().pool.connection.password.empty();
}

bool auth(const Call& call) {
  const resp::Request& request = call.request;
  if (request.size() > 3) {
    call.error(errors::kSyntax);
    return true;
  }
  const bool with_user = request.size() == 3;
  if (!with_user && has_no_password(call.session)) {
    call.error(errors::kNoPasswordSet);
    return true;
  }
  const auto judged = judge(call.session, with_user ? std::optional(request[1]) : std::nullopt,
                            request[with_user ? 2 : 1], Protocol::kResp2, request.block());
  if (judged.verdict == Judgement::Verdict::kWait) return false;
  if (judged.verdict == Judgement::Verdict::kRefused) {
    call.error(judged.error);
    return true;
  }
  if (!call.session.become(judged.name, judged.user)) return false;
  call.ok();
  return true;
}

void append_hello(const Call& call, Protocol protocol) {
  Buffer& reply = call.reply;
  const Facts::Server server = call.session.worker().facts().server();
  const auto field = [&reply](std::string_view name, std::string_view value) {
    resp::append_bulk(reply, name);
    resp::append_bulk(reply, value);
  };
  resp::append_map(reply, 7, protocol);
  field("server", "redis");
  field("version", server.version);
  resp::append_bulk(reply, "proto");
  resp::append_integer(reply, static_cast<int>(protocol));
  resp::append_bulk(reply, "id");
  resp::append_integer(reply, static_cast<int64_t>(call.session.entry().id));
  field("mode", server.mode);
  field("role", server.role);
  resp::append_bulk(reply, "modules");
  resp::append_array(reply, 0);
}

// The last AUTH of HELLO's options, which is the one that counts; 0: there is none.
size_t last_auth(const resp::Request& request) {
  size_t last = 0;
  for (size_t i = 2; i < request.size(); i += is_word(request[i], "auth") ? 3 : 2) {
    if (is_word(request[i], "auth") && i + 2 < request.size()) last = i;
  }
  return last;
}

// AUTH and SETNAME take effect at once, as in Redis, also where what stands behind them is wrong. False: try again.
bool take_hello_options(const Call& call, Protocol protocol, bool& refused) {
  const resp::Request& request = call.request;
  const size_t counts = last_auth(request);
  refused = true;
  for (size_t i = 2; i < request.size();) {
    if (is_word(request[i], "auth") && i + 2 < request.size()) {
      if (i == counts) {
        const std::string_view alone = request.size() == 5 ? request.block() : std::string_view();
        const auto judged = judge(call.session, request[i + 1], request[i + 2], protocol, alone);
        if (judged.verdict == Judgement::Verdict::kWait) return false;
        if (judged.verdict == Judgement::Verdict::kRefused) {
          call.error(judged.error);
          return true;
        }
        if (!call.session.become(judged.name, judged.user)) return false;
      }
      i += 3;
    } else if (is_word(request[i], "setname") && i + 1 < request.size()) {
      if (!is_client_name(request[i + 1])) {
        call.error(errors::kClientName);
        return true;
      }
      call.session.worker().clients().set_name(call.session.entry(), request[i + 1]);
      i += 2;
    } else {
      call.error(fmt::format("ERR Syntax error in HELLO option '{}'", request[i]));
      return true;
    }
  }
  refused = false;
  return true;
}

// HELLO [protover [AUTH username password] [SETNAME name]]
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
  bool refused = false;
  if (!take_hello_options(call, protocol, refused)) return false;
  if (refused) return true;
  if (!session.authenticated()) {
    call.error(errors::kHelloNoAuth);
    return true;
  }
  if (!session.set_protocol(protocol)) return false;
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
