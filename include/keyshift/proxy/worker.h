// Worker: one thread, one event loop, and all that lives on it: listeners, sessions, a share of the upstream pool.
//
// Workers share nothing that changes but the ClientRegistry, the Facts, and what all know of scripts; none of it is
// locked by a request that calls no script. Set-up in dependency order: loop, pool, listeners; tear-down in reverse.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "keyshift/base/buffer.h"
#include "keyshift/command/table.h"
#include "keyshift/net/listener.h"
#include "keyshift/net/loop.h"
#include "keyshift/net/timer.h"
#include "keyshift/plan/planner.h"
#include "keyshift/proxy/client_registry.h"
#include "keyshift/proxy/facts.h"
#include "keyshift/proxy/generation.h"
#include "keyshift/proxy/names_in_use.h"
#include "keyshift/proxy/options.h"
#include "keyshift/proxy/script_news.h"
#include "keyshift/proxy/subscriptions.h"
#include "keyshift/resp/request_parser.h"
#include "keyshift/telemetry/loop_stats.h"
#include "keyshift/upstream/pool.h"
#include "keyshift/upstream/users.h"

namespace keyshift::proxy {

class LocalLatencies;
class Proxy;
class Session;

class Worker {
 public:
  // What all workers share. Outlives them.
  struct Shared {
    const Options& options;
    ClientRegistry& clients;
    Facts& facts;
    ScriptNews& script_news;
    SubscriptionCounts& subscription_counts;
    LocalLatencies& latencies;
    plan::ScriptShas& script_shas;
    NamesInUse& names_in_use;
    const Proxy& proxy;  // for answers about all workers
  };

  Worker(const Shared& shared, std::shared_ptr<const Settings> settings, int number);
  // Requires: start() was not called, or join().
  ~Worker();

  // Starts the thread and listens.
  void start();
  // Accepts no more, lets every session finish what it asked, then ends; ends all the same after the drain timeout.
  void drain();
  // Waits for the thread to end. Requires: drain() was called.
  void join();
  // Learned commands replace the table; requests under way keep the rows they found.
  void set_table(std::shared_ptr<const command::Table> table);
  // Puts `settings` in force between two requests, then calls `switched` there.
  void apply(std::shared_ptr<const Settings> settings, std::function<void()> switched);

  const telemetry::LoopStats& stats() const { return stats_; }

  // For sessions, on the worker's thread.
  net::Loop& loop() { return loop_; }
  telemetry::LoopStats& counters() { return stats_; }
  const Options& options() const { return shared_.options; }
  // Kept by what must count or plan as it began, across a reload.
  const std::shared_ptr<const Generation>& generation() const { return generation_; }
  const Settings& settings() const { return *generation_->settings; }
  const Proxy& proxy() const { return shared_.proxy; }
  ClientRegistry& clients() { return shared_.clients; }
  Facts& facts() { return shared_.facts; }
  NamesInUse& names_in_use() { return shared_.names_in_use; }
  ScriptNews& script_news() { return shared_.script_news; }
  SubscriptionCounts& subscription_counts() { return shared_.subscription_counts; }
  LocalLatencies& latencies() { return shared_.latencies; }
  plan::ScriptShas& script_shas() { return shared_.script_shas; }
  const command::Table& table() const { return *tables_.back(); }
  upstream::Pool& pool() { return *pool_; }
  // Of the clients of `user`; null: of all who have none.
  Subscriptions& subscriptions(upstream::User* user);
  upstream::Users& users() { return *users_; }
  plan::Planner& planner() { return planner_; }
  // Scratch values of the request under way.
  plan::Plan& plan() { return plan_; }
  Buffer& scratch() { return scratch_; }
  // The answer of a local command, which may answer by itself (SELECT of an upstream that is down).
  Buffer& local_reply() { return local_reply_; }
  // For a look at requests behind the one under way. Requires: next() before each use.
  resp::RequestParser& lookahead() { return lookahead_; }
  // The session is destroyed when the handlers of this turn are done.
  void bury(Session* session);
  // Closes the session with this id in one of the next turns. Any thread.
  void kill_later(uint64_t id);
  // Ends the wait of the session with this id, of which the server knows nothing yet, in one of the next turns. Any thread.
  void end_wait_later(uint64_t id, WaitEnd how);
  // Tells the session with this id in one of the next turns: see Session::on_invalidated(). Any thread.
  void invalidate_later(uint64_t id, std::string names);
  // Has the configuration read again; the session with this id is told what came of it, if it is still there.
  void reload_for(uint64_t id);
  // Notes the shape of a key that no rule and no domain knows: of the first ones each, then of every kSampleEvery-th.
  void note_unmatched(std::string_view key);

 private:
  void run();
  void make_pools();
  void end_sessions_of(const upstream::User& user);
  void accept(size_t listener, std::unique_ptr<net::Stream> stream);
  Session* find_session(uint64_t id) const;
  void begin_drain();
  void end_if_drained();
  void look_after_sessions();
  void bury_dead();

  Shared shared_;
  telemetry::LoopStats stats_;
  std::shared_ptr<const Generation> generation_;
  net::Loop loop_;
  plan::Planner planner_;
  plan::Plan plan_;
  Buffer scratch_;
  Buffer local_reply_;
  resp::RequestParser lookahead_;
  // Rows must outlive what points at them, so tables are kept: they change once per upstream with new modules.
  std::vector<std::shared_ptr<const command::Table>> tables_;
  std::unique_ptr<upstream::Leases> leases_;
  std::unique_ptr<upstream::Pool> pool_;
  std::unique_ptr<Subscriptions> subscriptions_;
  std::vector<std::weak_ptr<Subscriptions>> users_subscriptions_;
  std::unique_ptr<upstream::Users> users_;
  std::vector<std::unique_ptr<net::Listener>> listeners_;
  std::unordered_map<Session*, std::unique_ptr<Session>> sessions_;
  std::unordered_map<uint64_t, Session*> by_id_;
  std::vector<Session*> dead_;
  std::unique_ptr<net::Timer> funeral_;
  std::unique_ptr<net::Timer> housekeeping_;
  std::unique_ptr<net::Timer> drain_deadline_;
  uint64_t unmatched_seen_ = 0;
  bool draining_ = false;
  std::thread thread_;
};

}  // namespace keyshift::proxy
