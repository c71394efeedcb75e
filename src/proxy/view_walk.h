// ViewWalk: what a client asks of a whole database that is a view of another: DBSIZE, RANDOMKEY, FLUSHDB, FLUSHALL.
//
// The upstream database holds the keys of other views and of others, so each key is looked at: it belongs to the view if
// that shows it (Ruleset::shown). FLUSHDB unlinks what belongs to it page by page: keys that are written meanwhile may
// stay, and others see it happen.
//
//   FLUSHDB in database 1      SCAN 0 MATCH mail:*:id:*     mail:cart:id:7        shown as cart:7      UNLINK
//                                                           mail:cart:id:         shown in no view     stays
//
// Keeps the ruleset and the view that it began with. Owned by its session, which takes no request before `done`.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "keyshift/base/buffer.h"
#include "keyshift/command/row.h"
#include "keyshift/plan/planner.h"
#include "keyshift/proxy/keyspace_walk.h"

namespace keyshift::proxy {

class ViewWalk final : private KeyspaceVisitor {
 public:
  // The client's reply, an error among them. The walk may be destroyed by it.
  using Done = std::function<void(std::string_view reply)>;

  ViewWalk(command::Whole what, const plan::Context& context, net::Loop* loop,
           upstream::Connection* connection, Done done);

  // `random` chooses where RANDOMKEY looks.
  void start(uint64_t random);

 private:
  size_t visit(const std::vector<std::string_view>& keys, upstream::Connection& connection,
               bool& go_on) override;
  void finished(std::string_view error) override;

  bool shows(std::string_view physical);
  void draw(const std::vector<std::string_view>& keys, bool& go_on);
  size_t unlink(const std::vector<std::string_view>& keys, Buffer& out);
  static std::string glob_of(command::Whole what, const plan::Context& context);

  const command::Whole what_;
  const std::shared_ptr<const scheme::Ruleset> rules_;
  const scheme::View view_;
  const resp::Protocol protocol_;
  std::vector<int> databases_;  // whose views count
  Done done_;
  KeyspaceWalk walk_;
  Buffer name_;         // as the view shows a key
  uint64_t count_ = 0;  // of the keys that it shows
  uint64_t random_ = 0;
  std::string drawn_;
};

}  // namespace keyshift::proxy
