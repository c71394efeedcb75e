// KeyedReplyMapper: gives a reply that holds keys of its request the names that the client used, while it passes.
//
//   XREAD STREAMS jobs:7 0     *1 *2 $14 work:jobs:id:7 | *1...        =>  *1 *2 $6 jobs:7 | *1...
//   BLPOP jobs:7 0             *2 $14 work:jobs:id:7 | $1048576 ...    =>  *2 $6 jobs:7    | $1048576 ...
//
// Only headers and keys are ever held: an element that was popped exists nowhere else, so however large it is, it goes on
// as it comes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "keyshift/base/buffer.h"
#include "keyshift/command/row.h"
#include "keyshift/plan/reply_mapper.h"
#include "keyshift/resp/reply_scanner.h"

namespace keyshift::plan {

class KeyedReplyMapper final : public ReplyMapper {
 public:
  // Whether replies of this shape hold keys of their request.
  static bool is_for(command::Reply shape);

  // Requires: is_for(shape).
  explicit KeyedReplyMapper(command::Reply shape) : ReplyMapper(shape) {}

  bool pass(std::string_view piece, Buffer& out) override;

 private:
  enum class State : uint8_t {
    kReply,  // the reply's own header
    kPair,   // that of [key, entries]
    kKey,    // of the request, by its physical name
    kValue,  // what stands behind a key; then the next one comes
    kRest,   // nothing more is looked at
  };

  bool take_line(std::string_view& piece);
  bool begin_reply(Buffer& out);
  bool take_key(std::string_view& piece, Buffer& out);
  void pass_value(std::string_view& piece, Buffer& out);

  State state_ = State::kReply;
  State at_next_key_ = State::kKey;
  std::string held_;  // of a header or a key that is not complete
  resp::ReplyScanner scanner_;
};

}  // namespace keyshift::plan
