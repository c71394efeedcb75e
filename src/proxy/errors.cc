#include "keyshift/proxy/errors.h"

#include <algorithm>

#include <fmt/format.h>

#include "keyshift/base/ascii.h"

namespace keyshift::proxy::errors {
namespace {

// How Redis cuts what it quotes.
constexpr size_t kQuoted = 128;

// Redis formats arguments as C strings: they end at the first zero byte.
std::string_view cut(std::string_view text, size_t most = kQuoted) {
  return text.substr(0, text.find('\0')).substr(0, most);
}

// "client|setname" as a person would type it.
std::string spoken(std::string_view name) {
  std::string text = to_upper(name);
  std::replace(text.begin(), text.end(), '|', ' ');
  return text;
}

}  // namespace

std::string unknown_command(const resp::Request& request) {
  std::string arguments;
  for (size_t i = 1; i < request.size() && arguments.size() < kQuoted; ++i) {
    arguments += fmt::format("'{}' ", cut(request[i], kQuoted - arguments.size()));
  }
  return fmt::format("ERR unknown command '{}', with args beginning with: {}", cut(request[0]), arguments);
}

std::string unknown_subcommand(const resp::Request& request) {
  return fmt::format("ERR unknown subcommand '{}'. Try {} HELP.", cut(request[1]), to_upper(request[0]));
}

std::string wrong_arity(std::string_view name) {
  return fmt::format("ERR wrong number of arguments for '{}' command", name);
}

std::string only_subscriber(std::string_view name) {
  return fmt::format(
      "ERR Can't execute '{}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in "
      "this "
      "context",
      name);
}

std::string outside_of_transaction(std::string_view name) {
  return fmt::format("ERR {} cannot be a part of a transaction here; send it before MULTI, or after EXEC",
                     spoken(name));
}

std::string exec_aborted(std::string_view reason) {
  return fmt::format("EXECABORT Transaction discarded because of: {}", reason);
}

std::string overlaps_existing_prefix(std::string_view prefix, std::string_view existing) {
  return fmt::format(
      "ERR Prefix '{}' overlaps with an existing prefix '{}'. Prefixes for a single client must not overlap.",
      cut(prefix, prefix.size()), cut(existing, existing.size()));
}

std::string overlaps_provided_prefix(std::string_view prefix, std::string_view provided) {
  return fmt::format(
      "ERR Prefix '{}' overlaps with another provided prefix '{}'. Prefixes for a single client must not "
      "overlap.",
      cut(prefix, prefix.size()), cut(provided, provided.size()));
}

std::string no_lease(std::string_view name) {
  return fmt::format(
      "ERR {} needs an upstream connection of its own, and none came free: raise upstream.leases, or "
      "upstream.queue_timeout",
      spoken(name));
}

std::string refused_command(std::string_view name) {
  return fmt::format(
      "ERR {} can harm others who use this Redis and is refused by Keyshift; the operator can let it "
      "through with allow = [\"{}\"]",
      spoken(name), spoken(name));
}

std::string never_possible(std::string_view name) {
  return fmt::format("ERR {} cannot work through a proxy; connect to the upstream directly", spoken(name));
}

std::string unmatched_key(std::string_view key) {
  return fmt::format(
      "ERR key '{}' fits no rule and this listener refuses such keys (unmatched = \"refuse\"); add a "
      "rule for it",
      cut(key));
}

std::string folded_in_transaction(std::string_view name) {
  return fmt::format(
      "ERR {} cannot be in a transaction where Keyshift folds databases into one: keys of others stand "
      "between "
      "those of this database, and have to be told apart one by one",
      spoken(name));
}

std::string folded_exchange(std::string_view name) {
  return fmt::format(
      "ERR {} cannot exchange databases that Keyshift folds into one: the names of their keys say which "
      "database they belong to",
      spoken(name));
}

std::string refused_plan(const plan::Plan& plan, const resp::Request& request, std::string_view name) {
  const std::string_view argument = plan.refused_at < request.size() ? cut(request[plan.refused_at]) : "";
  switch (plan.refusal) {
    case plan::Refusal::kMalformed:
      return std::string(plan.error);
    case plan::Refusal::kUnmatched:
      return unmatched_key(argument);
    case plan::Refusal::kSortPattern:
      return fmt::format(
          "ERR the pattern '{}' can mean keys of different rules, so it cannot be translated; sort by a "
          "pattern that fits one rule",
          argument);
    case plan::Refusal::kTwoNamesOneMove:
      return fmt::format("ERR key '{}' has different names in the two databases; COPY it and DEL it instead",
                         argument);
    case plan::Refusal::kWalk:
      return folded_in_transaction(name);
    case plan::Refusal::kFoldedExchange:
      return folded_exchange(name);
    case plan::Refusal::kBlocks:
    case plan::Refusal::kNone:
      break;
  }
  return never_possible(name);
}

std::string too_many_users() {
  return "ERR Keyshift has connections for as many users as upstream.max_users allows, and all are in use; "
         "raise it";
}

std::string unknown_domain(std::string_view name) {
  return fmt::format("ERR there is no domain '{}'; KEYSHIFT STATS lists all", name);
}

std::string not_reloaded(std::string_view reason) {
  return fmt::format("ERR the configuration was not reloaded, the old one stays in force: {}", reason);
}

std::string upstream_down(std::string_view reason) {
  return fmt::format("ERR Keyshift has no connection to its upstream ({}); it keeps trying", reason);
}

std::string upstream_lost(upstream::Loss loss, std::string_view reason) {
  switch (loss) {
    case upstream::Loss::kNotSent:
      return fmt::format("ERR Keyshift has no connection to its upstream ({}); the command was not executed",
                         reason);
    case upstream::Loss::kTimeout:
      return fmt::format(
          "ERR Keyshift got no reply from its upstream ({}); the command may still be executed", reason);
    case upstream::Loss::kTooLarge:
      return fmt::format(
          "ERR the reply is larger than the {} that Keyshift collects of it to change the names in it "
          "(limits.client_output); the command was executed",
          reason);
    case upstream::Loss::kDisconnected:
      break;
  }
  return fmt::format("ERR Keyshift lost its upstream connection ({}); the command may have been executed",
                     reason);
}

}  // namespace keyshift::proxy::errors
