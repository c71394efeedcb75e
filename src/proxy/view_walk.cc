#include "view_walk.h"

#include <algorithm>
#include <utility>

#include "keyshift/resp/writer.h"
#include "keyshift/scheme/patterns.h"

namespace keyshift::proxy {

using command::Whole;

ViewWalk::ViewWalk(Whole what, const plan::Context& context, net::Loop* loop,
                   upstream::Connection* connection, Done done)
    : what_(what),
      rules_(context.rules),
      view_(context.view),
      protocol_(context.protocol),
      done_(std::move(done)),
      walk_(loop, connection, rules_->fold().into, glob_of(what, context), this) {
  if (what != Whole::kFlushes) {
    databases_.push_back(context.database);
    return;
  }
  const scheme::Fold& fold = rules_->fold();
  for (int db = 0; db < fold.databases; ++db)
    if (fold.holds(db)) databases_.push_back(db);
}

std::string ViewWalk::glob_of(Whole what, const plan::Context& context) {
  if (what == Whole::kFlushes) return "*";
  return scheme::translate_pattern(*context.rules, "*", context.database, context.view, 1).physical.front();
}

void ViewWalk::start(uint64_t random) {
  random_ = random;
  // The cursor is a number of the server's own making, but any will do: it is taken modulo the size of the table.
  constexpr uint64_t kAnyCursor = (uint64_t{1} << 32) - 1;
  walk_.start(what_ == Whole::kDraws ? random & kAnyCursor : 0);
}

bool ViewWalk::shows(std::string_view physical) {
  return std::ranges::any_of(databases_, [&](int db) {
    name_.clear();
    return rules_->shown(physical, db, view_, name_);
  });
}

size_t ViewWalk::visit(const std::vector<std::string_view>& keys, upstream::Connection& connection,
                       bool& go_on) {
  if (what_ == Whole::kEmpties || what_ == Whole::kFlushes) return unlink(keys, connection.out());
  if (what_ == Whole::kDraws) {
    draw(keys, go_on);
  } else {
    count_ += static_cast<uint64_t>(
        std::ranges::count_if(keys, [this](std::string_view key) { return shows(key); }));
  }
  return 0;
}

// One of the first page with any, each as likely as the others.
void ViewWalk::draw(const std::vector<std::string_view>& keys, bool& go_on) {
  const size_t first = (random_ >> 32) % keys.size();
  for (size_t i = 0; i < keys.size() && go_on; ++i) {
    if (!shows(keys[(first + i) % keys.size()])) continue;
    drawn_ = name_.view();
    ++count_;
    go_on = false;
  }
}

size_t ViewWalk::unlink(const std::vector<std::string_view>& keys, Buffer& out) {
  std::vector<std::string_view> own;
  std::ranges::copy_if(keys, std::back_inserter(own), [this](std::string_view key) { return shows(key); });
  if (own.empty()) return 0;
  resp::append_array(out, own.size() + 1);
  resp::append_bulk(out, "UNLINK");
  for (const std::string_view key : own) resp::append_bulk(out, key);
  return 1;
}

void ViewWalk::finished(std::string_view error) {
  Buffer reply;
  if (!error.empty()) {
    resp::append_error(reply, error);
  } else if (what_ == Whole::kCounts) {
    resp::append_integer(reply, static_cast<int64_t>(count_));
  } else if (what_ != Whole::kDraws) {
    resp::append_simple(reply, "OK");
  } else if (count_ == 0) {
    resp::append_null(reply, protocol_);
  } else {
    resp::append_bulk(reply, drawn_);
  }
  const Done done = std::move(done_);
  done(reply.view());
}

}  // namespace keyshift::proxy
