// CLIENT: what it asks of the session itself, and of the sessions of all workers.
#include <array>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "client_filter.h"
#include "keyshift/base/ascii.h"
#include "keyshift/proxy/errors.h"
#include "keyshift/proxy/session.h"
#include "keyshift/proxy/worker.h"
#include "keyshift/resp/number.h"
#include "keyshift/resp/writer.h"
#include "local_call.h"

namespace keyshift::proxy {
namespace {

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
  Session& session = call.session;
  ClientRegistry& clients = session.worker().clients();
  const auto is_user = [&](std::string_view name) {
    return name == "default" || session.listener().users.contains(name) || clients.has_user(name);
  };
  const auto filter = ClientFilter::of_kill(call.request, session.entry().id, is_user);
  if (!filter) {
    call.error(filter.error().text);
    return true;
  }
  // Nobody who waits may take anything after it was said to be killed.
  const auto fits = [&filter](const ClientEntry& entry) { return filter->fits(entry); };
  if (!session.end_waits([&] { return clients.waits_of_killed(fits); }, WaitEnd::kTimeout)) return false;
  bool itself = false;
  const size_t killed = clients.kill([&](const ClientEntry& entry) {
    if (!filter->fits(entry)) return false;
    if (&entry == &session.entry()) itself = true;
    return true;
  });
  if (itself) session.finish();  // after the reply
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
// them changes no answer but CLIENT LIST's.
bool client_no_evict(const Call& call) {
  const bool on = is_word(call.request[2], "on");
  if (on || is_word(call.request[2], "off")) {
    call.session.entry().set(ClientFlag::kSparedByEviction, on);
    call.ok();
  } else {
    call.error(errors::kSyntax);
  }
  return true;
}

bool client_no_touch(const Call& call) {
  if (is_word(call.request[2], "on") || is_word(call.request[2], "off")) {
    call.ok();
  } else {
    call.error(errors::kSyntax);
  }
  return true;
}

bool client_getredir(const Call& call) {
  resp::append_integer(call.reply, call.session.redirected_to());
  return true;
}

bool client_trackinginfo(const Call& call) {
  call.session.append_tracking_info(call.reply);
  return true;
}

// CLIENT UNBLOCK id [TIMEOUT | ERROR]. The server is asked: it knows whether the client still waits.
bool client_unblock(const Call& call) {
  const resp::Request& request = call.request;
  const bool error = request.size() == 4 && is_word(request[3], "error");
  int64_t id = 0;
  if (request.size() > 4) {
    call.error(errors::kUnblockSyntax);
  } else if (request.size() == 4 && !error && !is_word(request[3], "timeout")) {
    call.error(errors::kUnblockReason);
  } else if (!resp::parse_integer(request[2], id)) {
    call.error(errors::kNotInteger);
  } else {
    const auto wait_of_client = [&] {
      std::vector<EndedWait> waits;
      if (auto wait = call.session.worker().clients().wait_of(static_cast<uint64_t>(id)))
        waits.push_back(std::move(*wait));
      return waits;
    };
    const auto answer = call.session.end_waits(wait_of_client, error ? WaitEnd::kError : WaitEnd::kTimeout);
    if (!answer) return false;
    call.reply.append(*answer);
  }
  return true;
}

bool just_ok(const Call& call) {
  call.ok();
  return true;
}

constexpr std::array kCommands = {
    LocalCommand{"client|capa", just_ok},
    LocalCommand{"client|getname", client_getname},
    LocalCommand{"client|getredir", client_getredir},
    LocalCommand{"client|id", client_id},
    LocalCommand{"client|info", client_info},
    LocalCommand{"client|kill", client_kill},
    LocalCommand{"client|list", client_list},
    LocalCommand{"client|no-evict", client_no_evict},
    LocalCommand{"client|no-touch", client_no_touch},
    LocalCommand{"client|reply", client_reply},
    LocalCommand{"client|setinfo", client_setinfo},
    LocalCommand{"client|setname", client_setname},
    LocalCommand{"client|trackinginfo", client_trackinginfo},
    LocalCommand{"client|unblock", client_unblock},
};

}  // namespace

std::span<const LocalCommand> client_commands() {
  return kCommands;
}

}  // namespace keyshift::proxy
