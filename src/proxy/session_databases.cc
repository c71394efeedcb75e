// Session: databases that fold into one. Commands about a whole database walk through the upstream's, and look for what
// belongs to the client's; meanwhile nothing behind them is taken. (What commands about keys become, plan/databases.cc
// says.)
#include <string>
#include <utility>

#include "keyshift/base/ascii.h"
#include "keyshift/proxy/errors.h"
#include "keyshift/proxy/session.h"
#include "keyshift/proxy/worker.h"
#include "view_walk.h"

namespace keyshift::proxy {

using command::Whole;

namespace {

// FLUSHDB and FLUSHALL take a word that changes nothing here: all is unlinked page by page.
bool is_flush(const resp::Request& request) {
  return request.size() == 1 ||
         (request.size() == 2 && (is_word(request[1], "async") || is_word(request[1], "sync")));
}

bool folds_everywhere(const scheme::Fold& fold) {
  for (int db = 0; db < fold.databases; ++db)
    if (!fold.holds(db)) return false;
  return true;
}

}  // namespace

// Answers a command about a whole database that folds.
void Session::walk(const command::Row& row, const resp::Request& request) {
  const bool flushes = row.whole == Whole::kEmpties || row.whole == Whole::kFlushes;
  if (flushes && !is_flush(request)) return answer_error(errors::kSyntax);
  if (row.whole == Whole::kFlushes && !folds_everywhere(worker_.settings().rules->fold()))
    return answer_error(errors::kPartlyFolded);
  walk_ = std::make_unique<ViewWalk>(row.whole, context(), &worker_.loop(), &target(),
                                     [this](std::string_view reply) { finish_walk(reply); });
  worker_.counters().commands[static_cast<size_t>(row.family)].add();
  Pending& pending = pending_.emplace_back();
  pending.row = &row;
  pending.steps_left = 1;
  pending.silent = silent_;
  pending.domain = worker_.generation()->no_domain;
  walk_->start(worker_.planner().next_random());
}

// All that was asked before it has been answered by then: that was on the same connection.
void Session::finish_walk(std::string_view reply) {
  if (buried_) return;
  // It is still in the middle of a call, with nothing left to do.
  const std::unique_ptr<ViewWalk> finished = std::move(walk_);
  Pending& pending = pending_.front();
  if (!pending.silent) {
    if (reply.starts_with('-')) worker_.counters().client_errors.add();
    stream_->out().append(reply);
    stream_->mark_dirty();
  }
  complete();
}

}  // namespace keyshift::proxy
