// Session: client-side caching. The server remembers what is read on a connection and says when it changes, so a client that
// tracks has a lease, and all its commands go there, as long as it does.
//
//   CLIENT TRACKING ON          lease: CLIENT TRACKING ON. Its pushes are mapped to the client's names and passed on
//   .. REDIRECT 7               a second lease, which speaks RESP3 and is where the server redirects to: what it gets is
//                               handed to client 7, of whatever worker
//   .. BCAST PREFIX user:       PREFIX for each physical prefix that can hold such keys; what comes is filtered
//   CLIENT CACHING YES          told directly in front of the command that it is for, behind what we put before it
//
// A server that is lost has forgotten what was read. The client is told at once that everything may have changed, tracking is
// turned on again as the first thing on the new connection, and the client is told once more when that is done: what
// changed in between was told to nobody. The same when the rules change.
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
  const auto asked = read_tracking(request, tracking_ && tracking_->on ? &tracking_->options : nullptr,
                                   [this](uint64_t id) { return worker_.clients().contains(id); });
  if (!asked) {
    answer_error(asked.error().text);
    return true;
  }
  return asked->on ? start_tracking(row, asked->options) : stop_tracking(row);
}

void Session::set_caching(const command::Row& row, const resp::Request& request) {
  const bool yes = is_word(request[2], "yes");
  if (!tracking_ || !tracking_->on) {
    answer_error(errors::kCachingWithoutTracking);
  } else if (!yes && !is_word(request[2], "no")) {
    answer_error(errors::kSyntax);
  } else if (!(yes ? tracking_->options.optin : tracking_->options.optout)) {
    answer_error(yes ? errors::kCachingYes : errors::kCachingNo);
  } else {
    tracking_->caching = true;
    answer_ok(row);
  }
}

// Returns false if the request must be tried again later.
bool Session::start_tracking(const command::Row& row, const TrackingOptions& options) {
  if (!take_lease(Hold::kTracking)) return false;
  if (lease_ == nullptr) {
    answer_error(errors::no_lease(row.name));
    return true;
  }
  if (!tracking_) tracking_ = std::make_unique<Tracking>(*this);
  if (!lease_->usable()) {
    refuse_tracking(errors::upstream_down(lease_->failure()));
    return true;
  }
  if (options.redirect != 0) {
    const Result<bool> ready = tracking_->has_redirection();
    if (!ready) refuse_tracking(ready.error().text);
    if (!ready || !*ready) return !ready;
  }
  if (must_wait_for(*lease_)) return false;
  if (tracking_->on) tracking_->before = tracking_->options;
  tracking_->on = true;
  tracking_->broken = false;
  tracking_->options = options;
  if (options.bcast) tracking_->mapper.reset();
  tell_tracking(this);
  await_tracking(row, TrackingAsked::kOn);
  return true;
}

bool Session::stop_tracking(const command::Row& row) {
  if (!tracking_ || !lease_->usable()) {
    if (tracking_) end_tracking();  // the server that knew of it is lost
    return answer_ok(row);
  }
  if (must_wait_for(*lease_)) return false;
  append_words(lease_->out(), {"CLIENT", "TRACKING", "OFF"});
  lease_->expect(
      {.waiter = this, .started_ns = worker_.loop().now_ns(), .delivery = upstream::Delivery::kStream});
  lease_->submit();
  await_tracking(row, TrackingAsked::kOff);
  return true;
}

void Session::refuse_tracking(std::string_view text) {
  answer_error(text);
  if (!tracking_->on) end_tracking();
}

// No request behind this one is taken before it is answered: what it means depends on that.
void Session::await_tracking(const command::Row& row, TrackingAsked asked) {
  worker_.counters().commands[static_cast<size_t>(row.family)].add();
  tracking_->asked = asked;
  Pending& pending = pending_.emplace_back();
  pending.row = &row;
  pending.steps_left = 1;
  pending.silent = silent_;
}

bool Session::is_settling_tracking() const {
  return tracking_->asked != TrackingAsked::kNothing;
}

// CLIENT TRACKING is answered, or its answer is lost.
void Session::settle_tracking(bool done) {
  Tracking& tracking = *tracking_;
  const bool off = std::exchange(tracking.asked, TrackingAsked::kNothing) == TrackingAsked::kOff;
  const std::optional<TrackingOptions> before = std::exchange(tracking.before, std::nullopt);
  if (off && done) {
    turn_off_tracking();
    return;
  }
  if (!off && !done && !before) {
    end_tracking();
    return;
  }
  if (!off && !done) {
    tracking.options = *before;
    tracking.mapper.reset();
    tracking.told = false;
  }
  if (tracking.options.redirect == 0) tracking.leave_redirection();
  show_tracking();
  if (!tracking.told) {
    renew_tracking();
  } else if (std::exchange(tracking.has_gap, false)) {
    tell_changed({});
  }
}

// The server still knows what was read, and when the client turns tracking on again it is told of that too: it keeps its
// lease.
void Session::turn_off_tracking() {
  Tracking& tracking = *tracking_;
  tracking.on = tracking.told = tracking.broken = tracking.caching = false;
  tracking.told_prefixes.clear();
  if (tracking.options.bcast) tracking.mapper.reset();
  tracking.leave_redirection();
  show_tracking();
}

// The lease is not for others: the server still knows what was read on it.
void Session::end_tracking() {
  lease_->abandon(tracking_.get());
  tracking_.reset();
  lease_is_spent_ = true;
  show_tracking();
  release(Hold::kTracking);
}

// The lease was dropped since the client is another user now: what it has read is tracked by nobody.
void Session::carry_tracking() {
  if (!tracking_->on) {
    tracking_.reset();
    return;
  }
  tracking_->leave_redirection();
  tracking_->told_prefixes.clear();
  lose_track();
  lease_ = pool().lease(protocol_);
  if (lease_ == nullptr) {
    log::warn("client {}: closed, no upstream connection is free to track for it (upstream.leases)",
              entry_->address);
    worker_.counters().clients_dropped.add();
    kill();
    return;
  }
  lease_->listen(this);
  holds_ |= static_cast<uint8_t>(Hold::kTracking);
  renew_tracking();
}

// ---- what the server is told

// Writes what makes the lease's server track as the options say; `waiter` hears its answer.
void Session::tell_tracking(upstream::Waiter* waiter) {
  Tracking& tracking = *tracking_;
  if (!tracking.mapper) {
    tracking.mapper.emplace(worker_.settings().rules, listener().view, tracking.options.prefixes);
    tracking.mapper->add_database(database_);
    if (tracking.options.bcast) tracking.mapper->add_all_databases();
  }
  const uint64_t due_ns = holds(Hold::kBlocked) ? upstream::Connection::kNoDeadline : worker_.loop().now_ns();
  std::vector<std::string> wanted;
  std::vector<std::string> added;
  if (tracking.options.bcast) {
    // The server refuses prefixes that overlap with those that it has. Where they do, it begins anew.
    wanted = tracking.mapper->physical_prefixes();
    const std::vector<std::string>& has = tracking.told_prefixes;
    std::ranges::set_difference(wanted, has, std::back_inserter(added));
    if (!has.empty() && (added.empty() || !std::ranges::includes(wanted, has))) {
      append_words(lease_->out(), {"CLIENT", "TRACKING", "OFF"});
      lease_->expect({.started_ns = due_ns});
      tracking.has_gap = true;
      added = wanted;
    }
  }
  const int64_t redirection = tracking.redirection == nullptr ? 0 : tracking.redirection->server_id();
  append_words(lease_->out(), tracking_words(tracking.options, redirection, added));
  lease_->expect({.waiter = waiter, .started_ns = due_ns, .delivery = upstream::Delivery::kStream});
  lease_->submit();
  tracking.told = true;
  tracking.told_prefixes = std::move(wanted);
}

// Turns tracking on again where it was lost, as soon as that can be; not among the commands of a transaction, and not in the
// middle of a request that is still arriving.
void Session::renew_tracking() {
  Tracking& tracking = *tracking_;
  if (tracking.told || !tracking.on || is_settling_tracking() || holds(Hold::kTransaction) || streaming_)
    return;
  if (lease_ == nullptr || !lease_->usable()) return;
  if (tracking.options.redirect != 0 && !tracking.has_redirection().value_or(false)) return;
  tell_tracking(&tracking);
}

// Everything that was told to the server, or to the client, may be wrong now.
void Session::lose_track() {
  if (!std::exchange(tracking_->told, false)) return;
  tell_changed({});
}

// Keys may be read in this database from now on.
void Session::note_tracked_database(int database) {
  if (tracking_ && tracking_->mapper) tracking_->mapper->add_database(database);
}

// Begins a command on its connection: all that must precede it. What becomes of it is said with end_begun().
Session::Begun Session::begin_on(upstream::Connection& connection, int database) {
  if (tracking_) renew_tracking();
  if (worker_.options().client_names) connection.call(entry_->name);
  connection.begin(database);
  return say_caching(connection);
}

Session::Begun Session::say_caching(upstream::Connection& connection) {
  const size_t size = connection.out().size();
  const bool caching = tracking_ && tracking_->caching;
  if (caching) append_words(connection.out(), {"CLIENT", "CACHING", tracking_->options.optin ? "YES" : "NO"});
  return {size, caching};
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
  if (!transaction_ && !is_word(request[0], "client")) tracking_->caching = false;
}

// ---- what the server says

void Session::on_push(std::string_view frame) {
  if (buried_ || !frame.starts_with('>')) return;
  resp::ReplyCursor cursor(frame);
  cursor.next();
  const std::string_view kind = cursor.done() ? std::string_view() : cursor.next().text;
  if (kind == "invalidate") {
    if (tracking_) on_invalidation(cursor);
  } else if (kind != "tracking-redir-broken" && protocol_ == resp::Protocol::kResp3) {
    push(frame);
  }
}

// `keys`: behind the word. Null says that all keys have changed.
void Session::on_invalidation(const resp::ReplyCursor& keys) {
  if (keys.done()) return;
  if (keys.peek().is_null) {
    tell_changed({});
  } else if (tracking_->mapper) {
    tracking_->mapper->map(keys.rest(), worker_.names_in_use().both(listener_),
                           [this](std::string_view names) { tell_changed(names); });
  }
}

// `names`: an array; empty: everything may have changed.
void Session::tell_changed(std::string_view names) {
  const uint64_t redirect = tracking_->options.redirect;
  if (redirect == 0) {
    if (protocol_ == resp::Protocol::kResp3) on_invalidated(names);
    return;
  }
  if (worker_.clients().invalidate(redirect, names)) return;
  tracking_->broken = true;
  show_tracking();
  if (protocol_ != resp::Protocol::kResp3) return;
  Buffer frame;
  resp::append_push(frame, 2, protocol_);
  resp::append_bulk(frame, "tracking-redir-broken");
  resp::append_integer(frame, static_cast<int64_t>(redirect));
  push(frame.view());
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
  if (tracking_) renew_tracking();
  if (holds(Hold::kBlocked)) note_waiting();
}

void Session::on_disconnected(std::string_view) {
  if (buried_ || !tracking_) return;
  tracking_->told_prefixes.clear();
  lose_track();
}

// ---- the redirection, and tracking turned on again

Result<bool> Session::Tracking::has_redirection() {
  if (redirection == nullptr) {
    const std::optional<upstream::Connection*> found = session.ask_lease(resp::Protocol::kResp3);
    if (!found) return false;
    if (*found == nullptr) return fail(errors::no_lease("client|tracking"));
    redirection = *found;
    redirection->listen(this);
  }
  if (!redirection->usable()) return fail(errors::upstream_down(redirection->failure()));
  if (redirection->state() != upstream::Connection::State::kReady) return false;
  if (redirection->server_id() == 0) return fail(std::string(errors::kRedirectNeedsId));
  return true;
}

void Session::Tracking::leave_redirection() {
  if (redirection == nullptr) return;
  redirection->abandon(this);
  session.pool().give_up(std::exchange(redirection, nullptr));
}

void Session::Tracking::on_reply(std::string_view bytes, const resp::ReplyScanner* finished, uint64_t) {
  if (finished == nullptr || session.buried_) return;
  if (finished->type() == '-') {
    log::warn("client {}: closed, the upstream refused to track for it again: {}", session.entry_->address,
              bytes.substr(1, bytes.find('\r') - 1));
    session.worker_.counters().clients_dropped.add();
    session.kill();
    return;
  }
  has_gap = false;
  session.tell_changed({});
}

void Session::Tracking::on_lost(upstream::Loss loss, std::string_view reason) {
  told = false;
  if (loss != upstream::Loss::kTimeout || session.buried_) return;
  log::warn("client {}: closed, nobody knows whether the upstream tracks for it: {}", session.entry_->address,
            reason);
  session.worker_.counters().clients_dropped.add();
  session.kill();
}

void Session::Tracking::on_push(std::string_view frame) {
  session.on_push(frame);
}

void Session::Tracking::on_connected() {
  if (session.buried_) return;
  session.renew_tracking();
  session.resume();
}

void Session::Tracking::on_disconnected(std::string_view) {
  if (session.buried_) return;
  session.lose_track();
  session.resume();
}

// ---- what others see of it

void Session::show_tracking() {
  const bool on = tracking_ && tracking_->on;
  entry_->set(ClientFlag::kTracks, on);
  entry_->set(ClientFlag::kTracksPrefixes, on && tracking_->options.bcast);
  entry_->set(ClientFlag::kRedirectBroken, on && tracking_->broken);
  entry_->redirect.store(on ? static_cast<int64_t>(tracking_->options.redirect) : -1,
                         std::memory_order_relaxed);
}

void Session::append_tracking_info(Buffer& out) const {
  std::vector<std::string_view> flags;
  const bool on = tracking_ && tracking_->on;
  flags.emplace_back(on ? "on" : "off");
  if (on) {
    const TrackingOptions& options = tracking_->options;
    if (options.bcast) flags.emplace_back("bcast");
    if (options.optin) flags.emplace_back("optin");
    if (options.optin && tracking_->caching) flags.emplace_back("caching-yes");
    if (options.optout) flags.emplace_back("optout");
    if (options.optout && tracking_->caching) flags.emplace_back("caching-no");
    if (options.noloop) flags.emplace_back("noloop");
    if (tracking_->broken) flags.emplace_back("broken_redirect");
  }
  resp::append_map(out, 3, protocol_);
  resp::append_bulk(out, "flags");
  resp::append_set(out, flags.size(), protocol_);
  for (const std::string_view flag : flags) resp::append_bulk(out, flag);
  resp::append_bulk(out, "redirect");
  resp::append_integer(out, redirected_to());
  resp::append_bulk(out, "prefixes");
  resp::append_array(out, on ? tracking_->options.prefixes.size() : 0);
  if (!on) return;
  for (const std::string& prefix : tracking_->options.prefixes) resp::append_bulk(out, prefix);
}

int64_t Session::redirected_to() const {
  return entry_->redirect.load(std::memory_order_relaxed);
}

}  // namespace keyshift::proxy
