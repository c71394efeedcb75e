// Session::Tracking: what a client's CLIENT TRACKING has turned on, and off again, from its first ON.
//
// As a waiter it stands for what the session asks by itself: it listens to the connection that invalidations are
// redirected to, and waits for the answer when tracking is turned on again after a loss.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "keyshift/plan/invalidation_mapper.h"
#include "keyshift/proxy/session.h"
#include "keyshift/proxy/tracking.h"

namespace keyshift::proxy {

struct Session::Tracking final : public upstream::Waiter {
  explicit Tracking(Session& of) : session(of) {}
  ~Tracking() override { leave_redirection(); }

  // Whether the redirection's connection is there. False: later, the session is resumed then.
  Result<bool> has_redirection();
  void leave_redirection();

  void on_reply(std::string_view bytes, const resp::ReplyScanner* finished, uint64_t started_ns) override;
  void on_lost(upstream::Loss loss, std::string_view reason) override;
  void on_push(std::string_view frame) override;
  void on_connected() override;
  void on_disconnected(std::string_view reason) override;
  void on_room() override {}

  Session& session;
  TrackingAsked asked = TrackingAsked::kNothing;
  bool on = false;
  TrackingOptions options;
  std::optional<TrackingOptions> before;  // in force when `asked` began
  bool caching = false;                   // CLIENT CACHING was said, for the next command
  bool broken = false;                    // the client to be told has gone
  std::optional<plan::InvalidationMapper> mapper;

  // What the lease's server has been told, as long as nothing is lost.
  bool told = false;
  std::vector<std::string> told_prefixes;
  bool has_gap = false;  // it was told anew: what changed in between was told to nobody

  // A RESP3 connection whose number the lease's server has been told as the one to redirect to; null: none is needed.
  upstream::Connection* redirection = nullptr;
};

}  // namespace keyshift::proxy
