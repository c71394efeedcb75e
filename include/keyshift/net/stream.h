// Stream: one connected byte stream, TCP or Unix, from a listener or from connect().
//
// Output is appended to out() and leaves at the end of the loop's turn in one write; what the socket does not take
// stays behind and is written as it drains. Input is handed to the handler out of a buffer that the whole loop shares.
//
//   stream.out().append("+PONG\r\n");
//   stream.mark_dirty();                  // written once, at the end of this turn
//
// Destroying a Stream closes it and drops what is still in out(); close_when_sent() writes that first. After either its
// handler is not called again. Callbacks never come from within a call to the stream.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "keyshift/base/address.h"
#include "keyshift/base/buffer.h"
#include "keyshift/base/result.h"

namespace keyshift::net {

class Loop;

class StreamHandler {
 public:
  virtual ~StreamHandler() = default;
  // Bytes arrived. The view ends with the call. The handler may destroy the stream.
  virtual void on_bytes(std::string_view bytes) = 0;
  // The peer sent its last byte (`reason` empty), or the connection broke. Nothing more arrives; after a clean end
  // the stream can still be written to. The handler may destroy the stream.
  virtual void on_end(std::string_view reason) = 0;
  // Everything appended so far has been handed to the kernel. The handler must not destroy the stream here.
  virtual void on_drained() {}
};

class Stream {
 public:
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // Starts reading. Requires: a connected stream. `handler` must outlive the stream.
  void start(StreamHandler* handler);

  // Gives the stream away: it is written out, then closed. Its handler is not called again.
  static void close_when_sent(std::unique_ptr<Stream> stream);

  // The peer hears that nothing follows, as soon as all is sent. What it says still arrives. Requires: nothing is appended
  // from now on.
  void finish_sending() {
    finishing_ = true;
    mark_dirty();
  }

  Buffer& out() { return out_; }
  // Has out() written at the end of this turn. Calling it again before that costs nothing.
  void mark_dirty() {
    if (!dirty_) enlist();
  }
  // Bytes appended and not yet taken by the kernel.
  size_t unsent_bytes() const;

  // Stops and resumes on_bytes, so that a peer feels back pressure. Both may be repeated.
  void pause_reading();
  void resume_reading();
  bool reading() const { return reading_; }
  // The peer has sent its last byte, or is gone, though not all that it has sent was read. Asks the kernel.
  bool peer_has_ended() const;

  // Counts of bytes that went through the socket, both ways.
  uint64_t received_bytes() const { return received_bytes_; }
  uint64_t sent_bytes() const { return sent_bytes_; }

  // "127.0.0.1:40212", or the path of a Unix socket.
  const std::string& peer_name() const { return peer_name_; }
  const std::string& local_name() const { return local_name_; }
  int fd() const;

 private:
  friend class Loop;
  friend class Listener;
  friend class Connecting;
  struct Handle;

  // Takes over a connected handle.
  Stream(Loop* loop, Handle* handle);
  void enlist();
  void flush();
  void shut_down();
  void ended(std::string_view reason);
  void read_names();

  Loop* loop_;
  Handle* handle_;
  StreamHandler* handler_ = nullptr;
  Buffer out_;
  bool dirty_ = false;
  bool reading_ = false;
  bool lingering_ = false;  // owned by the loop until all is sent
  bool finishing_ = false;  // nothing follows what is in out_
  uint64_t received_bytes_ = 0;
  uint64_t sent_bytes_ = 0;
  std::string peer_name_;
  std::string local_name_;
};

// An attempt to connect: resolves the name, connects, calls back once, from a later turn, with the stream or the
// reason. Destroying it cancels the attempt, and no callback comes.
class Connecting {
 public:
  using Done = std::function<void(Result<std::unique_ptr<Stream>>)>;
  Connecting(Loop* loop, const Address& address, Done done);
  ~Connecting();
  Connecting(const Connecting&) = delete;
  Connecting& operator=(const Connecting&) = delete;

 private:
  struct Attempt;
  Attempt* attempt_;
};

}  // namespace keyshift::net
