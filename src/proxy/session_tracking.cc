// Session: client-side caching. The server remembers what is read on a connection and says when it changes, so a client that
// tracks has a lease, and all its commands go there, as long as it does.
//
//   CLIENT TRACKING ON          lease: CLIENT TRACKING ON. Its pushes are mapped to the client's names and passed on
//   .. REDIRECT 7               a second lease, which speaks RESP3 and is where the server redirects to: what it gets is
//                               handed to client 7, of whatever worker
//   .. BCAST PREFIX user:       PREFIX for each physical prefix that can hold such keys; what comes is filtered
//   CLIENT CACHING YES          told directly in front of the command that it is for, behind what we put before it
//
// A server that is lost has forgotten what was read. The client is told at once that everything may have changed,
// tracking is turned on again as the first thing on the new connection, and the client is told once more when that is
// done: what changed in between was told to nobody. The same when the rules change.
#include "session_tracking.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "keyshift/base/ascii.h"
#include "keyshift/base/log.h"
#include "keyshift/proxy/errors.h"
#include "keyshift/proxy/worker.h"
#include "keyshift/resp/reply_cursor.h"
#include "keyshift/resp/writer.h"
#include "session_transactions.h"

namespace keyshift::proxy {
namespace {

constexpr std::string_view kChannel = "__redis__:invalidate";

void append_words(Buffer& out, const std::vector<std::string>& words) {
  resp::append_array(out, words.size());
  for (const std::string& word : words) resp::append_bulk(out, word);
}

std::vector<std::string> tracking_words(const TrackingOptions& options, int64_t redirection,
                                        const std::vector<std::string>& prefixes) {
  std::vector<std::string> words{"CLIENT", "TRACKING", "ON"};
  if (options.redirect != 0) words.insert(words.end(), {"REDIRECT", std::to_string(redirection)});
  if (options.bcast) words.emplace_back("BCAST");
  for (const std::string& prefix : prefixes) words.insert(words.end(), {"PREFIX", prefix});
  if (options.optin) words.emplace_back("OPTIN");
  if (options.optout) words.emplace_back("OPTOUT");
  if (options.noloop) words.emplace_back("NOLOOP");
  return words;
}

}  // namespace

// ---- commands

bool Session::tracking_command(const command::Row& row, const resp::Request& request) {
  if (row.name == "client|caching") {
    set_caching(row, request);
    return true;
  }
  const bool on = tracking_ && tracking_->on();
  const auto asked = read_tracking(request, on ? &tracking_->options() : nullptr,
                                   [this](uint64_t id) { return worker_.clients().contains(id); });
  if (!asked) {
    answer_error(asked.error().text);
    return true;
  }
  if (!asked->on) {
    // A server that knew of it and is lost knows no more.
    if (tracking_ && !lease_->usable()) end_tracking();
    return tracking_ ? tracking_->stop(row) : answer_ok(row);
  }
  if (!take_lease(Hold::kTracking)) return false;
  if (lease_ == nullptr) {
    answer_error(errors::no_lease(row.name));
    return true;
  }
  if (!tracking_) tracking_ = std::make_unique<Tracking>(*this);
  const bool done = tracking_->start(row, asked->options);
  if (done && !tracking_->on()) end_tracking();
  return done;
}

void Session::set_caching(const command::Row& row, const resp::Request& request) {
  const bool yes = is_word(request[2], "yes");
  if (!tracking_ || !tracking_->on()) {
    answer_error(errors::kCachingWithoutTracking);
  } else if (!yes && !is_word(request[2], "no")) {
    answer_error(errors::kSyntax);
  } else if (!(yes ? tracking_->options().optin : tracking_->options().optout)) {
    answer_error(yes ? errors::kCachingYes : errors::kCachingNo);
  } else {
    tracking_->set_caching();
    answer_ok(row);
  }
}

bool Session::Tracking::start(const command::Row& row, const TrackingOptions& options) {
  upstream::Connection& lease = *session_.lease_;
  if (!lease.usable()) {
    session_.answer_error(errors::upstream_down(lease.failure()));
    return true;
  }
  if (options.redirect != 0) {
    const Result<bool> ready = has_redirection();
    if (!ready) session_.answer_error(ready.error().text);
    if (!ready || !*ready) return !ready;
  }
  if (session_.must_wait_for(lease)) return false;
  if (on_) before_ = options_;
  on_ = true;
  broken_ = false;
  options_ = options;
  if (options.bcast) mapper_.reset();
  tell(&session_);
  await(row, TrackingAsked::kOn);
  return true;
}

bool Session::Tracking::stop(const command::Row& row) {
  upstream::Connection& lease = *session_.lease_;
  if (session_.must_wait_for(lease)) return false;
  append_words(lease.out(), {"CLIENT", "TRACKING", "OFF"});
  lease.expect({.waiter = &session_,
                .started_ns = session_.worker_.loop().now_ns(),
                .delivery = upstream::Delivery::kStream});
  lease.submit();
  await(row, TrackingAsked::kOff);
  return true;
}

// No request behind this one is taken before it is answered: what it means depends on that.
void Session::Tracking::await(const command::Row& row, TrackingAsked asked) {
  session_.worker_.counters().commands[static_cast<size_t>(row.family)].add();
  asked_ = asked;
  Pending& pending = session_.pending_.emplace_back();
  pending.row = &row;
  pending.steps_left = 1;
  pending.silent = session_.silent_;
}

bool Session::Tracking::settle(bool done) {
  const bool off = std::exchange(asked_, TrackingAsked::kNothing) == TrackingAsked::kOff;
  const std::optional<TrackingOptions> before = std::exchange(before_, std::nullopt);
  if (off && done) {
    turn_off();
    return true;
  }
  if (!off && !done) {
    if (!before) return false;
    options_ = *before;
    mapper_.reset();
    told_ = false;
  }
  if (options_.redirect == 0) leave_redirection();
  show();
  if (!told_) {
    renew();
  } else if (std::exchange(has_gap_, false)) {
    tell_changed({});
  }
  return true;
}

// The server still knows what was read, and when the client turns tracking on again it is told of that too: it keeps its
// lease.
void Session::Tracking::turn_off() {
  on_ = told_ = broken_ = caching_ = false;
  told_prefixes_.clear();
  if (options_.bcast) mapper_.reset();
  leave_redirection();
  show();
}

// The lease is not for others: the server still knows what was read on it.
void Session::end_tracking() {
  lease_->abandon(tracking_.get());
  tracking_.reset();
  lease_is_spent_ = true;
  release(Hold::kTracking);
}

void Session::carry_tracking() {
  if (!tracking_->on()) {
    tracking_.reset();
  } else if (!tracking_->carry()) {
    log::warn("client {}: closed, no upstream connection is free to track for it (upstream.leases)",
              entry_->address);
    worker_.counters().clients_dropped.add();
    kill();
  }
}

bool Session::Tracking::carry() {
  leave_redirection();
  lose_server();
  session_.lease_ = session_.pool().lease(session_.protocol_);
  if (session_.lease_ == nullptr) return false;
  session_.lease_->listen(&session_);
  session_.holds_ |= static_cast<uint8_t>(Hold::kTracking);
  renew();
  return true;
}

// ---- what the server is told

// Writes what makes the lease's server track as the options say; `waiter` hears its answer.
void Session::Tracking::tell(upstream::Waiter* waiter) {
  Worker& worker = session_.worker_;
  upstream::Connection& lease = *session_.lease_;
  if (!mapper_) {
    mapper_.emplace(worker.settings().rules, session_.listener().view, options_.prefixes);
    mapper_->add_database(session_.database_);
    if (options_.bcast) mapper_->add_all_databases();
  }
  const bool blocked = session_.holds(Hold::kBlocked);
  const uint64_t due_ns = blocked ? upstream::Connection::kNoDeadline : worker.loop().now_ns();
  std::vector<std::string> wanted;
  std::vector<std::string> added;
  if (options_.bcast) {
    // The server refuses prefixes that overlap with those that it has. Where they do, it begins anew.
    wanted = mapper_->physical_prefixes();
    const std::vector<std::string>& has = told_prefixes_;
    std::ranges::set_difference(wanted, has, std::back_inserter(added));
    if (!has.empty() && (added.empty() || !std::ranges::includes(wanted, has))) {
      append_words(lease.out(), {"CLIENT", "TRACKING", "OFF"});
      lease.expect({.started_ns = due_ns});
      has_gap_ = true;
      added = wanted;
    }
  }
  const int64_t redirection = redirection_ == nullptr ? 0 : redirection_->server_id();
  append_words(lease.out(), tracking_words(options_, redirection, added));
  lease.expect({.waiter = waiter, .started_ns = due_ns, .delivery = upstream::Delivery::kStream});
  lease.submit();
  told_ = true;
  told_prefixes_ = std::move(wanted);
}

void Session::Tracking::renew() {
  if (told_ || !on_ || is_settling() || session_.holds(Hold::kTransaction) || session_.streaming_) return;
  if (session_.lease_ == nullptr || !session_.lease_->usable()) return;
  if (options_.redirect != 0 && !has_redirection().value_or(false)) return;
  tell(this);
}

void Session::Tracking::lose() {
  if (std::exchange(told_, false)) tell_changed({});
}

void Session::Tracking::lose_server() {
  told_prefixes_.clear();
  lose();
}

void Session::Tracking::on_rules_changed() {
  mapper_.reset();
  lose();
  renew();
}

void Session::Tracking::note_database(int database) {
  if (mapper_) mapper_->add_database(database);
}

// Begins a command on its connection: all that must precede it. What becomes of it is said with end_begun().
Session::Begun Session::begin_on(upstream::Connection& connection, int database) {
  if (tracking_) tracking_->renew();
  if (worker_.options().client_names) connection.call(entry_->name);
  connection.begin(database);
  return say_caching(connection);
}

Session::Begun Session::say_caching(upstream::Connection& connection) {
  if (!tracking_ || !tracking_->caching()) return {};
  const size_t size = connection.out().size();
  append_words(connection.out(), {"CLIENT", "CACHING", tracking_->options().optin ? "YES" : "NO"});
  return {.size = size, .caching = true};
}

// The command that was begun is written; or it is not, and nothing may precede another one in its stead.
void Session::end_begun(upstream::Connection& connection, const Begun& begun, bool written) {
  if (!begun.caching) return;
  if (written) {
    connection.expect({.started_ns = worker_.loop().now_ns()});
  } else {
    connection.out().truncate(begun.size);
  }
}

// CLIENT CACHING is for one command or transaction, whoever answers it; other words of CLIENT are none.
void Session::forget_caching(const resp::Request& request) {
  if (tracking_ && !transactions_->is_open() && !is_word(request[0], "client")) tracking_->forget_caching();
}

// ---- what the server says

void Session::on_push(std::string_view frame) {
  if (buried_ || !frame.starts_with('>')) return;
  resp::ReplyCursor cursor(frame);
  cursor.next();
  const std::string_view kind = cursor.next().text;
  if (kind == "invalidate") {
    if (tracking_) tracking_->on_invalidation(cursor);
  } else if (kind != "tracking-redir-broken" && protocol_ == resp::Protocol::kResp3) {
    push(frame);
  }
}

void Session::Tracking::on_invalidation(const resp::ReplyCursor& keys) {
  if (keys.done()) return;
  if (keys.peek().is_null) {
    tell_changed({});
  } else if (mapper_) {
    mapper_->map(keys.rest(), session_.worker_.names_in_use().both(session_.listener_),
                 [this](std::string_view names) { tell_changed(names); });
  }
}

// `names`: an array; empty: everything may have changed.
void Session::Tracking::tell_changed(std::string_view names) {
  const uint64_t redirect = options_.redirect;
  if (redirect == 0) {
    if (session_.protocol_ == resp::Protocol::kResp3) session_.on_invalidated(names);
    return;
  }
  if (session_.worker_.clients().invalidate(redirect, names)) return;
  broken_ = true;
  show();
  if (session_.protocol_ != resp::Protocol::kResp3) return;
  Buffer frame;
  resp::append_push(frame, 2, session_.protocol_);
  resp::append_bulk(frame, "tracking-redir-broken");
  resp::append_integer(frame, static_cast<int64_t>(redirect));
  session_.push(frame.view());
}

void Session::on_invalidated(std::string_view names) {
  Buffer frame;
  if (protocol_ == resp::Protocol::kResp3) {
    resp::append_push(frame, 2, protocol_);
    resp::append_bulk(frame, "invalidate");
  } else if (is_subscribed()) {
    resp::append_array(frame, 3);
    resp::append_bulk(frame, "message");
    resp::append_bulk(frame, kChannel);
  } else {
    return;
  }
  if (names.empty()) {
    resp::append_null(frame, protocol_);
  } else {
    frame.append(names);
  }
  push(frame.view());
}

void Session::on_connected() {
  if (buried_) return;
  if (tracking_) tracking_->renew();
  if (holds(Hold::kBlocked)) note_waiting();
}

void Session::on_disconnected(std::string_view) {
  if (!buried_ && tracking_) tracking_->lose_server();
}

// ---- the redirection, and tracking turned on again

Result<bool> Session::Tracking::has_redirection() {
  if (redirection_ == nullptr) {
    const std::optional<upstream::Connection*> found = session_.ask_lease(resp::Protocol::kResp3);
    if (!found) return false;
    if (*found == nullptr) return fail(errors::no_lease("client|tracking"));
    redirection_ = *found;
    redirection_->listen(this);
  }
  if (!redirection_->usable()) return fail(errors::upstream_down(redirection_->failure()));
  if (redirection_->state() != upstream::Connection::State::kReady) return false;
  if (redirection_->server_id() == 0) return fail(std::string(errors::kRedirectNeedsId));
  return true;
}

void Session::Tracking::leave_redirection() {
  if (redirection_ == nullptr) return;
  redirection_->abandon(this);
  session_.pool().give_up(std::exchange(redirection_, nullptr));
}

void Session::Tracking::on_reply(std::string_view bytes, const resp::ReplyScanner* finished, uint64_t) {
  if (finished == nullptr || session_.buried_) return;
  if (finished->type() == '-') {
    log::warn("client {}: closed, the upstream refused to track for it again: {}", session_.entry_->address,
              bytes.substr(1, bytes.find('\r') - 1));
    session_.worker_.counters().clients_dropped.add();
    session_.kill();
    return;
  }
  has_gap_ = false;
  tell_changed({});
}

void Session::Tracking::on_lost(upstream::Loss loss, std::string_view reason) {
  told_ = false;
  if (loss != upstream::Loss::kTimeout || session_.buried_) return;
  log::warn("client {}: closed, nobody knows whether the upstream tracks for it: {}",
            session_.entry_->address, reason);
  session_.worker_.counters().clients_dropped.add();
  session_.kill();
}

void Session::Tracking::on_connected() {
  if (session_.buried_) return;
  renew();
  session_.resume();
}

void Session::Tracking::on_disconnected(std::string_view) {
  if (session_.buried_) return;
  lose();
  session_.resume();
}

Session::Tracking::~Tracking() {
  leave_redirection();
  on_ = false;
  show();
}

// ---- what others see of it

void Session::Tracking::show() {
  ClientEntry& entry = *session_.entry_;
  entry.set(ClientFlag::kTracks, on_);
  entry.set(ClientFlag::kTracksPrefixes, on_ && options_.bcast);
  entry.set(ClientFlag::kRedirectBroken, on_ && broken_);
  entry.redirect.store(on_ ? static_cast<int64_t>(options_.redirect) : -1, std::memory_order_relaxed);
}

std::vector<std::string_view> Session::Tracking::flags() const {
  std::vector<std::string_view> flags{"on"};
  if (options_.bcast) flags.emplace_back("bcast");
  if (options_.optin) flags.emplace_back("optin");
  if (options_.optin && caching_) flags.emplace_back("caching-yes");
  if (options_.optout) flags.emplace_back("optout");
  if (options_.optout && caching_) flags.emplace_back("caching-no");
  if (options_.noloop) flags.emplace_back("noloop");
  if (broken_) flags.emplace_back("broken_redirect");
  return flags;
}

void Session::append_tracking_info(Buffer& out) const {
  const bool on = tracking_ && tracking_->on();
  const std::vector<std::string_view> flags = on ? tracking_->flags() : std::vector<std::string_view>{"off"};
  resp::append_map(out, 3, protocol_);
  resp::append_bulk(out, "flags");
  resp::append_set(out, flags.size(), protocol_);
  for (const std::string_view flag : flags) resp::append_bulk(out, flag);
  resp::append_bulk(out, "redirect");
  resp::append_integer(out, redirected_to());
  resp::append_bulk(out, "prefixes");
  resp::append_array(out, on ? tracking_->options().prefixes.size() : 0);
  if (!on) return;
  for (const std::string& prefix : tracking_->options().prefixes) resp::append_bulk(out, prefix);
}

int64_t Session::redirected_to() const {
  return entry_->redirect.load(std::memory_order_relaxed);
}

}  // namespace keyshift::proxy
