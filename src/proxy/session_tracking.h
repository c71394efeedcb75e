// Session::Tracking: what a client's CLIENT TRACKING has turned on, and off again, from its first ON.
//
// As a waiter it stands for what the session asks by itself: it listens to the connection that invalidations are
// redirected to, and waits for the answer when tracking is turned on again after a loss. While it is there the session has
// a lease.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "keyshift/plan/invalidation_mapper.h"
#include "keyshift/proxy/session.h"
#include "keyshift/proxy/tracking.h"

namespace keyshift::proxy {

class Session::Tracking final : public upstream::Waiter {
 public:
  explicit Tracking(Session& session) : session_(session) {}
  ~Tracking() override;

  bool on() const { return on_; }
  const TrackingOptions& options() const { return options_; }
  // CLIENT TRACKING ON and OFF. Both return false if the request must be tried again later. A start that is refused is
  // answered; who was not tracking before has no use for this object then.
  bool start(const command::Row& row, const TrackingOptions& options);
  bool stop(const command::Row& row);
  // The upstream has not answered CLIENT TRACKING yet: what follows means this or that.
  bool is_settling() const { return asked_ != TrackingAsked::kNothing; }
  // It has, or its answer is lost (`done` is false). Returns false if nothing is tracked, and nothing was before.
  bool settle(bool done);

  // CLIENT CACHING, for the next command or transaction.
  void set_caching() { caching_ = true; }
  void forget_caching() { caching_ = false; }
  bool caching() const { return caching_; }

  // Turns tracking on again where it was lost, as soon as that can be; not among the commands of a transaction, and not in
  // the middle of a request that is still arriving.
  void renew();
  // Everything that was told to the server, or to the client, may be wrong now.
  void lose();
  // The server is lost, and with it what it was told.
  void lose_server();
  // The client's names of what it has read may be others now.
  void on_rules_changed();
  // Keys may be read in this database from now on.
  void note_database(int database);
  // The session's lease was dropped since its client is another user now: what it has read is tracked by nobody. Takes
  // another; returns false if there is none.
  bool carry();

  // Keys have changed; `keys` is what stands behind the word. Null says that all have.
  void on_invalidation(const resp::ReplyCursor& keys);
  // CLIENT TRACKINGINFO's flags and prefixes.
  std::vector<std::string_view> flags() const;

 private:
  void await(const command::Row& row, TrackingAsked asked);
  void tell(upstream::Waiter* waiter);
  void turn_off();
  void tell_changed(std::string_view names);
  void show();
  // Whether the redirection's connection is there. False: later, the session is resumed then.
  Result<bool> has_redirection();
  void leave_redirection();

  void on_reply(std::string_view bytes, const resp::ReplyScanner* finished, uint64_t started_ns) override;
  void on_lost(upstream::Loss loss, std::string_view reason) override;
  void on_push(std::string_view frame) override { session_.on_push(frame); }
  void on_connected() override;
  void on_disconnected(std::string_view reason) override;
  void on_room() override {}

  Session& session_;
  TrackingAsked asked_ = TrackingAsked::kNothing;
  bool on_ = false;
  TrackingOptions options_;
  std::optional<TrackingOptions> before_;  // in force when `asked_` began
  bool caching_ = false;                   // CLIENT CACHING was said, for the next command
  bool broken_ = false;                    // the client to be told has gone
  std::optional<plan::InvalidationMapper> mapper_;

  // What the lease's server has been told, as long as nothing is lost.
  bool told_ = false;
  std::vector<std::string> told_prefixes_;
  bool has_gap_ = false;  // it was told anew: what changed in between was told to nobody

  // A RESP3 connection whose number the lease's server has been told as the one to redirect to; null: none is needed.
  upstream::Connection* redirection_ = nullptr;
};

}  // namespace keyshift::proxy
