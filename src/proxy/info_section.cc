#include "info_section.h"

#include <algorithm>

#include <fmt/format.h>

#include "keyshift/base/ascii.h"
#include "keyshift/proxy/worker.h"
#include "keyshift/resp/reply_cursor.h"
#include "keyshift/resp/writer.h"
#include "keyshift/scheme/names.h"

namespace keyshift::proxy {
bool info_is_only_ours(const resp::Request& request) {
  return request.size() == 2 && is_word(request[1], "keyshift");
}

bool info_wants_ours(const resp::Request& request) {
  if (request.size() == 1) return true;
  for (size_t i = 1; i < request.size(); ++i) {
    for (const std::string_view word : {"default", "all", "everything", "keyshift"}) {
      if (is_word(request[i], word)) return true;
    }
  }
  return false;
}

std::string info_section(Worker& worker) {
  const Options& options = worker.options();
  const Settings& settings = worker.settings();
  const auto health = worker.facts().health();
  return fmt::format(
      "# Keyshift\r\nkeyshift_version:{}\r\nkeyshift_phase:{}\r\nkeyshift_rules:{}\r\nkeyshift_domains:{}\r\n"
      "keyshift_workers:{}\r\nkeyshift_clients:{}\r\nkeyshift_upstream:{}\r\nkeyshift_upstream_ready:{}\r\n",
      KEYSHIFT_VERSION, scheme::phase_name(settings.phase), settings.rules->rules().size(),
      settings.rules->domains().size(), options.workers, worker.clients().size(),
      options.pool.connection.address.text(), health.ready ? "yes" : "no");
}

namespace {

// Puts `value` in the place of what the text says of `field`, "connected_clients:".
void replace_value(std::string& text, std::string_view field, size_t value) {
  const size_t at = text.find(fmt::format("\n{}", field));
  if (at == std::string::npos) return;
  const size_t begin = at + 1 + field.size();
  const size_t end = std::min(text.find('\r', begin), text.size());
  text.replace(begin, end - begin, fmt::format("{}", value));
}

}  // namespace

void append_info(std::string_view reply, Worker& worker, bool with_section, resp::Protocol protocol,
                 Buffer& out) {
  const resp::Token token = resp::ReplyCursor(reply).next();
  if (!token.is_string() && token.type != '=') {
    out.append(reply);
    return;
  }
  std::string text(token.type == '=' ? token.text.substr(4) : token.text);
  replace_value(text, "connected_clients:", worker.clients().size());
  if (with_section) {
    if (!text.empty()) text += "\r\n";
    text += info_section(worker);
  }
  if (token.type == '=') {
    resp::append_verbatim(out, "txt", text, protocol);
  } else {
    resp::append_bulk(out, text);
  }
}

}  // namespace keyshift::proxy
