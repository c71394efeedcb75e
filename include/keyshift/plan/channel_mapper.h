// ChannelMapper: gives the replies to PUBLISH and PUBSUB the channels that the client knows, and the numbers of an
// upstream that had all our clients as its own.
//
//   PUBLISH news hi               :1                                      =>  :2
//   PUBSUB NUMSUB news            *2 $4 news :1                           =>  *2 $4 news :2
//   PUBSUB CHANNELS __key*        *1 $.. __keyspace@0__:bench:kv:id:1     =>  *1 $.. __keyspace@0__:k:1
//
// Made by the planner; see reply_mapper.h.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "keyshift/plan/audience.h"
#include "keyshift/plan/reply_mapper.h"
#include "keyshift/scheme/channels.h"

namespace keyshift::plan {

class ChannelMapper final : public ReplyMapper {
 public:
  // For numbers.
  explicit ChannelMapper(command::Reply shape) : ReplyMapper(shape) {}
  // For kChannels: those that the client sees and that its pattern fits. `audience` (or null) outlives this.
  ChannelMapper(std::shared_ptr<const scheme::Ruleset> rules, const scheme::View& view,
                scheme::ChannelPattern pattern, const Audience* audience)
      : ReplyMapper(command::Reply::kChannels),
        rules_(std::move(rules)),
        view_(view),
        pattern_(std::move(pattern)),
        audience_(audience) {}

  // The next number of the reply gets so many more; with kChannelCounts it is that of this channel of the client.
  void add(int64_t more, std::string_view channel = {}) { counts_.push_back({std::string(channel), more}); }

  bool map(std::string_view reply, Buffer& out) override;

 private:
  struct Count {
    std::string channel;
    int64_t more;
  };

  void map_counts(std::string_view reply, Buffer& out) const;
  void map_channels(std::string_view reply, Buffer& out) const;
  void keep_those_in_use(std::string_view physical, std::vector<std::string>& names) const;

  std::vector<Count> counts_;
  std::shared_ptr<const scheme::Ruleset> rules_;
  scheme::View view_;
  scheme::ChannelPattern pattern_;
  const Audience* audience_ = nullptr;
};

}  // namespace keyshift::plan
