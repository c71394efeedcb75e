#include "keyshift/upstream/users.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "keyshift/base/secret.h"
#include "keyshift/resp/own_words.h"

namespace keyshift::upstream {
namespace {

constexpr uint64_t kHousekeepingMs = 5'000;
// How often those look again who wait for their turn.
constexpr uint64_t kTurnMs = 20;

bool same(const Credentials& a, const Credentials& b) {
  return a.username == b.username && equal_secret(a.password, b.password);
}

// "WRONGPASS invalid ..." of "-WRONGPASS invalid ...\r\n".
std::string error_text(std::string_view reply) {
  return std::string(reply.substr(1, reply.find('\r') - 1));
}

}  // namespace

Users::Users(net::Loop* loop, PoolOptions options, size_t max_users, telemetry::LoopStats* stats,
             Leases* leases, std::function<void(const User&)> refused)
    : loop_(loop),
      options_(std::move(options)),
      max_users_(max_users),
      stats_(stats),
      leases_(leases),
      refused_(std::move(refused)),
      housekeeping_(loop, [this] { look_after(); }),
      soon_(loop, [this] { settle(); }) {
  housekeeping_.start(kHousekeepingMs, kHousekeepingMs);
}

Users::~Users() = default;

std::shared_ptr<User> Users::make(const Credentials& credentials, bool give_up_when_refused) const {
  auto user = std::make_shared<User>(std::string(credentials.name()), nullptr);
  PoolOptions options = options_;
  options.connection.username = credentials.username;
  options.connection.password = credentials.password;
  options.connection.logs_in = true;
  options.connection.refused = nullptr;
  if (give_up_when_refused) {
    options.connection.refused = [self = const_cast<Users*>(this), alive = std::weak_ptr<int>(alive_),
                                  refused = std::weak_ptr<User>(user)] {
      const auto still = refused.lock();
      if (alive.lock() && still) self->give_up(still.get());
    };
  }
  user->pool_ = std::make_unique<Pool>(loop_, std::move(options), stats_, leases_);
  user->pool_->note_database(options_.connection.database);
  return user;
}

// ---- logging in

void Users::log_in(Credentials credentials, resp::Protocol protocol, LoginWaiter* waiter) {
  for (const auto& attempt : attempts_) {
    // On a candidate's connection the answer is the upstream's of this very moment too.
    if (attempt->outcome || !attempt->is_candidate || !same(attempt->credentials, credentials)) continue;
    attempt->waiters.push_back(waiter);
    return;
  }
  Attempt& attempt = *attempts_.emplace_back(std::make_unique<Attempt>());
  attempt.credentials = std::move(credentials);
  attempt.protocol = protocol;
  attempt.since_ns = loop_->now_ns();
  attempt.waiters.push_back(waiter);
  begin(attempt);
}

void Users::stop_waiting(LoginWaiter* waiter) {
  for (const auto& attempt : attempts_) std::erase(attempt->waiters, waiter);
}

// Asks on a connection that is the user's already, or makes one; or leaves the attempt to wait for its turn.
void Users::begin(Attempt& attempt) {
  const Credentials& said = attempt.credentials;
  attempt.is_candidate = false;
  if (const auto found = users_.find(said.name()); found != users_.end()) {
    attempt.connection = found->second->pool().ready();
    if (attempt.connection != nullptr) {
      attempt.user = found->second;
      const std::array<std::string_view, 3> words = {"AUTH", said.username, said.password};
      const std::array<std::string_view, 2> alone = {"AUTH", said.password};
      if (said.username.empty()) {
        ask(attempt, alone);
      } else {
        ask(attempt, words);
      }
      return;
    }
  }
  if (candidates() >= kCandidates) {
    soon_.start(kTurnMs);
    return;
  }
  if (!has_room()) {
    decide(attempt, {.outcome = Login::Outcome::kTooMany});
    return;
  }
  attempt.is_candidate = true;
  attempt.user = make(said, true);
  attempt.connection = attempt.user->pool().shared(attempt.protocol);
  if (!said.request.empty()) attempt.connection->log_in_by(said.request);
  // Whatever the upstream says to it: that it says something means that we are in.
  const std::array<std::string_view, 1> words = {resp::own::kPing};
  ask(attempt, words);
}

void Users::ask(Attempt& attempt, std::span<const std::string_view> words) {
  attempt.question = std::make_unique<Question>();
  const bool asked =
      attempt.question->ask(*attempt.connection, words, loop_->now_ns(),
                            [this, &attempt](const Question::Answer& answer) { judge(attempt, answer); });
  if (!asked)
    decide(attempt, {.outcome = Login::Outcome::kUnreachable, .text = attempt.connection->failure()});
}

void Users::judge(Attempt& attempt, const Question::Answer& answer) {
  if (answer.reply.empty()) {
    if (attempt.is_candidate && !attempt.connection->refusal().empty()) {
      decide(attempt, {.outcome = Login::Outcome::kRefused, .text = attempt.connection->refusal()});
    } else if (attempt.is_candidate || attempt.waiters.empty()) {
      decide(attempt, {.outcome = Login::Outcome::kUnreachable, .text = std::string(answer.reason)});
    } else {
      attempt.user.reset();  // that connection ended before it could tell: another will
      soon_.start(0);
    }
  } else if (attempt.is_candidate) {
    admit(attempt);
  } else if (answer.reply.starts_with('-')) {
    decide(attempt, {.outcome = Login::Outcome::kRefused, .text = error_text(answer.reply)});
  } else {
    attempt.user->pool().set_password(attempt.credentials.password);
    decide(attempt, {.user = attempt.user});
  }
}

// The candidate becomes the user, unless somebody of the name is there by now: then he has another password.
void Users::admit(Attempt& attempt) {
  auto& user = users_[std::string(attempt.credentials.name())];
  if (user) {
    user->pool().set_password(attempt.credentials.password);
  } else {
    user = attempt.user;
  }
  decide(attempt, {.user = user});
}

void Users::decide(Attempt& attempt, Login login) {
  attempt.outcome = std::move(login);
  soon_.start(0);
}

// Tells what is decided, and has those begin who wait.
void Users::settle() {
  retired_.clear();
  std::vector<std::unique_ptr<Attempt>> decided;
  for (auto& attempt : attempts_) {
    if (attempt->outcome) decided.push_back(std::move(attempt));
  }
  std::erase(attempts_, nullptr);
  for (const auto& attempt : decided) {
    for (LoginWaiter* const waiter : std::exchange(attempt->waiters, {})) waiter->on_login(*attempt->outcome);
  }
  decided.clear();
  const auto patience_ns = static_cast<uint64_t>(options_.connection.queue_timeout_ms) * 1'000'000;
  for (size_t i = 0; i < attempts_.size(); ++i) {
    Attempt& attempt = *attempts_[i];
    if (attempt.user || attempt.outcome) continue;
    if (loop_->now_ns() - attempt.since_ns > patience_ns) {
      decide(attempt, {.outcome = Login::Outcome::kUnreachable, .text = "too many logins at once"});
    } else {
      begin(attempt);
    }
  }
}

// ---- room

size_t Users::candidates() const {
  return static_cast<size_t>(
      std::ranges::count_if(attempts_, [](const auto& attempt) { return attempt->is_candidate; }));
}

bool Users::has_room() {
  if (users_.size() + vouched_.size() + candidates() < max_users_) return true;
  ByName* from = nullptr;
  ByName::iterator oldest;
  for (ByName* const users : {&users_, &vouched_}) {
    for (auto user = users->begin(); user != users->end(); ++user) {
      if (user->second.use_count() > 1) continue;
      if (from == nullptr || user->second->unused_since_ns_ < oldest->second->unused_since_ns_) {
        from = users;
        oldest = user;
      }
    }
  }
  if (from == nullptr) return false;
  retire(*from, oldest);
  return true;
}

void Users::retire(ByName& from, ByName::iterator user) {
  retired_.push_back(std::move(user->second));
  from.erase(user);
  soon_.start(0);
}

void Users::give_up(const User* user) {
  const auto found = users_.find(user->name());
  if (found == users_.end() || found->second.get() != user) return;
  retire(users_, found);
  refused_(*user);
}

void Users::look_after() {
  const uint64_t now_ns = loop_->now_ns();
  for (ByName* const users : {&users_, &vouched_}) {
    for (auto at = users->begin(); at != users->end();) {
      const auto user = at++;
      User& one = *user->second;
      if (user->second.use_count() > 1) {
        one.unused_since_ns_ = 0;
      } else if (one.unused_since_ns_ == 0) {
        one.unused_since_ns_ = now_ns;
      } else if (now_ns - one.unused_since_ns_ > kIdleNs) {
        retire(*users, user);
      }
    }
  }
}

std::shared_ptr<User> Users::vouched(const Credentials& credentials) {
  const std::string key = fmt::format("{}{}{}", credentials.name(), '\0', credentials.password);
  const auto found = vouched_.find(key);
  if (found != vouched_.end()) return found->second;
  if (!has_room()) return nullptr;
  return vouched_.emplace(key, make(credentials, false)).first->second;
}

}  // namespace keyshift::upstream
