#include "keyshift/config/option.h"

#include <array>

#include <fmt/format.h>

#include "store.h"
#include "value.h"

namespace keyshift::config {
namespace {

constexpr int64_t kDayMs = 86'400'000;
constexpr int64_t kLongestTtlMs = 3650 * kDayMs;
constexpr int64_t kGigabyte = 1ll << 30;

using enum Applies;

// Columns: name, type, default, field, when a change applies, doc; then, where they are not the usual: minimum,
// maximum, choices, another environment variable, another flag.
const std::array kOptions{
    Option{"workers", OptionType::kInteger, "1", field<&Config::workers>, kRestart,
           "Event loops, each a thread with its own clients and upstream connections. One is enough for most "
           "sidecars; raise it when one CPU is full.",
           1, 256, "", "", "--workers"},
    Option{
        "phase", OptionType::kChoice, "consolidated", field<&Config::phase>, kReload,
        "The phase of every domain and rule that does not say otherwise. legacy rewrites nothing and counts "
        "what it would.",
        0, 0, "legacy|consolidated", "USE_CONSOLIDATED_CACHE", "--phase"},
    Option{"allow", OptionType::kList, "", kAllowed, kReload,
           "Dangerous commands that are let through, such as CONFIG SET or DEBUG. Without it they get an "
           "error."},

    Option{"upstream.host", OptionType::kText, "127.0.0.1", kUpstreamHost, kRestart,
           "Host of the Redis or Valkey behind Keyshift. The URL is the usual way to say it.", 0, 0, "",
           "REDIS_HOST"},
    Option{"upstream.port", OptionType::kInteger, "6379", kUpstreamPort, kRestart,
           "Port of the Redis or Valkey behind Keyshift.", 1, 65535, "", "REDIS_PORT"},
    Option{"upstream.username", OptionType::kText, "", field<&Config::upstream, &Upstream::username>,
           kRestart, "The ACL user to authenticate as. Empty: the default user."},
    Option{"upstream.password", OptionType::kSecret, "", field<&Config::upstream, &Upstream::password>,
           kRestart, "The password to authenticate with. Empty: no authentication.", 0, 0, "",
           "REDIS_PASSWORD"},
    Option{"upstream.database", OptionType::kInteger, "0", field<&Config::upstream, &Upstream::database>,
           kRestart, "The logical database in which a client begins.", 0, 1'000'000, "", "REDIS_DB"},
    Option{"upstream.tls", OptionType::kBool, "false", kUpstreamTls, kRestart,
           "Whether to speak TLS to the upstream. Not available yet.", 0, 0, "", "REDIS_SSL"},
    Option{"upstream.url", OptionType::kUrl, "redis://127.0.0.1:6379", kUpstreamUrl, kRestart,
           "The Redis or Valkey behind Keyshift: redis://[[user]:password@]host[:port][/db] or "
           "unix://[[user]:password@]/path[?db=n]. What it says wins over the options for its parts.",
           0, 0, "", "REDIS_URL", "--upstream"},
    Option{"upstream.pool_size", OptionType::kInteger, "10", field<&Config::upstream, &Upstream::pool_size>,
           kRestart, "Connections to the upstream, over all workers.", 1, 10'000, "", "REDIS_POOL_SIZE"},
    Option{"upstream.shared_connections", OptionType::kInteger, "1",
           field<&Config::upstream, &Upstream::shared_connections>, kRestart,
           "Of them, how many each worker shares among its clients, for each protocol (RESP2, RESP3).", 1,
           64},
    Option{
        "upstream.leases", OptionType::kInteger, "1000", field<&Config::upstream, &Upstream::leases>,
        kRestart,
        "Connections beyond those, over all workers, each lent to one client: while a command waits in the "
        "server (BLPOP, XREAD BLOCK, WAIT), from WATCH to EXEC, from MULTI to EXEC unless all of it comes at "
        "once, and to who has said CLIENT TRACKING ON.",
        1, 100'000},
    Option{"upstream.max_users", OptionType::kInteger, "100", field<&Config::upstream, &Upstream::max_users>,
           kRestart, "Users with upstream connections of their own, at the same time, over all workers.", 1,
           10'000},
    Option{"upstream.scripts_on_leases", OptionType::kBool, "false",
           field<&Config::upstream, &Upstream::scripts_on_leases>, kRestart,
           "Whether each script (EVAL, EVALSHA, FCALL) gets such a connection for as long as it runs, so "
           "that nobody's "
           "requests queue behind a long one."},
    Option{"upstream.client_names", OptionType::kBool, "false",
           field<&Config::upstream, &Upstream::client_names>, kRestart,
           "Whether an upstream connection bears the name that the client whose request is next has given "
           "itself (CLIENT "
           "SETNAME), so that the upstream's SLOWLOG and CLIENT LIST show it."},
    Option{"upstream.connect_timeout", OptionType::kDuration, "2s",
           field<&Config::upstream, &Upstream::connect_timeout_ms>, kRestart,
           "The longest wait for a connection to be made.", 1, kDayMs},
    Option{"upstream.queue_timeout", OptionType::kDuration, "1s",
           field<&Config::upstream, &Upstream::queue_timeout_ms>, kRestart,
           "The longest wait of a request for a connection; then it is answered with an error.", 1, kDayMs},
    Option{"upstream.reply_timeout", OptionType::kDuration, "30s",
           field<&Config::upstream, &Upstream::reply_timeout_ms>, kRestart,
           "The longest wait for a reply; then the request is answered with an error. 0: no limit.", 0,
           kDayMs},
    Option{"upstream.reconnect_min", OptionType::kDuration, "50ms",
           field<&Config::upstream, &Upstream::reconnect_min_ms>, kRestart,
           "The first pause after a failed connect. It doubles with each failure, with jitter.", 1, kDayMs},
    Option{"upstream.reconnect_max", OptionType::kDuration, "2s",
           field<&Config::upstream, &Upstream::reconnect_max_ms>, kRestart,
           "The longest pause between two attempts to connect.", 1, kDayMs},

    // The address is the last of a listener's rows: it makes one listener of each address, alike in all else.
    Option{"listener.view", OptionType::kChoice, "legacy", field<&Listener::view, &scheme::View::naming>,
           kReload, "How a name that could be read both ways is read, and which names KEYS and SCAN show.", 0,
           0, "legacy|consolidated"},
    Option{"listener.unmatched", OptionType::kChoice, "pass",
           field<&Listener::view, &scheme::View::unmatched>, kReload,
           "What becomes of a key that no rule matches: it passes unchanged, is refused, or gets a prefix.",
           0, 0, "pass|refuse|prefix"},
    Option{
        "listener.unmatched_prefix", OptionType::kText, "", field<&Listener::view, &scheme::View::prefix>,
        kReload,
        "What unmatched = \"prefix\" puts in front. {db} in it stands for the database, when databases fold.",
        0, 0, ""},
    Option{"listener.auth", OptionType::kChoice, "own", field<&Listener::auth>, kReload,
           "Who checks what a client says with AUTH: Keyshift, by password and users, or the upstream, whose "
           "ACLs then decide what the client may do.",
           0, 0, "own|upstream"},
    Option{"listener.scripts", OptionType::kChoice, "pass", field<&Listener::scripts>, kReload,
           "How scripts are sent: as they are, so that only the keys in KEYS are renamed, or with a prelude "
           "that maps the keys which they use.",
           0, 0, "pass|map"},
    Option{"listener.password", OptionType::kSecret, "", field<&Listener::password>, kReload,
           "What clients must send with AUTH, as the user default. Empty: nothing.", 0, 0, ""},
    Option{"listener.users", OptionType::kList, "", field<&Listener::users>, kReload,
           "The users who may log in here. Where any is named, clients must log in."},
    Option{
        "listener.address", OptionType::kList, "127.0.0.1:6380", kListenerAddresses, kRestart,
        "Where clients connect: host:port, [IPv6]:port or unix:/path, one or a list. Port 0: any free one.",
        0, 0, "", "", "--listen"},

    Option{"user.password", OptionType::kSecret, "", field<&User::password>, kReload,
           "What the user must send with AUTH."},
    Option{"user.upstream_username", OptionType::kText, "", field<&User::upstream_username>, kReload,
           "The upstream's ACL user that the user's requests are made as, on connections of its own. Neither "
           "this nor upstream_password: as everybody else's."},
    Option{"user.upstream_password", OptionType::kSecret, "", field<&User::upstream_password>, kReload,
           "The password of upstream_username; alone, that of the upstream's default user."},

    Option{"fold.into", OptionType::kInteger, "-1", field<&Config::fold, &Fold::into>, kRestart,
           "The upstream database that holds all keys: the databases of clients are views of it, each with "
           "the keys "
           "of its own rules. -1: every database is the upstream's own.",
           -1, 1'000'000},
    Option{"fold.databases", OptionType::kInteger, "16", field<&Config::fold, &Fold::databases>, kRestart,
           "How many databases clients can select when they fold, as `databases` of Redis.", 1, 1024},

    Option{"admin.address", OptionType::kText, "127.0.0.1:9380", kAdminAddress, kRestart,
           "Where /metrics, /healthz and /readyz are served. \"off\": nowhere.", 0, 0, "", "", "--admin"},
    Option{"embedded.enabled", OptionType::kBool, "false", field<&Config::embedded, &Embedded::enabled>,
           kRestart, "Start a private server on a Unix socket instead of connecting to an upstream.", 0, 0,
           "", "REDIS_MOCK_ENABLED", "--embedded"},
    Option{
        "embedded.program", OptionType::kText, "auto", field<&Config::embedded, &Embedded::program>, kRestart,
        "The server to start: auto (valkey-server or redis-server, whichever is found), a name, or a path."},

    Option{"limits.max_clients", OptionType::kInteger, "10000", field<&Config::limits, &Limits::max_clients>,
           kReload, "Clients at the same time; one more gets an error and is closed.", 1, 1'000'000},
    Option{"limits.max_bulk", OptionType::kSize, "512mb", field<&Config::limits, &Limits::max_bulk_bytes>,
           kRestart, "The longest argument of a request, as proto-max-bulk-len of Redis.", 1024,
           4 * kGigabyte},
    Option{"limits.max_arguments", OptionType::kInteger, "1048576",
           field<&Config::limits, &Limits::max_arguments>, kRestart, "The most arguments of a request.", 16,
           INT32_MAX},
    Option{"limits.max_inline", OptionType::kSize, "64kb", field<&Config::limits, &Limits::max_inline_bytes>,
           kRestart, "The longest inline command.", 1024, kGigabyte},
    Option{"limits.max_request", OptionType::kSize, "1gb", field<&Config::limits, &Limits::max_request_bytes>,
           kRestart, "The longest request as a whole.", 1024, 4 * kGigabyte},
    Option{"limits.stream_threshold", OptionType::kSize, "1mb",
           field<&Config::limits, &Limits::stream_threshold_bytes>, kRestart,
           "A request above it is relayed while it arrives, not collected first.", 1024, 4 * kGigabyte},
    Option{"limits.client_output", OptionType::kSize, "256mb",
           field<&Config::limits, &Limits::client_output_limit_bytes>, kReload,
           "Replies that wait for one client to read them; above it, that client is closed.", 1024,
           64 * kGigabyte},
    Option{"limits.client_output_soft", OptionType::kSize, "1mb",
           field<&Config::limits, &Limits::client_output_soft_bytes>, kReload,
           "Above it nothing more is read from that client until it has read its replies.", 1024,
           64 * kGigabyte},
    Option{"limits.subscriber_output", OptionType::kSize, "32mb",
           field<&Config::limits, &Limits::subscriber_output_limit_bytes>, kReload,
           "Messages and replies that wait for one subscriber to read them; above it, that client is closed.",
           1024, 64 * kGigabyte},
    Option{"limits.upstream_buffer", OptionType::kSize, "1mb",
           field<&Config::limits, &Limits::upstream_buffer_mark_bytes>, kRestart,
           "Requests that wait for one upstream connection; above it, reading from its clients pauses.", 1024,
           64 * kGigabyte},
    Option{"limits.drain_timeout", OptionType::kDuration, "10s",
           field<&Config::limits, &Limits::drain_timeout_ms>, kReload,
           "How long SIGTERM waits for what is in flight. 0: not at all.", 0, kDayMs},
    Option{"limits.idle_timeout", OptionType::kDuration, "0",
           field<&Config::limits, &Limits::idle_timeout_ms>, kReload,
           "A client that sends nothing for so long is closed. 0: never.", 0, 365 * kDayMs},
    Option{"log.level", OptionType::kChoice, "info", field<&Config::log_level>, kReload,
           "What is logged, on standard error.", 0, 0, "debug|info|warning|error", "", "--log-level"},

    Option{"domain.default_ttl", OptionType::kTtl, "", field<&scheme::PolicySpec::default_ms>, kReload,
           "The expiry of what a write leaves without one. Unset: none is given.", 1, kLongestTtlMs},
    Option{"domain.min_ttl", OptionType::kTtl, "", field<&scheme::PolicySpec::min_ms>, kReload,
           "With mode clamp, a shorter expiry becomes this long. Unset: no bound.", 1, kLongestTtlMs},
    Option{"domain.max_ttl", OptionType::kTtl, "", field<&scheme::PolicySpec::max_ms>, kReload,
           "With mode clamp, a longer expiry becomes this short. Unset: no bound.", 1, kLongestTtlMs},
    Option{
        "domain.mode", OptionType::kChoice, "clamp", field<&scheme::PolicySpec::mode>, kReload,
        "What is done with an expiry that the client gives: it is kept, brought into min_ttl to max_ttl, or "
        "replaced by default_ttl.",
        0, 0, "keep|clamp|override"},
    Option{"domain.jitter", OptionType::kPercent, "0%", field<&scheme::PolicySpec::jitter>, kReload,
           "How far a default expiry is made shorter or longer at random, so that keys written together do "
           "not expire "
           "together.",
           0, 10'000},
    Option{"domain.phase", OptionType::kChoice, "", kDomainPhase, kReload,
           "The phase of the domain's keys, but for rules that say otherwise. Unset: the one at the top of "
           "the file.",
           0, 0, "legacy|consolidated"},

    Option{"rule.legacy", OptionType::kText, "", field<&scheme::RuleSpec::legacy>, kReload,
           "The template of the names that the application uses."},
    Option{
        "rule.key", OptionType::kText, "", field<&scheme::RuleSpec::key>, kReload,
        "The template of the consolidated names, with the same captures. Its first segment is the domain."},
    Option{"rule.phase", OptionType::kChoice, "", field<&scheme::RuleSpec::phase>, kReload,
           "The rule's phase. Unset: its domain's.", 0, 0, "legacy|consolidated"},
    Option{"rule.db", OptionType::kInteger, "", field<&scheme::RuleSpec::db>, kReload,
           "The rule holds only in this logical database. Unset: in all.", 0, 1'000'000},
};

std::string join_name(std::string_view prefix, std::string_view name, char separator) {
  std::string out(prefix);
  for (const char c : name) {
    const bool stays = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    out.push_back(stays ? c : separator);
  }
  return out;
}

Result<int64_t> parse_number(const Option& option, std::string_view text) {
  switch (option.type) {
    case OptionType::kDuration:
    case OptionType::kTtl:
      return parse_duration(text);
    case OptionType::kSize:
      return parse_size(text);
    case OptionType::kPercent:
      return parse_percent(text);
    default:
      return parse_integer(text);
  }
}

}  // namespace

bool Option::is_number() const {
  switch (type) {
    case OptionType::kInteger:
    case OptionType::kDuration:
    case OptionType::kSize:
    case OptionType::kPercent:
    case OptionType::kTtl:
      return true;
    default:
      return false;
  }
}

std::string_view Option::key() const {
  return name.substr(name.rfind('.') + 1);
}

std::string_view Option::table() const {
  const size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? std::string_view() : name.substr(0, dot);
}

bool Option::is_file_only() const {
  return table() == "rule";
}

bool Option::is_named() const {
  return table() == "domain" || table() == "user";
}

std::string Option::full_name(std::string_view path) const {
  return path.empty() ? std::string(key()) : fmt::format("{}.{}", path, key());
}

std::string Option::environment() const {
  return is_file_only() || is_named() ? std::string() : environment_name(name);
}

std::string Option::flag() const {
  return is_file_only() || is_named() ? std::string() : flag_name(name);
}

std::string environment_name(std::string_view full_name) {
  return upper(join_name("KEYSHIFT_", full_name, '_'));
}

std::string flag_name(std::string_view full_name) {
  return lower(join_name("--", full_name, '-'));
}

std::vector<std::string> Option::choice_list() const {
  std::vector<std::string> list;
  std::string_view rest = choices;
  while (!rest.empty()) {
    const size_t bar = std::min(rest.find('|'), rest.size());
    list.emplace_back(rest.substr(0, bar));
    rest.remove_prefix(std::min(bar + 1, rest.size()));
  }
  return list;
}

std::span<const Option> options() {
  return kOptions;
}

bool is_table_of_many(std::string_view table) {
  return table == "listener" || table == "user" || table == "ttl" || table == "domain" || table == "rule";
}

const Option* find_option(std::string_view name) {
  for (const Option& option : kOptions)
    if (option.name == name) return &option;
  return nullptr;
}

std::string number_text(const Option& option, int64_t number) {
  switch (option.type) {
    case OptionType::kDuration:
    case OptionType::kTtl:
      return duration_text(number);
    case OptionType::kSize:
      return size_text(number);
    case OptionType::kPercent:
      return std::to_string(number / 100) + "%";
    default:
      return std::to_string(number);
  }
}

Result<Value> parse_value(const Option& option, std::string_view given) {
  Value value;
  const std::string_view text = trim(given);
  if (option.is_number()) {
    const auto number = parse_number(option, text);
    if (!number) return tl::make_unexpected(number.error());
    if (*number < option.minimum || *number > option.maximum)
      return fail("must be " + number_text(option, option.minimum) + " to " +
                  number_text(option, option.maximum));
    value.number = *number;
    return value;
  }
  switch (option.type) {
    case OptionType::kBool: {
      const auto boolean = parse_bool(text);
      if (!boolean) return tl::make_unexpected(boolean.error());
      value.boolean = *boolean;
      return value;
    }
    case OptionType::kChoice: {
      value.text = lower(text);
      const auto choices = option.choice_list();
      for (const std::string& choice : choices)
        if (choice == value.text) return value;
      std::string expected;
      for (const std::string& choice : choices) expected += (expected.empty() ? "" : ", ") + choice;
      return fail("must be one of " + expected);
    }
    case OptionType::kList:
      value.list = split_list(text);
      return value;
    default:
      value.text = std::string(given);  // spaces may belong to a password
      return value;
  }
}

}  // namespace keyshift::config
