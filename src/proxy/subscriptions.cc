#include "keyshift/proxy/subscriptions.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "keyshift/base/check.h"
#include "keyshift/base/log.h"
#include "keyshift/proxy/errors.h"
#include "keyshift/proxy/subscriber.h"
#include "keyshift/proxy/worker.h"
#include "keyshift/resp/writer.h"

namespace keyshift::proxy {
namespace {

// Topics that are renewed by one command.
constexpr size_t kRenewedAtOnce = 1'000;
// Silence after which a PING asks whether the upstream is still there.
constexpr uint64_t kSilenceNs = 10'000'000'000;

struct Words {
  std::string_view subscribe;
  std::string_view unsubscribe;
  std::string_view message;
};
// By SubscriptionKind; what the upstream calls them in its pushes, and in any case as a command.
constexpr std::array<Words, kSubscriptionKinds> kWords = {{{"subscribe", "unsubscribe", "message"},
                                                           {"psubscribe", "punsubscribe", "pmessage"},
                                                           {"ssubscribe", "sunsubscribe", "smessage"}}};

constexpr const Words& words_of(SubscriptionKind kind) {
  return kWords[static_cast<size_t>(kind)];
}

// Patterns are the client's own, for it is told what fits them; a channel is the same by whatever name, but one of keyevents
// may be the upstream's for several of ours (scheme::counted_channel).
std::string_view counted_name(const Subscription& subscription) {
  const std::string& physical = subscription.topics.front()->name;
  switch (subscription.kind) {
    case SubscriptionKind::kPattern:
      return subscription.name;
    case SubscriptionKind::kChannel:
      return scheme::counted_channel(subscription.name, physical);
    case SubscriptionKind::kShard:
      break;
  }
  return physical;
}

}  // namespace

Subscriptions::Subscriptions(Worker& worker, upstream::Pool& pool) : worker_(worker), pool_(pool) {}

Subscriptions::~Subscriptions() {
  if (connection_ != nullptr) connection_->abandon(this);
  for (Topics& all : topics_) {
    for (const auto& [name, topic] : all) set_there(*topic, false);
  }
}

bool Subscriptions::usable() {
  if (connection_ == nullptr) {
    connection_ = pool_.subscriber();
    connection_->listen(this);
    heard_ns_ = worker_.loop().now_ns();
  }
  return connection_->usable();
}

Topic* Subscriptions::want(SubscriptionKind kind, std::string_view name) {
  auto found = topics(kind).find(name);
  if (found == topics(kind).end()) {
    found = topics(kind).emplace(name, std::make_unique<Topic>()).first;
    found->second->kind = kind;
    found->second->name = found->first;
  }
  ++found->second->wanted;
  return found->second.get();
}

void Subscriptions::ask(Verb verb, SubscriptionKind kind, std::vector<Topic*> topics, Subscriber* waits) {
  // Two names of a client may lead to one topic.
  std::ranges::sort(topics);
  topics.erase(std::unique(topics.begin(), topics.end()), topics.end());
  std::vector<Topic*> changed;
  if (connection_ != nullptr && connection_->usable()) {
    for (Topic* topic : topics) {
      const bool wanted = topic->wanted > 0;
      if (wanted != (verb == Verb::kSubscribe) || wanted == topic->asked) continue;
      topic->asked = wanted;
      ++topic->under_way;
      changed.push_back(topic);
    }
  }
  if (changed.empty()) {
    for (Topic* topic : topics) end_if_unused(topic);
    if (waits == nullptr) return;
    verb = Verb::kFence;
  }
  write(verb, kind, std::move(changed), waits);
}

void Subscriptions::write(Verb verb, SubscriptionKind kind, std::vector<Topic*> topics, Subscriber* waits) {
  Buffer& out = connection_->out();
  resp::append_array(out, 1 + topics.size());
  if (topics.empty()) {
    resp::append_bulk(out, "PING");
  } else {
    resp::append_bulk(out, verb == Verb::kSubscribe ? words_of(kind).subscribe : words_of(kind).unsubscribe);
    for (const Topic* topic : topics) resp::append_bulk(out, topic->name);
  }
  connection_->submit();
  asks_.push_back({.verb = verb,
                   .kind = kind,
                   .topics = std::move(topics),
                   .waits = waits,
                   .asked_ns = worker_.loop().now_ns()});
}

void Subscriptions::forget(const Subscriber* subscriber) {
  for (size_t i = 0; i < asks_.size(); ++i) {
    if (asks_[i].waits == subscriber) asks_[i].waits = nullptr;
  }
}

void Subscriptions::attach(Subscription& subscription) {
  subscription.attached = true;
  count(subscription, 1);
  for (Topic* topic : subscription.topics) topic->receivers.push_back(&subscription);
}

void Subscriptions::detach(Subscription& subscription) {
  if (!std::exchange(subscription.attached, false)) return;
  count(subscription, -1);
  for (Topic* topic : subscription.topics) {
    const auto found = std::ranges::find(topic->receivers, &subscription);
    *found = topic->receivers.back();
    topic->receivers.pop_back();
  }
}

void Subscriptions::end_if_unused(Topic* topic) {
  // A receiver whose wait for the end was lost goes after it is told so.
  const bool unused =
      topic->wanted == 0 && topic->under_way == 0 && !topic->asked && topic->receivers.empty();
  if (unused) topics(topic->kind).erase(topic->name);
}

// A client counts while the upstream sends us what it is subscribed to.
void Subscriptions::count(const Subscription& subscription, int by) {
  if (subscription.topics.front()->there)
    worker_.subscription_counts().add_clients(subscription.kind, counted_name(subscription), by);
}

void Subscriptions::set_there(Topic& topic, bool there) {
  if (topic.there == there) return;
  const auto count_all = [this, &topic](int by) {
    for (const Subscription* subscription : topic.receivers) {
      if (subscription->topics.front() == &topic) count(*subscription, by);
    }
  };
  if (!there) count_all(-1);
  topic.there = there;
  if (there) count_all(1);
  telemetry::Counter& held = worker_.counters().subscriptions[static_cast<size_t>(topic.kind)];
  there ? held.add() : held.subtract();
  worker_.subscription_counts().add_connections(topic.kind, topic.name, there ? 1 : -1);
}

// ---- what the upstream says

void Subscriptions::on_push(std::string_view frame) {
  heard_ns_ = worker_.loop().now_ns();
  resp::ReplyCursor cursor(frame);
  const resp::Token head = cursor.next();
  if (head.type != '>') {
    on_answer(frame);
    return;
  }
  if (head.count == 0 || cursor.peek().is_aggregate()) return;
  const std::string_view word = cursor.next().text;
  for (size_t kind = 0; kind < kSubscriptionKinds; ++kind) {
    if (word == kWords[kind].message) {
      deliver(static_cast<SubscriptionKind>(kind), frame, cursor);
      return;
    }
    if (word == kWords[kind].subscribe || word == kWords[kind].unsubscribe) {
      on_confirmed(word);
      return;
    }
  }
}

void Subscriptions::deliver(SubscriptionKind kind, std::string_view frame, resp::ReplyCursor& cursor) {
  worker_.counters().messages_received.add();
  const std::string_view name = cursor.next().text;
  const auto found = topics(kind).find(name);
  if (found == topics(kind).end()) return;
  const Topic& topic = *found->second;
  const std::string_view channel = kind == SubscriptionKind::kPattern ? cursor.next().text : name;
  const std::string_view payload = cursor.next().text;
  resp2_.clear();
  for (Subscription* const subscription : topic.receivers) {
    Subscriber& subscriber = subscription->owner;
    if (subscription->names) {
      mapped_.clear();
      if (!subscriber.show(*subscription, topic, channel, payload, mapped_)) continue;
      subscriber.push(mapped_.view());
    } else if (subscriber.protocol() == resp::Protocol::kResp3) {
      subscriber.push(frame);
    } else {
      if (resp2_.empty()) {
        resp2_.push_back('*');
        resp2_.append(frame.substr(1));
      }
      subscriber.push(resp2_.view());
    }
    worker_.counters().messages_delivered.add();
  }
}

// An error, or the answer to a PING.
void Subscriptions::on_answer(std::string_view frame) {
  if (asks_.empty()) {
    connection_->abort("the subscriber connection was sent what nobody asked for");
    return;
  }
  const bool failed = frame.starts_with('-');
  complete(failed ? frame.substr(1, frame.size() - 3) : std::string_view());
}

void Subscriptions::on_confirmed(std::string_view word) {
  const auto fits = [word](const Ask& ask) {
    const Words& words = words_of(ask.kind);
    return ask.confirmed < ask.topics.size() &&
           word == (ask.verb == Verb::kSubscribe ? words.subscribe : words.unsubscribe);
  };
  if (asks_.empty() || !fits(asks_.front())) {
    connection_->abort("the subscriber connection was sent a confirmation that nobody asked for");
    return;
  }
  Ask& ask = asks_.front();
  set_there(*ask.topics[ask.confirmed++], ask.verb == Verb::kSubscribe);
  if (ask.confirmed == ask.topics.size()) complete({});
}

void Subscriptions::complete(std::string_view error) {
  Ask ask = asks_.pop_front();
  if (!error.empty() && !ask.topics.empty()) refuse(ask, error);
  // Who waited may still be a topic's receiver until it is told.
  if (ask.waits != nullptr) ask.waits->on_done(error);
  for (Topic* topic : ask.topics) {
    --topic->under_way;
    end_if_unused(topic);
  }
}

// Whoever else wants these topics, and was behind this one, will find that they are not there.
void Subscriptions::refuse(Ask& ask, std::string_view error) {
  log::warn("upstream: {} refused: {}", words_of(ask.kind).subscribe, error);
  refusal_ = error;
  for (Topic* topic : ask.topics) topic->asked = false;
}

void Subscriptions::on_connected() {
  heard_ns_ = worker_.loop().now_ns();
  for (size_t kind = 0; kind < kSubscriptionKinds; ++kind) {
    std::vector<Topic*> lost;
    const auto renew = [&] {
      if (!lost.empty())
        write(Verb::kSubscribe, static_cast<SubscriptionKind>(kind), std::exchange(lost, {}), nullptr);
    };
    for (const auto& [name, topic] : topics_[kind]) {
      if (topic->wanted == 0 || topic->asked) continue;
      topic->asked = true;
      ++topic->under_way;
      lost.push_back(topic.get());
      worker_.counters().subscriptions_renewed.add();
      if (lost.size() == kRenewedAtOnce) renew();
    }
    renew();
  }
}

void Subscriptions::on_disconnected(std::string_view reason) {
  for (Topics& all : topics_) {
    for (const auto& [name, topic] : all) {
      topic->asked = false;
      topic->under_way = 0;
      set_there(*topic, false);
    }
  }
  // Who is told may ask again at once; that is for the connection's next life.
  Ring<Ask> lost;
  std::swap(lost, asks_);
  const std::string error = errors::upstream_lost(upstream::Loss::kDisconnected, reason);
  while (!lost.empty()) {
    const Ask ask = lost.pop_front();
    if (ask.waits != nullptr) ask.waits->on_done(error);
  }
  for (Topics& all : topics_) {
    std::erase_if(all, [](const auto& entry) {
      return entry.second->wanted == 0 && entry.second->under_way == 0 && entry.second->receivers.empty();
    });
  }
}

void Subscriptions::look_after() {
  if (connection_ == nullptr || connection_->state() != upstream::Connection::State::kReady) return;
  const uint64_t now_ns = worker_.loop().now_ns();
  const int64_t limit_ms = worker_.options().pool.connection.reply_timeout_ms;
  if (!asks_.empty()) {
    const uint64_t limit_ns = static_cast<uint64_t>(limit_ms) * 1'000'000;
    if (limit_ms > 0 && now_ns - std::max(heard_ns_, asks_.front().asked_ns) > limit_ns)
      connection_->abort(fmt::format("no answer on the subscriber connection within {} ms", limit_ms));
  } else if (now_ns - heard_ns_ > kSilenceNs) {
    write(Verb::kFence, SubscriptionKind::kChannel, {}, nullptr);
  }
}

}  // namespace keyshift::proxy
