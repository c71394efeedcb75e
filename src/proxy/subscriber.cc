#include "keyshift/proxy/subscriber.h"

#include <algorithm>
#include <utility>

#include "keyshift/proxy/errors.h"
#include "keyshift/proxy/session.h"
#include "keyshift/proxy/worker.h"
#include "keyshift/resp/writer.h"
#include "keyshift/scheme/glob.h"

namespace keyshift::proxy {
namespace {

constexpr std::array<std::string_view, kSubscriptionKinds> kSubscribeWords = {"subscribe", "psubscribe",
                                                                              "ssubscribe"};
constexpr std::array<std::string_view, kSubscriptionKinds> kUnsubscribeWords = {"unsubscribe", "punsubscribe",
                                                                                "sunsubscribe"};
// What a name costs besides its bytes.
constexpr size_t kNameBytes = 256;

}  // namespace

Subscriber::Subscriber(Session& session)
    : session_(session), user_(session.user()), subscriptions_(session.worker().subscriptions(user_.get())) {}

Subscriber::~Subscriber() {
  if (busy_) subscriptions_.forget(this);
  for (size_t kind = 0; kind < kSubscriptionKinds; ++kind) {
    std::vector<Topic*> left;
    for (const auto& [name, subscription] : held_[kind]) {
      subscriptions_.detach(*subscription);
      if (subscription->ending) continue;  // released already
      for (Topic* topic : subscription->topics) {
        subscriptions_.release(topic);
        left.push_back(topic);
      }
    }
    subscriptions_.ask(Verb::kUnsubscribe, static_cast<SubscriptionKind>(kind), left, nullptr);
  }
  attached_ = {};
  show_counts();
}

resp::Protocol Subscriber::protocol() const {
  return session_.protocol();
}

void Subscriber::push(std::string_view frame) {
  session_.push(frame);
}

bool Subscriber::subscribes_to(std::string_view channel) const {
  const auto found = held_[0].find(channel);
  return found != held_[0].end() && found->second->attached;
}

void Subscriber::run(Verb verb, SubscriptionKind kind, const resp::Request& request, bool silent) {
  verb_ = verb;
  kind_ = kind;
  silent_ = silent;
  arguments_.clear();
  for (uint32_t i = 1; i < request.size(); ++i) arguments_.emplace_back(request[i]);
  switch (verb) {
    case Verb::kSubscribe:
      subscribe();
      break;
    case Verb::kUnsubscribe:
      unsubscribe();
      break;
    case Verb::kPing:
      ping();
      break;
    case Verb::kFence:
      break;
  }
}

void Subscriber::subscribe() {
  if (!subscriptions_.usable()) {
    finish(errors::upstream_down(subscriptions_.failure()));
    return;
  }
  std::vector<Topic*> topics;
  bool fits = true;
  for (const std::string& name : arguments_) {
    if (!held().contains(name)) fits = fits && begin_subscription(name, topics);
  }
  if (!fits) {
    undo();
    finish(errors::kTooManySubscriptions);
  } else if (topics.empty()) {
    finish({});
  } else {
    busy_ = true;
    subscriptions_.ask(verb_, kind_, topics, this);
  }
}

// Returns false if that is more than a client may hold.
bool Subscriber::begin_subscription(const std::string& name, std::vector<Topic*>& topics) {
  bytes_ += name.size() + kNameBytes;
  if (bytes_ > session_.worker().options().limits.max_request_bytes) {
    bytes_ -= name.size() + kNameBytes;
    return false;
  }
  const plan::Context context = session_.context();
  auto subscription = std::make_unique<Subscription>(Subscription{
      .owner = *this, .kind = kind_, .name = name, .number = ++last_number_, .topics = {}, .names = {}});
  std::vector<std::string> physical;
  bool of_keys = false;
  scheme::ChannelPattern pattern;
  if (kind_ == SubscriptionKind::kPattern) {
    pattern = scheme::translate_channels(*context.rules, name, context.view);
    physical = std::move(pattern.physical);
    of_keys = pattern.of_keys;
  } else if (kind_ == SubscriptionKind::kChannel) {
    of_keys = scheme::read_channel(name).kind != scheme::ChannelName::Kind::kPlain;
    Buffer& channel = session_.worker().scratch();
    channel.clear();
    scheme::append_physical_channel(*context.rules, name, context.view, channel);
    physical.emplace_back(channel.view());
  } else {
    physical.push_back(name);
  }
  subscription->of_keys = of_keys;
  if (of_keys && scheme::renames_keys(*context.rules, context.view))
    subscription->names = std::make_unique<Subscription::Names>(
        Subscription::Names{context.rules, context.view, std::move(pattern)});
  for (const std::string& each : physical)
    topics.push_back(subscription->topics.emplace_back(subscriptions_.want(kind_, each)));
  held().emplace(name, std::move(subscription));
  return true;
}

// What was begun for the command under way, and not granted, is ended.
void Subscriber::undo() {
  std::vector<Topic*> left;
  std::erase_if(held(), [&](const auto& entry) {
    const Subscription& subscription = *entry.second;
    if (subscription.attached) return false;
    for (Topic* topic : subscription.topics) {
      subscriptions_.release(topic);
      left.push_back(topic);
    }
    bytes_ -= subscription.name.size() + kNameBytes;
    return true;
  });
  subscriptions_.ask(Verb::kUnsubscribe, kind_, left, nullptr);
}

void Subscriber::unsubscribe() {
  if (arguments_.empty()) {
    std::vector<const Subscription*> all;
    for (const auto& [name, subscription] : held()) all.push_back(subscription.get());
    std::ranges::sort(all, {}, &Subscription::number);
    for (const Subscription* subscription : all) arguments_.push_back(subscription->name);
  }
  std::vector<Topic*> topics;
  for (const std::string& name : arguments_) {
    const auto found = held().find(name);
    if (found == held().end() || std::exchange(found->second->ending, true)) continue;
    for (Topic* topic : found->second->topics) {
      subscriptions_.release(topic);
      topics.push_back(topic);
    }
  }
  if (!topics.empty() && subscriptions_.usable()) {
    busy_ = true;
    subscriptions_.ask(verb_, kind_, topics, this);
    return;
  }
  finish({});
  subscriptions_.ask(verb_, kind_, topics, nullptr);
}

bool Subscriber::leave() {
  leaving_ = true;
  for (size_t kind = 0; kind < kSubscriptionKinds; ++kind) {
    if (held_[kind].empty()) continue;
    verb_ = Verb::kUnsubscribe;
    kind_ = static_cast<SubscriptionKind>(kind);
    arguments_.clear();
    unsubscribe();
    if (busy_) return false;
  }
  return true;
}

void Subscriber::ping() {
  if (!subscriptions_.usable()) {
    finish(errors::upstream_down(subscriptions_.failure()));
    return;
  }
  busy_ = true;
  subscriptions_.ask(verb_, kind_, {}, this);
}

void Subscriber::fence() {
  verb_ = Verb::kFence;
  if (!subscriptions_.usable()) {
    session_.end_hold();
    return;
  }
  busy_ = true;
  subscriptions_.ask(verb_, kind_, {}, this);
}

void Subscriber::on_done(std::string_view error) {
  busy_ = false;
  finish(error);
  // What the session then takes may be a RESET, which ends this Subscriber: nothing may follow.
  session_.on_subscription_done();
}

void Subscriber::finish(std::string_view error) {
  reply_.clear();
  switch (verb_) {
    case Verb::kSubscribe:
      finish_subscribe(error);
      break;
    case Verb::kUnsubscribe:
      // There is nothing that could be in its way: what the upstream no longer sends, or can no longer send, is not
      // subscribed to.
      finish_unsubscribe();
      break;
    case Verb::kPing:
      if (error.empty()) {
        resp::append_array(reply_, 2);
        resp::append_bulk(reply_, "pong");
        resp::append_bulk(reply_, arguments_.empty() ? std::string_view() : arguments_.front());
        session_.answer_unless(silent_, reply_.view());
      } else {
        session_.answer_error_unless(silent_, error);
      }
      break;
    case Verb::kFence:
      session_.end_hold();
      break;
  }
  reply_.clear();
}

void Subscriber::finish_subscribe(std::string_view error) {
  const bool granted = std::ranges::all_of(arguments_, [this](const std::string& name) {
    const auto found = held().find(name);
    return found != held().end() && std::ranges::all_of(found->second->topics, &Topic::there);
  });
  if (!error.empty() || !granted) {
    undo();
    session_.answer_error_unless(silent_, error.empty() ? subscriptions_.refusal() : error);
    return;
  }
  for (const std::string& name : arguments_) {
    Subscription& subscription = *held().find(name)->second;
    if (!subscription.attached) {
      subscriptions_.attach(subscription);
      ++attached();
      of_keys_ += subscription.of_keys ? 1 : 0;
    }
    confirm(kSubscribeWords[static_cast<size_t>(kind_)], &name);
  }
  show_counts();
  session_.answer_unless(false, reply_.view());
}

void Subscriber::finish_unsubscribe() {
  const std::string_view word = kUnsubscribeWords[static_cast<size_t>(kind_)];
  for (const std::string& name : arguments_) {
    if (const auto found = held().find(name); found != held().end()) {
      subscriptions_.detach(*found->second);
      bytes_ -= name.size() + kNameBytes;
      of_keys_ -= found->second->of_keys ? 1 : 0;
      held().erase(found);
      --attached();
    }
    confirm(word, &name);
  }
  if (arguments_.empty()) confirm(word, nullptr);
  show_counts();
  if (!leaving_) session_.answer_unless(false, reply_.view());
}

// Whatever CLIENT REPLY says, these are said.
void Subscriber::confirm(std::string_view word, const std::string* name) {
  const bool shard = kind_ == SubscriptionKind::kShard;
  resp::append_push(reply_, 3, protocol());
  resp::append_bulk(reply_, word);
  if (name != nullptr) {
    resp::append_bulk(reply_, *name);
  } else {
    resp::append_null(reply_, protocol());
  }
  resp::append_integer(reply_, static_cast<int64_t>(shard ? shard_count() : count()));
}

void Subscriber::show_counts() {
  if (any() != shown_) {
    telemetry::Counter& subscribers = session_.worker().counters().subscribers;
    (shown_ = any()) ? subscribers.add() : subscribers.subtract();
  }
  ClientEntry& entry = session_.entry();
  for (size_t kind = 0; kind < kSubscriptionKinds; ++kind)
    entry.subscriptions[kind].store(attached_[kind], std::memory_order_relaxed);
}

bool Subscriber::show(const Subscription& subscription, const Topic& topic, std::string_view channel,
                      std::string_view payload, Buffer& out) const {
  const Subscription::Names& names = *subscription.names;
  const bool by_pattern = subscription.kind == SubscriptionKind::kPattern;
  // Of several topics of one pattern that fit a channel, each brings the message: the first one counts.
  for (const Topic* earlier : subscription.topics) {
    if (earlier == &topic) break;
    if (scheme::glob_match(earlier->name, channel)) return false;
  }
  Buffer& shown = session_.worker().scratch();
  shown.clear();
  size_t channel_size = subscription.name.size();
  if (by_pattern) {
    const auto heard = scheme::hear(*names.rules, names.pattern, channel, payload, names.view, shown);
    if (!heard) return false;
    channel_size = *heard;
  } else {
    shown.append(subscription.name);
    if (!scheme::hear(*names.rules, subscription.name, channel, payload, names.view, shown)) return false;
  }
  resp::append_push(out, by_pattern ? 4 : 3, protocol());
  resp::append_bulk(out, by_pattern ? "pmessage" : "message");
  if (by_pattern) resp::append_bulk(out, subscription.name);
  resp::append_bulk(out, shown.view().substr(0, channel_size));
  resp::append_bulk(out, shown.view().substr(channel_size));
  return true;
}

}  // namespace keyshift::proxy
