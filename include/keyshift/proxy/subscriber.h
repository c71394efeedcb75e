// Subscriber: what one session has subscribed to, and the command about it that is under way.
//
// Made at a session's first SUBSCRIBE. It turns the client's names into the upstream's topics, waits for Subscriptions, and
// says what Redis would say:
//
//   SUBSCRIBE a b     *3 $9 subscribe $1 a :1    *3 $9 subscribe $1 b :2         pushes (>3) in RESP3
//   UNSUBSCRIBE       *3 $11 unsubscribe $1 a :1 *3 $11 unsubscribe $1 b :0      in no order that Redis promises
//   PING              *2 $4 pong $0                                              in RESP2, while subscribed
//
// The count is that of channels and patterns together; shard channels have their own. One command at a time: the session
// takes nothing behind it before on_done() has answered it.
//
// A channel or pattern that speaks of keys (__keyspace@0__:...) is translated, and what comes on it translated back, by the
// rules and the view in force when it was subscribed to.
//
// Owned by its session; all its subscriptions end with it. Memory: the names, bounded by limits.max_request.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "keyshift/base/buffer.h"
#include "keyshift/proxy/subscriptions.h"
#include "keyshift/resp/protocol.h"
#include "keyshift/resp/request.h"
#include "keyshift/scheme/channels.h"
#include "keyshift/upstream/users.h"

namespace keyshift::proxy {

class Session;

// One channel, pattern or shard channel of one client.
struct Subscription {
  // How what comes is shown, where it may speak of keys.
  struct Names {
    std::shared_ptr<const scheme::Ruleset> rules;
    scheme::View view;
    scheme::ChannelPattern pattern;  // of a pattern
  };

  Subscriber& owner;
  SubscriptionKind kind;
  std::string name;  // the client's
  uint64_t number;   // in the order of their coming
  std::vector<Topic*> topics;
  std::unique_ptr<const Names> names;  // null: what comes is shown as it is
  bool of_keys = false;                // Redis announces on it what happens to keys
  bool attached = false;               // its messages reach the client
  bool ending = false;                 // an UNSUBSCRIBE under way has released its topics
};

class Subscriber {
 public:
  using Verb = Subscriptions::Verb;

  explicit Subscriber(Session& session);
  ~Subscriber();
  Subscriber(const Subscriber&) = delete;
  Subscriber& operator=(const Subscriber&) = delete;

  // Subscribed to anything: in RESP2 little else is then allowed.
  bool any() const { return count() + shard_count() > 0; }
  size_t count() const { return attached_[0] + attached_[1]; }
  size_t shard_count() const { return attached_[2]; }
  size_t held(SubscriptionKind kind) const { return attached_[static_cast<size_t>(kind)]; }
  // Whether messages on this channel, as the client calls it, reach it.
  bool subscribes_to(std::string_view channel) const;

  // Runs the command whose names stand from the second argument on, and has the session answer it, now or later: then
  // busy() holds until that is done.
  void run(Verb verb, SubscriptionKind kind, const resp::Request& request, bool silent);
  bool busy() const { return busy_; }
  // Ends all that it is subscribed to, before it is destroyed, and says nothing of it. Returns false if the upstream has
  // not confirmed that yet: try again when it is no longer busy.
  bool leave();
  // Whether what it subscribes to is for this user of the upstream's to hear.
  bool is_of(const upstream::User* user) const { return user_.get() == user; }
  // Calls Session::end_hold() when all that was published until now has come, at once if nothing can come.
  void fence();
  // Subscribed to channels or patterns on which Redis announces what happens to keys.
  bool hears_of_keys() const { return of_keys_ > 0; }
  // What was asked of the upstream is done; or was refused, or is lost, as `error` says (empty: neither).
  void on_done(std::string_view error);

  // For Subscriptions.
  resp::Protocol protocol() const;
  void push(std::string_view frame);
  // Appends a message on `topic` as `subscription`'s client is to see it, and returns true; or false if it is not.
  bool show(const Subscription& subscription, const Topic& topic, std::string_view channel,
            std::string_view payload, Buffer& out) const;

 private:
  using Held = std::map<std::string, std::unique_ptr<Subscription>, std::less<>>;

  void subscribe();
  void unsubscribe();
  void ping();
  bool begin_subscription(const std::string& name, std::vector<Topic*>& topics);
  void undo();
  void finish(std::string_view error);
  void finish_subscribe(std::string_view error);
  void finish_unsubscribe();
  void confirm(std::string_view word, const std::string* name);
  void show_counts();
  size_t& attached() { return attached_[static_cast<size_t>(kind_)]; }
  Held& held() { return held_[static_cast<size_t>(kind_)]; }

  Session& session_;
  const std::shared_ptr<upstream::User>
      user_;  // whom the session was at its first SUBSCRIBE; kept while it has any
  Subscriptions& subscriptions_;
  std::array<Held, kSubscriptionKinds> held_;
  std::array<size_t, kSubscriptionKinds> attached_{};
  uint64_t last_number_ = 0;
  size_t bytes_ = 0;    // of the names held
  size_t of_keys_ = 0;  // subscriptions that hear of keys
  bool shown_ = false;  // counted among the subscribers

  // The command under way.
  Verb verb_ = Verb::kPing;
  SubscriptionKind kind_ = SubscriptionKind::kChannel;
  std::vector<std::string> arguments_;
  Buffer reply_;
  bool silent_ = false;  // its errors and PONGs are not answered
  bool leaving_ = false;
  bool busy_ = false;
};

}  // namespace keyshift::proxy
