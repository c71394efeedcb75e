// Users: who has logged in with the upstream, each with a pool of his own beside the worker's.
//
// A client's AUTH is not judged here but by the upstream, and what the client then asks goes out on connections that have
// logged in as its user: the upstream's ACLs decide.
//
//   users.log_in({"app", "secret"}, kResp2, waiter)
//     first client of the user     a connection is made with these words; if the upstream lets it in, it is the first
//                                  of the user's pool, else it is closed and nothing is left of it
//     every further one            AUTH app secret is sent on a connection that is app's already. A refusal changes
//                                  nothing there; what is granted is the password of later connections
//   waiter->on_login(login)        in a later turn: the user, or why not
//
// So every password is checked by the upstream, each time, and a pool being there vouches for nothing. Passwords live in
// memory only, as long as the pool.
//
// When the upstream refuses a user who was let in before (he was deleted, or his password has changed), his pool is given
// up and `refused` tells the sessions that have it. A pool that no session has is closed after kIdleNs. There are at most
// `max_users` pools; one more needs an idle one to make room.
//
// Belongs to one loop's thread. Sessions share a User and give it up before the worker ends.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "keyshift/net/loop.h"
#include "keyshift/net/timer.h"
#include "keyshift/telemetry/loop_stats.h"
#include "keyshift/upstream/pool.h"
#include "keyshift/upstream/question.h"

namespace keyshift::upstream {

// What a client said with AUTH.
struct Credentials {
  std::string username;  // empty: AUTH with a password alone, for the user default
  std::string password;
  std::string request = {};  // that said it and nothing else, for MONITOR to show it as it was said; or empty

  std::string_view name() const { return username.empty() ? "default" : std::string_view(username); }
};

class User {
 public:
  User(std::string name, std::unique_ptr<Pool> pool) : name_(std::move(name)), pool_(std::move(pool)) {}

  // As the upstream knows it.
  const std::string& name() const { return name_; }
  Pool& pool() const { return *pool_; }
  // What a layer above keeps beside the pool, and that ends before it.
  const std::shared_ptr<void>& companion() const { return companion_; }
  void set_companion(std::shared_ptr<void> companion) { companion_ = std::move(companion); }

 private:
  friend class Users;

  std::string name_;
  std::unique_ptr<Pool> pool_;
  std::shared_ptr<void> companion_;
  uint64_t unused_since_ns_ = 0;  // no session has it; 0: some session does, or nobody has looked
};

// What came of a login.
struct Login {
  enum class Outcome : uint8_t {
    kGranted,
    kRefused,      // by the upstream: `text` is its error
    kUnreachable,  // the upstream did not answer: `text` says why
    kTooMany,      // users have pools
  };
  Outcome outcome = Outcome::kGranted;
  std::shared_ptr<User> user = {};
  std::string text = {};
};

class LoginWaiter {
 public:
  virtual ~LoginWaiter() = default;
  virtual void on_login(Login login) = 0;
};

class Users {
 public:
  static constexpr uint64_t kIdleNs = 60'000'000'000;
  // Connections that are made at the same time to find out about a password. More logins wait for one of these.
  static constexpr size_t kCandidates = 16;

  // `options`: those of a user's pool but for the login.
  Users(net::Loop* loop, PoolOptions options, size_t max_users, telemetry::LoopStats* stats, Leases* leases,
        std::function<void(const User&)> refused);
  ~Users();

  // Has the upstream judge what a client said. `waiter` is told once, in a later turn. `protocol`: that the client will
  // speak.
  void log_in(Credentials credentials, resp::Protocol protocol, LoginWaiter* waiter);
  void stop_waiting(LoginWaiter* waiter);
  // The pool of somebody whom the configuration vouches for; the upstream hears of the login with the first use, and one
  // that it refuses is tried again as long as it is wanted. Null: too many users have pools.
  std::shared_ptr<User> vouched(const Credentials& credentials);

 private:
  // A login under way: it waits for its turn, is asked, or is decided and about to be told.
  struct Attempt {
    Credentials credentials;
    resp::Protocol protocol = resp::Protocol::kResp2;
    uint64_t since_ns = 0;
    std::vector<LoginWaiter*> waiters;  // who said the same
    std::shared_ptr<User> user;         // on whose connection it is asked; null: it waits
    Connection* connection = nullptr;   // of that user
    bool is_candidate = false;          // the user is not let in yet, this is to decide it
    std::optional<Login> outcome;
    std::unique_ptr<Question> question;
  };
  using ByName = std::map<std::string, std::shared_ptr<User>, std::less<>>;

  std::shared_ptr<User> make(const Credentials& credentials, bool give_up_when_refused) const;
  void begin(Attempt& attempt);
  void ask(Attempt& attempt, std::span<const std::string_view> words);
  void judge(Attempt& attempt, const Question::Answer& answer);
  void admit(Attempt& attempt);
  void decide(Attempt& attempt, Login login);
  void settle();
  bool has_room();
  size_t candidates() const;
  void retire(ByName& from, ByName::iterator user);
  void give_up(const User* user);
  void look_after();

  net::Loop* loop_;
  const PoolOptions options_;
  const size_t max_users_;
  telemetry::LoopStats* stats_;
  Leases* leases_;
  std::function<void(const User&)> refused_;
  ByName users_;    // that the upstream let in, by their names there
  ByName vouched_;  // that the configuration vouches for, by name and password
  // Given up, perhaps from within a call of their own connections': they end in a later turn.
  std::vector<std::shared_ptr<User>> retired_;
  std::vector<std::unique_ptr<Attempt>> attempts_;
  net::Timer housekeeping_;
  net::Timer soon_;
  std::shared_ptr<int> alive_ = std::make_shared<int>();  // expires with us, for what was posted
};

}  // namespace keyshift::upstream
