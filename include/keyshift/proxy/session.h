// Session: one client's connection, from its bytes to its replies.
//
// The middle of the life of a request. Bytes become requests (RequestParser), requests find their row (command::Table)
// and go one of three ways: answered here (LocalCommands), refused with an error, or planned straight into the output of
// the session's upstream connection. Replies come back through on_reply and leave in the order of the requests:
//
//   GET a    CLIENT ID    GET b     client
//   pending: [GET a][local 4 bytes][GET b]        ":7" waits in deferred_ until GET a is answered
//   replies: $1..x  :7  $1..y
//
// A request with a large argument is not collected: the session drains, borrows a connection of its own, and relays the
// rest as it arrives (StreamedTail). So a client that sends half a gigabyte slowly holds up nobody else.
//
// A session reads no further while its upstream connection is congested, its own output is not read, or the replies
// that it waits for would, going by the latest ones, be more than its share of memory: back pressure reaches the client
// as a full socket, and a pipeline of a thousand megabyte values is asked for a few at a time. It ends when the client
// ends and every reply has left, or at once when the client breaks the protocol or its output limit.
//
// Owned by its worker, on the worker's thread; calls worker().bury(this) once and is destroyed later in that turn.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "keyshift/base/buffer.h"
#include "keyshift/base/ring.h"
#include "keyshift/net/stream.h"
#include "keyshift/plan/planner.h"
#include "keyshift/plan/reply_mapper.h"
#include "keyshift/proxy/client_registry.h"
#include "keyshift/proxy/element_hits.h"
#include "keyshift/proxy/generation.h"
#include "keyshift/proxy/options.h"
#include "keyshift/proxy/subscriber.h"
#include "keyshift/proxy/tracking.h"
#include "keyshift/resp/protocol.h"
#include "keyshift/resp/reply_cursor.h"
#include "keyshift/resp/request_parser.h"
#include "keyshift/upstream/connection.h"
#include "keyshift/upstream/question.h"
#include "keyshift/upstream/users.h"

namespace keyshift::proxy {

class Feed;
class Tunnel;
class ViewWalk;
class Worker;

class Session final : private net::StreamHandler, private upstream::Waiter, private upstream::LoginWaiter {
 public:
  // `listener` is its number in Options::sockets and Settings::listeners.
  Session(Worker& worker, size_t listener, std::unique_ptr<net::Stream> stream);
  ~Session() override;

  // Ends the wait of a client that has ended: where what it had sent behind its command is so much that it is not read, or
  // where the upstream does not react to the end.
  void look_for_end();
  // Takes no more requests; ends as soon as every reply has left.
  void drain();
  // Ends at once.
  void kill();
  // Nothing was asked since then, and nothing is owed.
  bool idle_since(uint64_t ns) const;
  // In the middle of a large request of which nothing has come since then.
  bool hangs_since(uint64_t ns) const;

  // For LocalCommands, whose commands are about this state.
  Worker& worker() { return worker_; }
  const ListenerSettings& listener() const;
  ClientEntry& entry() { return *entry_; }
  resp::Protocol protocol() const { return protocol_; }
  bool authenticated() const { return authenticated_; }
  int database() const { return database_; }
  // Whose its requests are, for the planner. Valid until the settings change.
  plan::Context context();
  void set_authenticated(bool authenticated);
  // Whose connections its requests go out on.
  upstream::Pool& pool() const;
  const std::shared_ptr<upstream::User>& user() const { return user_; }
  const std::string& user_name() const { return user_name_; }
  bool is_of(const upstream::User& user) const { return user_.get() == &user; }
  // Has the upstream judge what the client said. Nothing yet: the request must be tried again, it will be when the answer
  // is there.
  std::optional<upstream::Login> ask_login(const upstream::Credentials& said, resp::Protocol protocol);
  // The client is `name` from now on, and logged in; its requests go out on `user`'s connections (null: the worker's).
  // Returns false while replies of others' are still to come: try again.
  bool become(std::string_view name, std::shared_ptr<upstream::User> user);
  void set_database(int database);
  // Asks the upstream whether there is such a database (SELECT); its reply is the client's. No request behind this one is
  // taken before it has come.
  void select_upstream(const command::Row& row, int database);
  // Has the upstream end what these clients wait for there, of whatever worker. Its answer is that to the last of them, an
  // integer or an error; ":0" if none waits. Nothing yet: the request must be tried again, it will be when the answer is
  // there, and `waits` is not asked any more. In the middle of EXEC, where nothing can be tried again, it is only told.
  std::optional<std::string> end_waits(const std::function<std::vector<EndedWait>()>& waits, WaitEnd how);
  // The same for this one, whose command the server has not been sent yet.
  void end_unsent_wait(WaitEnd how);
  // Has the configuration read again (KEYSHIFT RELOAD). No request behind this one is taken before on_reloaded().
  void reload();
  void on_reloaded(const Reloaded& outcome);
  // The settings have changed: what waits for a limit looks again.
  void on_settings();
  // What the client is answered from now on: everything, nothing, or everything but the next reply.
  enum class Replies : uint8_t { kOn, kOff, kSkipNext };
  void set_replies(Replies replies) {
    replies_ = replies;
    silent_ = replies != Replies::kOn;
  }
  // CLIENT REPLY SKIP: means nothing to a client that turned replies off.
  void skip_next_reply() {
    if (replies_ != Replies::kOff) set_replies(Replies::kSkipNext);
  }
  // Speaks `protocol` from the next request on. Returns false while replies in the other one are still to come: the
  // command is then tried again when they have.
  bool set_protocol(resp::Protocol protocol);
  // Back to what a new connection is (RESET). Returns false while replies are still to come: try again.
  bool reset();
  // No request behind this one is read; the session ends when its replies have left (QUIT).
  void finish() { finishing_ = true; }
  // Writes a frame that is no reply, as soon as no reply is on its way. What a client is told so it gets whatever CLIENT
  // REPLY says.
  void push(std::string_view frame);
  // Whether messages on this channel reach the client.
  bool subscribes_to(std::string_view channel) const {
    return subscriber_ != nullptr && subscriber_->subscribes_to(channel);
  }

  // Another client's invalidations are redirected to this one: keys have changed that are called so (an array), or all of
  // them (empty).
  void on_invalidated(std::string_view names);
  // CLIENT TRACKINGINFO, and CLIENT GETREDIR: the client that is told, 0 if it is this one, -1 without tracking.
  void append_tracking_info(Buffer& out) const;
  int64_t redirected_to() const;

  // For its Subscriber: what the reply that is held back had to wait for has come.
  void end_hold();
  // The answer to the command about subscriptions that is under way, unless `silent`.
  void answer_unless(bool silent, std::string_view reply);
  void answer_error_unless(bool silent, std::string_view text);
  void on_subscription_done();

  // For its Feed: the upstream's answer to MONITOR.
  void on_feed(std::string_view reply);
  // For its Tunnel: it is open, or `error` says why not.
  void on_tunnel(std::string_view error);
  // The upstream takes bytes again.
  void on_tunnel_room();
  // Bytes of the upstream. False: no more for now, Tunnel::on_client_room() comes.
  bool relay_tunnel(std::string_view bytes);
  // The upstream has ended: the client gets the rest, then its end.
  void finish_tunnel();

 private:
  // What is ours to say in a reply of the upstream's.
  struct OwnPart {
    bool info = false;                  // in the text of INFO: our clients
    bool section = false;               // and our section
    std::vector<std::string> commands;  // in LATENCY HISTOGRAM: those that were asked for; none: all
  };

  // One request of the client, or the length of local replies, in the order of their arrival.
  struct Pending {
    enum class Kind : uint8_t {
      kOrdinary,
      kMulti,   // MULTI of a transaction in pieces
      kQueued,  // a command of a transaction: queued, or refused; MULTI of a whole one
      kExec,
    };

    std::unique_ptr<plan::ReplyMapper> mapper;
    std::unique_ptr<ElementHits> elements;     // of an MGET over several domains
    const command::Row* row = nullptr;         // null: local replies
    size_t local_bytes = 0;                    // of deferred_
    telemetry::DomainStats* domain = nullptr;  // of the first key
    uint32_t keys = 0;
    std::unique_ptr<OwnPart> own;  // of a reply of which we say a part
    uint32_t steps_left = 0;       // replies to come that are not discarded
    int selects = -1;              // the database that the session is in if the reply is OK
    Kind kind = Kind::kOrdinary;
    bool map = false;       // whole replies through the mapper
    bool silent = false;    // CLIENT REPLY OFF
    bool begun = false;     // a part of the reply has left
    bool held = false;      // its reply comes behind the messages that it brings the client: see hold_back()
    bool answered = false;  // by an error of ours: what still comes is dropped
  };

  // What the request under way needs to know from the upstream. It is tried again when the answer is there.
  struct Inquiry {
    bool answered = false;
    std::optional<upstream::Login> login;
    std::string denial;            // the upstream's error, if the client may not do what it asked for
    std::vector<EndedWait> waits;  // that are to be ended
    std::string ended;             // the answer to that
    upstream::Question question;
  };

  // A large request on its way through.
  struct Streaming {
    std::unique_ptr<plan::StreamedTail> tail;
    std::shared_ptr<const Generation> generation;  // that planned its head
    bool owes_end =
        false;  // a body has passed whose line end has not: it is written when the client has sent its own
    bool lost = false;  // answered before its time: what still arrives is dropped
  };

  void on_bytes(std::string_view bytes) override;
  void on_end(std::string_view reason) override;
  void on_drained() override;
  void on_reply(std::string_view bytes, const resp::ReplyScanner* finished, uint64_t started_ns) override;
  void on_lost(upstream::Loss loss, std::string_view reason) override;
  void on_room() override;
  void on_login(upstream::Login login) override;
  void on_push(std::string_view frame) override;
  void on_connected() override;
  void on_disconnected(std::string_view reason) override;

  size_t take_requests(std::string_view bytes);
  size_t parse_requests(std::string_view bytes);
  bool handle(const resp::Request& request);
  bool dispatch(const resp::Request& request);
  bool begin_large(std::string_view bytes);
  bool take_streamed(std::string_view bytes, size_t& taken);
  void relay_streamed(const resp::StreamEvent& event);
  void refuse_streamed(std::string_view text);
  void give_up_streamed(std::string_view reason);
  void finish_streamed();
  void end_borrowing();
  bool is_allowed(const command::Row& row, const resp::Request& request) const;
  bool begins_authenticated() const;
  bool is_user_still() const;
  plan::Context context_of(const Settings& settings);
  std::optional<bool> is_permitted(const command::Row& row);
  void leave_connections(std::string_view reason);
  void answer_unreachable(const upstream::Connection& connection);
  bool forward(const command::Row& row, const resp::Request& request);
  bool send(upstream::Connection& connection, const command::Row& row, const resp::Request& request,
            uint64_t started_ns);
  upstream::Connection& target();
  bool goes_apart(const command::Row& row) const;
  bool may_go_apart(const resp::Request& request) const;
  static bool may_be_paused(const command::Row& row);
  bool forward_apart(const command::Row& row, const resp::Request& request);
  // Called before target() for a request: nobody waits behind what does not move if he need not.
  void avoid_stuck(bool writes) {
    if (lease_ == nullptr && pending_.empty()) choose_route(writes);
  }
  void choose_route(bool writes);
  void set_detour(bool writes);
  void leave_detour();
  void note_pause(const command::Row& row, const resp::Request& request);
  bool must_wait_for(upstream::Connection& connection);
  // Why the session holds a lease. It goes back when no reason is left and every reply is here.
  enum class Hold : uint8_t {
    kBlocked = 1,      // the request under way may wait in the server for what others do
    kWatch = 2,        // it watches keys
    kTransaction = 4,  // a transaction whose commands come one by one
    kTracking = 8,     // the server remembers what is read on it
    kAnswer = 64,      // its requests go apart from everybody's until all replies are here
  };
  bool take_lease(Hold why);
  bool holds(Hold why) const { return (holds_ & static_cast<uint8_t>(why)) != 0; }
  void release(Hold why);
  void drop_reason(Hold why) { holds_ = static_cast<uint8_t>(holds_ & ~static_cast<uint8_t>(why)); }
  void drop_lease(std::string_view reason);
  void end_lease_if_done();
  bool forward_blocking(const command::Row& row, const resp::Request& request);
  void show_blocked(bool blocked);
  void pass_end_on();
  void note_waiting();
  void finish_killing();
  upstream::Connection& connection_of_worker();
  bool subscription_command(const command::Row& row, const resp::Request& request);
  class Tracking;
  class Transactions;
  // Where a command begins in its connection's output.
  struct Begun {
    size_t size = 0;
    bool caching = false;  // CLIENT CACHING stands there
  };
  Begun begin_on(upstream::Connection& connection, int database);
  Begun say_caching(upstream::Connection& connection);
  void end_begun(upstream::Connection& connection, const Begun& begun, bool written);
  bool tracking_command(const command::Row& row, const resp::Request& request);
  void set_caching(const command::Row& row, const resp::Request& request);
  void forget_caching(const resp::Request& request);
  void end_tracking();
  void carry_tracking();
  bool feed_command(const command::Row& row, const resp::Request& request);
  void end_feed();
  // For who monitors: whether Redis lets it do this.
  static bool looks_at_keys(const command::Row& row);
  bool tunnel_command(const command::Row& row, const resp::Request& request);
  void enter_tunnel(std::string_view bytes);
  void end_tunnel();
  std::optional<upstream::Connection*> ask_lease(resp::Protocol protocol);
  std::optional<upstream::Connection*> lease_aside(const command::Row& row);
  void leave_when_sent();
  void walk(const command::Row& row, const resp::Request& request);
  void finish_walk(std::string_view reply);
  void refuse(std::string_view text);
  void reject(const command::Row& row, std::string_view text);
  bool must_wait();
  void stall();
  void resume();
  void answer(std::string_view reply);
  void answer_error(std::string_view text);
  bool answer_ok(const command::Row& row);
  void answer_head(std::string_view text);
  bool is_subscribed() const { return subscriber_ != nullptr && subscriber_->any(); }
  std::optional<bool> dispatch_subscribed(const command::Row& row, const resp::Request& request);
  bool hold_back(const command::Row& row) const;
  bool is_subscribing() const { return subscriber_ != nullptr && subscriber_->busy(); }
  void expect(const command::Row& row, const resp::Request& request, plan::Plan& plan, uint64_t started_ns);
  void count_key(const Generation& generation, const plan::PlannedKey& key, std::string_view name);
  void count_expiry(const Generation& generation, const plan::PlannedKey& key);
  void count_refused();
  void note_script(const command::Row& row, const resp::Request& request);
  static std::unique_ptr<ElementHits> element_hits(const plan::Plan& plan, const Generation& generation);
  static void count_hits(const command::Row& row, telemetry::DomainStats& domain, uint32_t keys,
                         const resp::ReplyScanner& scanner);
  bool relay(Pending& pending, std::string_view bytes, bool finished);
  void refuse_foreign(bool nothing_left, std::string_view text);
  void complete();
  void check_output();
  void end_if_done();
  void protocol_error();
  void note_traffic();
  void leave();

  Worker& worker_;
  const size_t listener_;
  std::unique_ptr<net::Stream> stream_;
  std::shared_ptr<ClientEntry> entry_;
  upstream::Connection* connection_ = nullptr;  // chosen at the first request that needs one
  upstream::Connection* detour_ = nullptr;      // while connection_ is stuck
  upstream::Connection* borrowed_ = nullptr;    // while a large request and its reply are on their way
  upstream::Connection* lease_ = nullptr;       // its own, for the reasons in holds_
  uint8_t holds_ = 0;            // of Hold. None, and lease_ is there: it goes back once every reply is here
  uint64_t lease_asked_ns_ = 0;  // since when one is waited for; 0: it is not
  std::optional<WaitEnd>
      ends_unsent_;  // how the command that is blocked is to end as soon as the server knows of it
  bool lease_is_spent_ = false;         // the server knows of it what nobody else may meet
  std::unique_ptr<Tracking> tracking_;  // from the first CLIENT TRACKING ON; then there is a lease
  const std::unique_ptr<Transactions> transactions_;
  std::unique_ptr<Streaming> streaming_;
  std::unique_ptr<Feed> feed_;
  std::unique_ptr<Tunnel> tunnel_;
  std::unique_ptr<Subscriber> subscriber_;  // from the first SUBSCRIBE on
  std::string user_name_ = "default";
  std::shared_ptr<upstream::User> user_;  // null: its requests are the worker's own
  bool by_upstream_ = false;              // the upstream has let it in
  std::unique_ptr<Inquiry> inquiry_;      // what the upstream is asked before the next request can be taken
  std::unique_ptr<ViewWalk> walk_;        // for the command at the back of pending_
  resp::RequestParser parser_;
  std::string_view at_hand_;  // what take_requests() is about
  Buffer in_;                 // the unfinished request, and what waits behind a stall
  Buffer deferred_;           // local replies that wait for earlier ones
  Buffer error_;              // an error reply that came in pieces and must be mapped
  Buffer held_;               // a reply that messages precede
  Buffer pushes_;             // pushed frames that wait for the end of the reply that is on its way
  Ring<Pending> pending_;
  int database_;
  resp::Protocol protocol_ = resp::Protocol::kResp2;
  Replies replies_ = Replies::kOn;
  bool silent_ = false;  // the request under way is not answered
  bool authenticated_;
  bool stalled_ = false;
  bool waits_for_room_ = false;
  bool selecting_ = false;  // the database of what follows is not known yet, or what else EXEC changes
  bool reloading_ = false;  // waits for on_reloaded()
  bool holding_ = false;    // a reply is to be held back, or is
  bool waits_for_lease_ = false;
  bool is_turning_ = false;     // waits for on_feed(), or belongs to its tunnel
  uint64_t end_passed_ns_ = 0;  // since when the upstream knows that the client whose command waits has ended
  bool finishing_ = false;      // reads no more requests
  bool ended_ = false;          // the client has sent its last byte
  bool buried_ = false;
  size_t reply_bytes_ = 0;       // of the reply under way
  size_t expected_reply_bytes_;  // a decaying peak of the replies so far
  uint64_t counted_received_ = 0;
  uint64_t counted_sent_ = 0;
};

}  // namespace keyshift::proxy
