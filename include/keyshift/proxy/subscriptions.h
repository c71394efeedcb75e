// Subscriptions: what one worker's clients have subscribed to, on one upstream connection for all of them.
//
// A session's Subscriber asks here, and what the upstream publishes comes back to it. A topic is a channel, a pattern or a
// shard channel as the upstream calls it; it is subscribed to as long as some client's Subscription needs it:
//
//   client 1   SUBSCRIBE news                  upstream   SUBSCRIBE news        the first who wants the topic
//   client 2   SUBSCRIBE news                             PING                  it is there: a fence
//                                              <-         >3 subscribe news 1   client 1 is subscribed, and told so
//                                              <-         +PONG                 client 2 too
//                                              <-         >3 message news hi    to both
//
// Everything that a client asks takes its place among what the upstream says: a SUBSCRIBE, UNSUBSCRIBE or PING takes effect,
// and is answered, when the upstream's confirmation passes, or the answer to a PING sent in its stead. So every client gets
// the messages that one Redis would have sent it: none from before its subscription, each until its end, and what was
// published before a PING arrives before the PONG.
//
// The connection speaks RESP3 (Redis 6 or later), where what is pushed is marked and the rest are errors and PONGs.
// After a loss every topic is subscribed to again; who was waiting for a confirmation gets an error. While nothing is
// said a PING is sent now and then: a peer that is gone without a word would else be silence for ever.
//
// Clients who have logged in with the upstream as one user share such a connection of that user's, so that its ACLs say
// which channels they hear.
//
// Owned by its worker or by that user, on the worker's thread; outlives all its subscribers.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "keyshift/base/buffer.h"
#include "keyshift/base/ring.h"
#include "keyshift/proxy/subscription_counts.h"
#include "keyshift/resp/reply_cursor.h"
#include "keyshift/upstream/connection.h"
#include "keyshift/upstream/pool.h"

namespace keyshift::proxy {

class Subscriber;
class Worker;
struct Subscription;

// What the upstream sends once, for all who want it.
struct Topic {
  SubscriptionKind kind;
  std::string name;      // the upstream's
  size_t wanted = 0;     // subscriptions that need it
  size_t under_way = 0;  // requests for it that the upstream has not answered
  bool asked = false;    // by the last of them, or by one that was granted, it is to be sent
  bool there = false;    // the upstream has confirmed it
  std::vector<Subscription*> receivers;
};

class Subscriptions final : private upstream::Waiter {
 public:
  enum class Verb : uint8_t { kSubscribe, kUnsubscribe, kPing, kFence };

  // On a connection of `pool`, which outlives this.
  Subscriptions(Worker& worker, upstream::Pool& pool);
  // Requires: no Subscriber is left.
  ~Subscriptions() override;

  // Something can be asked: the connection is there, or will be soon. Opens it at the first call.
  bool usable();
  const std::string& failure() const { return connection_->failure(); }

  // The topic of this name, wanted once more. Asks nothing: see ask().
  Topic* want(SubscriptionKind kind, std::string_view name);
  // The topic is wanted once less. If nobody wants it, it is to be given to ask(kUnsubscribe).
  void release(Topic* topic) { --topic->wanted; }
  // Tells the upstream what has changed for `topics`, all of one kind, and calls waits->on_done() once, in a later turn,
  // when that is confirmed or, if there is nothing to tell, when a PING is answered: a fence, behind which nothing that
  // was published before comes. `waits` may be null: nobody waits.
  // Topics that nobody wants any more end with this call, or when it is confirmed. Requires: usable(), if somebody waits.
  void ask(Verb verb, SubscriptionKind kind, std::vector<Topic*> topics, Subscriber* waits);
  // Forgets a subscriber that waits.
  void forget(const Subscriber* subscriber);
  // Messages on the topics go to the subscription from now on, or no longer.
  void attach(Subscription& subscription);
  void detach(Subscription& subscription);
  // The error to a client whose topics the upstream did not grant.
  const std::string& refusal() const { return refusal_; }

  // Called about once a second.
  void look_after();

 private:
  struct Ask {
    Verb verb = Verb::kFence;
    SubscriptionKind kind = SubscriptionKind::kChannel;
    std::vector<Topic*> topics;  // each confirmed by itself, in this order; none: a PING
    size_t confirmed = 0;
    Subscriber* waits = nullptr;
    uint64_t asked_ns = 0;
  };
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view name) const { return std::hash<std::string_view>()(name); }
  };
  using Topics = std::unordered_map<std::string, std::unique_ptr<Topic>, Hash, std::equal_to<>>;

  void on_reply(std::string_view, const resp::ReplyScanner*, uint64_t) override {}
  void on_lost(upstream::Loss, std::string_view) override {}
  void on_room() override {}
  void on_push(std::string_view frame) override;
  void on_connected() override;
  void on_disconnected(std::string_view reason) override;

  void write(Verb verb, SubscriptionKind kind, std::vector<Topic*> topics, Subscriber* waits);
  void on_answer(std::string_view frame);
  void on_confirmed(std::string_view word);
  void complete(std::string_view error);
  void refuse(Ask& ask, std::string_view error);
  void deliver(SubscriptionKind kind, std::string_view frame, resp::ReplyCursor& cursor);
  void set_there(Topic& topic, bool there);
  void count(const Subscription& subscription, int by);
  void end_if_unused(Topic* topic);
  Topics& topics(SubscriptionKind kind) { return topics_[static_cast<size_t>(kind)]; }

  Worker& worker_;
  upstream::Pool& pool_;
  upstream::Connection* connection_ = nullptr;  // the pool's, from the first use on
  std::array<Topics, kSubscriptionKinds> topics_;
  Ring<Ask> asks_;  // that the upstream has not answered
  Buffer resp2_;    // a message in RESP2
  Buffer mapped_;   // a message in one client's names
  std::string refusal_;
  uint64_t heard_ns_ = 0;  // when the upstream last said anything
};

}  // namespace keyshift::proxy
