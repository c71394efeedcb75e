// KeyspaceWalk: all keys of one upstream database that fit a glob, page by page, beside everybody else's requests.
//
// Some of what a client asks in one command is many for a server: which keys of this database belong to the client's
// view, and delete them. A walk asks SCAN for one page after the other on a connection that it shares with others, shows
// each page to its visitor, who may write commands about those keys, and goes on when those are answered.
//
//   walk       SCAN 0 MATCH mail:*:id:* COUNT 1000          server   *2 "17" [mail:cart:id:7, ...]
//   visitor    UNLINK mail:cart:id:7 ...                    server   :2
//   walk       SCAN 17 MATCH mail:*:id:* COUNT 1000         server   *2 "0" []        finished
//
// A page is about kPage keys looked at, so no request of another client waits for more than one of them. What SCAN
// promises holds: a key that is there from the first page to the last is seen, at least once; twice only when the
// server's table shrinks in between.
//
// Lives on its worker's loop and outlives no connection. finished() is called once, never inside start(); the walk may be
// destroyed there. Destroyed earlier, it ends where it is.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "keyshift/net/loop.h"
#include "keyshift/upstream/connection.h"

namespace keyshift::proxy {

class KeyspaceVisitor {
 public:
  virtual ~KeyspaceVisitor() = default;
  // One page; the keys end with the call. Commands may be written to connection.out(), of which the number is returned;
  // their replies are only looked at for errors. `go_on` is true; set to false, the walk is finished.
  virtual size_t visit(const std::vector<std::string_view>& keys, upstream::Connection& connection,
                       bool& go_on) = 0;
  // All pages were visited, or no more were wanted; or there was an error: the text of an error reply, with its word.
  virtual void finished(std::string_view error) = 0;
};

class KeyspaceWalk final : private upstream::Waiter {
 public:
  static constexpr int kPage = 1000;

  // What is borrowed outlives the walk. `glob` "*" is everything.
  KeyspaceWalk(net::Loop* loop, upstream::Connection* connection, int database, std::string glob,
               KeyspaceVisitor* visitor);
  ~KeyspaceWalk() override;

  // Begins at `cursor`: 0, or any number for any place; then it goes round until the whole was seen.
  void start(uint64_t cursor = 0);

 private:
  void on_reply(std::string_view bytes, const resp::ReplyScanner* finished, uint64_t started_ns) override;
  void on_lost(upstream::Loss loss, std::string_view reason) override;
  void on_room() override {}

  void ask(std::string_view cursor);
  void expect();
  void read_page(std::string_view reply);
  void end(std::string_view error);

  net::Loop* loop_;
  upstream::Connection* connection_;
  const int database_;
  const std::string glob_;
  KeyspaceVisitor* visitor_;
  bool goes_round_ = false;  // began somewhere: at the end it begins at 0 once
  size_t writes_owed_ = 0;   // replies to what the visitor has written
  std::string next_;         // the cursor of the next page
  bool wanted_ = true;       // by the visitor
  std::string error_;        // the first that a write met
};

}  // namespace keyshift::proxy
