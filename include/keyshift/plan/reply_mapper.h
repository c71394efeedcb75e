// ReplyMapper: gives a reply the names that its client used.
//
// Which names stand where in a reply is said by the command's row, never guessed from the reply. A mapper is made by
// the planner for a request whose reply carries names, waits with the session's pending request, and is used for each
// step whose reply is not discarded. It keeps the ruleset and the view that mapped the request, so a reload in between
// changes nothing.
//
//   KEYS jobs:*         jobs:{n} -> work:jobs:id:{n}
//   *2..$14..work:jobs:id:7..$14..work:jobs:id:8    =>   *2..$6..jobs:7..$6..jobs:8
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "keyshift/base/buffer.h"
#include "keyshift/command/row.h"
#include "keyshift/resp/protocol.h"
#include "keyshift/resp/reply_cursor.h"
#include "keyshift/scheme/patterns.h"
#include "keyshift/scheme/ruleset.h"

namespace keyshift::plan {

class ReplyMapper {
 public:
  virtual ~ReplyMapper() = default;
  // For replies whose names come from the request: kScriptSha, kOpaque (then only error texts); and kScriptText, which
  // has no names. Keys of the request: keyed_reply_mapper.h.
  explicit ReplyMapper(command::Reply shape) : shape_(shape) {}
  // For replies whose names come from the keyspace: kKeys, kScan, kKey, kSlowlog, kRunning. `steps` replies make one.
  ReplyMapper(command::Reply shape, std::shared_ptr<const scheme::Ruleset> rules, const scheme::View& view,
              int database, resp::Protocol protocol, std::shared_ptr<const scheme::KeyPattern> pattern,
              size_t steps);

  // A key of the request, as the client called it and as the upstream knows it.
  void add_name(std::string_view used, std::string_view physical);

  // Replies to KEYS are to answer what is asked of the whole database: how many keys, or one of them by `draw`.
  void take_keys_for(command::Whole whole, uint64_t draw) {
    shape_ = command::Reply::kKeys;
    whole_ = whole;
    draw_ = draw;
  }

  // kRelay: takes the next piece of a reply that is no error, and appends what there is of the client's. Returns false if
  // the reply is none to this command; what was appended before stays.
  virtual bool pass(std::string_view piece, Buffer& out);
  // kMap: takes the next whole reply. Once the last of `steps` has come, appends the client's reply to `out`. Returns
  // false, with nothing appended, if the reply has not the shape: it is none to this command.
  virtual bool map(std::string_view reply, Buffer& out);
  // Appends an error reply with the names in it mapped.
  void map_error(std::string_view reply, Buffer& out) const;

 protected:
  command::Reply shape() const { return shape_; }
  // Appends the key by the name that the client used, as a bulk.
  void append_used(std::string_view physical, Buffer& out) const;
  // Of the keys of the request, in bytes.
  size_t longest_physical() const;

 private:
  struct UsedName {
    std::string used;
    std::string physical;
  };

  bool fits(std::string_view reply) const;
  void map_keys(std::string_view reply, Buffer& out);
  void append_collected(Buffer& out) const;
  void map_scan(std::string_view reply, Buffer& out);
  void map_random_key(std::string_view reply, Buffer& out);
  void map_script_text(std::string_view reply, Buffer& out);
  void map_slowlog(std::string_view reply, Buffer& out);
  void map_running(std::string_view reply, Buffer& out);
  void map_quoted(std::string_view reply, resp::ReplyCursor& cursor, Buffer& out);
  void append_shown(const resp::Token& key, Buffer& out);
  bool collect_visible(std::string_view physical);

  command::Reply shape_;
  std::vector<UsedName> names_;

  std::shared_ptr<const scheme::Ruleset> rules_;
  scheme::View view_;
  int database_ = 0;
  resp::Protocol protocol_ = resp::Protocol::kResp2;
  std::shared_ptr<const scheme::KeyPattern> pattern_;
  command::Whole whole_ = command::Whole::kNone;
  uint64_t draw_ = 0;
  size_t steps_left_ = 1;
  size_t step_ = 0;  // which of the pattern's physical globs the next reply answers
  Buffer shown_;     // bulks of the names collected so far
  uint64_t shown_count_ = 0;
  Buffer scratch_;     // one name
  std::string error_;  // the first error among the replies
};

}  // namespace keyshift::plan
