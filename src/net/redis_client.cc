#include "keyshift/net/redis_client.h"

#include <utility>

#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <uv.h>

#include "keyshift/base/check.h"

namespace keyshift::net {
namespace {

Reply lost(std::string_view why) {
  Reply reply;
  reply.text = why;
  return reply;
}

Reply value_of(const redisReply* reply) {
  Reply value;
  switch (reply->type) {
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
      value.type = Reply::Type::kText;
      value.text.assign(reply->str, reply->len);
      break;
    case REDIS_REPLY_ERROR:
      value.type = Reply::Type::kError;
      value.text.assign(reply->str, reply->len);
      break;
    case REDIS_REPLY_INTEGER:
      value.type = Reply::Type::kInteger;
      value.integer = reply->integer;
      break;
    case REDIS_REPLY_ARRAY:
      value.type = Reply::Type::kArray;
      for (size_t i = 0; i < reply->elements; ++i) value.elements.push_back(value_of(reply->element[i]));
      break;
    default:
      value.type = Reply::Type::kNull;
  }
  return value;
}

}  // namespace

// hiredis's context and its descriptor on our loop. hiredis's own libuv adapter ignores poll errors, so it never learns
// that a connect was refused; here every event reaches hiredis, which finds the error on the socket.
struct RedisClient::Connection {
  RedisClient* client;
  redisAsyncContext* context;
  uv_poll_t poll;
  int events = 0;

  void want(int event, bool wanted) {
    events = wanted ? events | event : events & ~event;
    if (events == 0) {
      uv_poll_stop(&poll);
      return;
    }
    uv_poll_start(&poll, events, [](uv_poll_t* handle, int status, int ready) {
      auto* self = static_cast<Connection*>(handle->data);
      // Either call may end the connection.
      if (self->context != nullptr && (status != 0 || (ready & UV_READABLE) != 0))
        redisAsyncHandleRead(self->context);
      if (self->context != nullptr && (ready & UV_WRITABLE) != 0) redisAsyncHandleWrite(self->context);
    });
  }

  // hiredis is about to free the context, for whatever reason.
  void ended() {
    const std::string reason = context->errstr[0] == '\0' ? "closed" : context->errstr;
    context = nullptr;
    uv_close(reinterpret_cast<uv_handle_t*>(&poll),
             [](uv_handle_t* handle) { delete static_cast<Connection*>(handle->data); });
    RedisClient* const owner = std::exchange(client, nullptr);
    if (owner == nullptr) return;
    owner->connection_ = nullptr;
    owner->on_closed_(reason);
  }
};

RedisClient::RedisClient(Loop* loop, Address address, std::function<void(std::string_view)> on_closed)
    : loop_(loop), address_(std::move(address)), on_closed_(std::move(on_closed)) {}

RedisClient::~RedisClient() {
  on_closed_ = [](std::string_view) {};
  close();
}

bool RedisClient::is_open() const {
  return connection_ != nullptr;
}

void RedisClient::open() {
  if (connection_ != nullptr) return;
  redisAsyncContext* context = address_.is_unix() ? redisAsyncConnectUnix(address_.path.c_str())
                                                  : redisAsyncConnect(address_.host.c_str(), address_.port);
  KEYSHIFT_CHECK(context != nullptr, "no memory for a connection");
  if (context->err != 0) {
    const std::string reason = context->errstr;
    redisAsyncFree(context);
    // Never from within the call.
    loop_->post([this, reason, alive = std::weak_ptr<int>(alive_)] {
      if (!alive.expired()) on_closed_(reason);
    });
    return;
  }
  connection_ = new Connection{this, context, {}, 0};
  uv_poll_init(loop_->uv(), &connection_->poll, context->c.fd);
  connection_->poll.data = connection_;
  context->ev.data = connection_;
  context->ev.addRead = [](void* data) { static_cast<Connection*>(data)->want(UV_READABLE, true); };
  context->ev.delRead = [](void* data) { static_cast<Connection*>(data)->want(UV_READABLE, false); };
  context->ev.addWrite = [](void* data) { static_cast<Connection*>(data)->want(UV_WRITABLE, true); };
  context->ev.delWrite = [](void* data) { static_cast<Connection*>(data)->want(UV_WRITABLE, false); };
  context->ev.cleanup = [](void* data) { static_cast<Connection*>(data)->ended(); };
  // hiredis waits for the connect by writing.
  connection_->want(UV_WRITABLE, true);
}

void RedisClient::close() {
  if (connection_ == nullptr) return;
  // Frees the context and answers every open request, all within the call.
  Connection* const connection = connection_;
  connection->client = nullptr;
  connection_ = nullptr;
  redisAsyncFree(connection->context);
}

void RedisClient::request(std::initializer_list<std::string_view> arguments, Answer answer) {
  if (connection_ == nullptr) {
    loop_->post([answer = std::move(answer)] { answer(lost("not connected")); });
    return;
  }
  std::vector<const char*> words;
  std::vector<size_t> sizes;
  for (const std::string_view argument : arguments) {
    words.push_back(argument.data());
    sizes.push_back(argument.size());
  }
  auto* held = new Answer(std::move(answer));
  const int queued = redisAsyncCommandArgv(
      connection_->context,
      [](redisAsyncContext* context, void* reply, void* data) {
        const std::unique_ptr<Answer> owned(static_cast<Answer*>(data));
        if (reply != nullptr) {
          (*owned)(value_of(static_cast<redisReply*>(reply)));
        } else {
          (*owned)(lost(context->errstr));
        }
      },
      held, static_cast<int>(words.size()), words.data(), sizes.data());
  if (queued != REDIS_OK) {
    loop_->post([held] {
      const std::unique_ptr<Answer> owned(held);
      (*owned)(lost("the connection is being closed"));
    });
  }
}

}  // namespace keyshift::net
