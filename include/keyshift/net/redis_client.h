// RedisClient: a request in, its reply as a value out, over hiredis on our loop.
//
// For control and not for data: health checks, questions of the CLI and of migration. hiredis 0.14 reads RESP2 and up
// to seven levels of nesting, which is enough for all we ask; what clients send never goes this way.
//
//   client.request({"CONFIG", "GET", "databases"}, [](const Reply& reply) { ... });
//   reply.type == Reply::Type::kArray, reply.elements[1].text == "16"
//
// One connection, opened by open(); when it fails, every open request is answered with Type::kLost, then `on_closed` is
// called, and open() may be called again. Callbacks come from the loop, never from within a call. Destroying the client
// closes the connection without a callback.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "keyshift/base/address.h"
#include "keyshift/net/loop.h"

namespace keyshift::net {

struct Reply {
  enum class Type : uint8_t { kLost, kNull, kText, kInteger, kArray, kError };
  Type type = Type::kLost;
  std::string text;     // kText, kError; kLost: why
  int64_t integer = 0;  // kInteger
  std::vector<Reply> elements;

  bool is_error() const { return type == Type::kError || type == Type::kLost; }
};

class RedisClient {
 public:
  using Answer = std::function<void(const Reply&)>;

  RedisClient(Loop* loop, Address address, std::function<void(std::string_view reason)> on_closed);
  ~RedisClient();
  RedisClient(const RedisClient&) = delete;
  RedisClient& operator=(const RedisClient&) = delete;

  // Connects, unless connected or connecting. Requests may follow at once. A name is resolved synchronously.
  void open();
  bool is_open() const;
  // Closes; open requests are answered with kLost.
  void close();
  // Requires: open() was called. If the connection has failed meanwhile, the answer is kLost.
  void request(std::initializer_list<std::string_view> arguments, Answer answer);

 private:
  struct Connection;

  Loop* loop_;
  Address address_;
  std::function<void(std::string_view)> on_closed_;
  Connection* connection_ = nullptr;                      // freed by hiredis's disconnect callback
  std::shared_ptr<int> alive_ = std::make_shared<int>();  // expires with us, for what was posted
};

}  // namespace keyshift::net
