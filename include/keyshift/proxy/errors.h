// Every error text of the proxy's own that a client can get, in one place.
//
// The first word is the one that Redis would use, since clients act on it. Texts say what to do next, for the person who
// will find them in an application's log. What Redis itself would say of the same mistake is said in Redis's words.
#pragma once

#include <string>
#include <string_view>

#include "keyshift/plan/plan.h"
#include "keyshift/resp/request.h"
#include "keyshift/upstream/connection.h"

namespace keyshift::proxy::errors {

inline constexpr std::string_view kNoAuth = "NOAUTH Authentication required.";
inline constexpr std::string_view kHelloNoAuth =
    "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> "
    "<pass> "
    "option can be used to authenticate the client and select the RESP protocol version at the same time";
inline constexpr std::string_view kWrongPass =
    "WRONGPASS invalid username-password pair or user is disabled.";
inline constexpr std::string_view kNoPasswordSet =
    "ERR AUTH <password> called without any password configured for the default user. Are you sure your "
    "configuration "
    "is correct?";
inline constexpr std::string_view kNoProto = "NOPROTO unsupported protocol version";
inline constexpr std::string_view kBadProto = "ERR Protocol version is not an integer or out of range";
inline constexpr std::string_view kSyntax = "ERR syntax error";
inline constexpr std::string_view kDatabaseRange = "ERR DB index is out of range";
inline constexpr std::string_view kIntRange =
    "ERR value is out of range, value must between -2147483648 and 2147483647";
inline constexpr std::string_view kPartlyFolded =
    "ERR FLUSHALL would delete keys of databases that Keyshift does not fold yet, and of others; use FLUSHDB "
    "in each";
inline constexpr std::string_view kNotInteger = "ERR value is not an integer or out of range";
inline constexpr std::string_view kClientName =
    "ERR Client names cannot contain spaces, newlines or special characters.";
inline constexpr std::string_view kNoSuchClient = "ERR No such client";
inline constexpr std::string_view kTooManyClients = "ERR max number of clients reached";
inline constexpr std::string_view kLargeName =
    "ERR a key of this request is larger than limits.stream_threshold and stands behind a large value, so it "
    "cannot be "
    "mapped; the command was not executed";

inline constexpr std::string_view kUnblockSyntax =
    "ERR unknown subcommand or wrong number of arguments for 'UNBLOCK'. Try CLIENT HELP.";
inline constexpr std::string_view kUnblockReason = "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR";
inline constexpr std::string_view kAuthInMulti =
    "ERR AUTH inside MULTI would make EXEC wait for the upstream twice; log in before MULTI";
inline constexpr std::string_view kMonitorsOnly = "ERR Replica can't interact with the keyspace";
inline constexpr std::string_view kTwoRedirects = "ERR A client can only redirect to a single other client";
inline constexpr std::string_view kRedirectToNobody = "ERR The client ID you want redirect to does not exist";
inline constexpr std::string_view kPrefixWithoutBcast = "ERR PREFIX option requires BCAST mode to be enabled";
inline constexpr std::string_view kBcastSwitched =
    "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling "
    "it "
    "with a different mode.";
inline constexpr std::string_view kBcastWithOption = "ERR OPTIN and OPTOUT are not compatible with BCAST";
inline constexpr std::string_view kOptinAndOptout = "ERR You can't specify both OPTIN mode and OPTOUT mode";
inline constexpr std::string_view kOptSwitched =
    "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling "
    "it "
    "with a different mode.";
inline constexpr std::string_view kCachingWithoutTracking =
    "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode "
    "enabled";
inline constexpr std::string_view kCachingYes =
    "ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.";
inline constexpr std::string_view kCachingNo =
    "ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.";
inline constexpr std::string_view kRedirectNeedsId =
    "ERR the upstream does not let Keyshift use CLIENT ID, which REDIRECT needs";
inline constexpr std::string_view kExecAborted =
    "EXECABORT Transaction discarded because of previous errors.";
inline constexpr std::string_view kLargeTransaction =
    "ERR what must be kept of the commands queued since MULTI is larger than limits.max_request; use smaller "
    "transactions";
inline constexpr std::string_view kNotInTransaction = "ERR Command not allowed inside a transaction";
inline constexpr std::string_view kTransactionLost =
    "ERR Keyshift lost the upstream connection of this transaction; nothing of it is executed";
inline constexpr std::string_view kNotQueued =
    "ERR the upstream executed this command outside of a transaction, because it had refused MULTI";
inline constexpr std::string_view kForeignExec =
    "ERR the upstream's reply to EXEC is not one to the commands of this transaction, which may have been "
    "executed";

inline constexpr std::string_view kForeignReply =
    "ERR the upstream's reply is not one to this command; its connection is given up";

inline constexpr std::string_view kTooManySubscriptions =
    "ERR the names of this client's subscriptions are larger than limits.max_request; use patterns, or more "
    "connections";

// The words of Redis 7 for a command or subcommand that is not there.
std::string unknown_command(const resp::Request& request);
std::string unknown_subcommand(const resp::Request& request);
// `name` as in the table: "client|setname".
std::string wrong_arity(std::string_view name);

// For a RESP2 client that is subscribed.
std::string only_subscriber(std::string_view name);
// EXEC of a transaction that cannot be executed, in the words of Redis.
std::string exec_aborted(std::string_view reason);
// For a command that Keyshift cannot execute in the middle of EXEC.
std::string outside_of_transaction(std::string_view name);
std::string overlaps_existing_prefix(std::string_view prefix, std::string_view existing);
std::string overlaps_provided_prefix(std::string_view prefix, std::string_view provided);
std::string no_lease(std::string_view name);
std::string refused_command(std::string_view name);
std::string never_possible(std::string_view name);
std::string unmatched_key(std::string_view key);
std::string folded_in_transaction(std::string_view name);
std::string folded_exchange(std::string_view name);
std::string refused_plan(const plan::Plan& plan, const resp::Request& request, std::string_view name);

std::string too_many_users();
std::string unknown_domain(std::string_view name);
// KEYSHIFT RELOAD of a configuration that is wrong.
std::string not_reloaded(std::string_view reason);

// The upstream cannot be reached now, or did not answer.
std::string upstream_down(std::string_view reason);
std::string upstream_lost(upstream::Loss loss, std::string_view reason);

}  // namespace keyshift::proxy::errors
