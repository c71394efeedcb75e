// What RequestParser says of a stream of bytes that arrives in given pieces. Every call sees a fresh block of exactly
// the bytes that a session would hold then. Used by the tests and by the fuzz target.
#pragma once

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "exact_block.h"
#include "keyshift/resp/request_parser.h"

namespace keyshift::resp {

enum class Large { kCollect, kStream };

struct Outcome {
  RequestParser::Status status;
  std::vector<std::string> words;
  std::string error;
  size_t end = 0;  // of the frame, in the stream

  friend bool operator==(const Outcome&, const Outcome&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Outcome& o) {
    out << "{status " << int(o.status) << " end " << o.end << " error '" << o.error << "' words";
    for (const std::string& word : o.words) out << " '" << word << "'";
    return out << "}";
  }
};

inline std::vector<std::string> words_of(const Request& request) {
  std::vector<std::string> words;
  for (size_t i = 0; i < request.size(); ++i) words.emplace_back(request[i]);
  return words;
}

class RequestStream {
 public:
  RequestStream(const Limits& limits, Large large, bool authenticated = true)
      : parser_(limits), large_(large) {
    parser_.set_authenticated(authenticated);
  }

  void arrive(std::string_view bytes) {
    held_.append(bytes);
    while (!closed_ && step()) {
    }
  }
  const std::vector<Outcome>& outcomes() const { return outcomes_; }
  bool closed() const { return closed_; }

 private:
  using Status = RequestParser::Status;

  bool step() { return streaming_ ? step_streaming() : step_parsing(); }

  bool step_parsing() {
    const ExactBlock block(held_);
    const Status status = parser_.parse(block.view());
    switch (status) {
      case Status::kIncomplete:
        return false;
      case Status::kLarge:
        if (large_ == Large::kCollect) {
          parser_.collect();
          return true;
        }
        outcomes_.push_back({Status::kRequest, words_of(parser_.request(block.view())), "", 0});
        parser_.stream();
        drop(parser_.large_body_offset());
        outcomes_.back().words.emplace_back();
        streaming_ = true;
        return true;
      case Status::kRequest:
      case Status::kEmpty: {
        const size_t end = dropped_ + parser_.frame_size();
        outcomes_.push_back({status, {}, "", end});
        if (status == Status::kRequest) outcomes_.back().words = words_of(parser_.request(block.view()));
        drop(parser_.frame_size());
        parser_.next();
        return !held_.empty();
      }
      case Status::kError:
        outcomes_.push_back({status, {}, std::string(parser_.error()), 0});
        closed_ = true;
        return false;
      case Status::kForeign:
        outcomes_.push_back({status, {}, "", 0});
        closed_ = true;
        return false;
    }
    return false;
  }

  bool step_streaming() {
    using Kind = StreamEvent::Kind;
    const ExactBlock block(held_);
    const StreamEvent event = parser_.next_event(block.view());
    Outcome& outcome = outcomes_.back();
    if (event.kind == Kind::kBody) outcome.words.back().append(event.bytes);
    if (event.kind == Kind::kArgument) outcome.words.emplace_back(event.bytes);
    if (event.kind == Kind::kLargeBegins) outcome.words.emplace_back();
    drop(event.consumed);
    if (event.kind == Kind::kEnd) {
      outcome.end = dropped_;
      parser_.next();
      streaming_ = false;
      return !held_.empty();
    }
    if (event.kind == Kind::kError) {
      outcome = {Status::kError, {}, std::string(parser_.error()), 0};
      closed_ = true;
    }
    return event.kind != Kind::kIncomplete;
  }

  void drop(size_t size) {
    held_.erase(0, size);
    dropped_ += size;
  }

  RequestParser parser_;
  Large large_;
  std::string held_;
  size_t dropped_ = 0;
  std::vector<Outcome> outcomes_;
  bool streaming_ = false;
  bool closed_ = false;
};

// Cuts `bytes` before each offset of `cuts` (ascending).
inline std::vector<Outcome> parse_in_pieces(const Limits& limits, std::string_view bytes,
                                            std::vector<size_t> cuts, Large large = Large::kCollect,
                                            bool authenticated = true) {
  RequestStream stream(limits, large, authenticated);
  size_t begin = 0;
  cuts.push_back(bytes.size());
  for (const size_t cut : cuts) {
    stream.arrive(bytes.substr(begin, cut - begin));
    begin = cut;
  }
  return stream.outcomes();
}

inline std::vector<size_t> every_byte(std::string_view bytes) {
  std::vector<size_t> cuts;
  for (size_t i = 1; i < bytes.size(); ++i) cuts.push_back(i);
  return cuts;
}

}  // namespace keyshift::resp
