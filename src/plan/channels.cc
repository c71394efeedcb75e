// Planner: PUBLISH and PUBSUB, whose channels may be called after keys, and whose numbers are not the upstream's alone.
#include "keyshift/scheme/channels.h"

#include <utility>

#include "keyshift/plan/channel_mapper.h"
#include "keyshift/plan/planner.h"
#include "planner_work.h"

namespace keyshift::plan {

using command::Reply;
using scheme::ChannelName;

bool Planner::is_about_channels(command::Reply reply) {
  return reply == Reply::kReceivers || reply == Reply::kChannelCounts || reply == Reply::kPatternCount ||
         reply == Reply::kChannels;
}

void Planner::write_channels(Work& work, bool renames) {
  const Audience* const audience =
      work.context.audience != nullptr && !work.context.audience->empty() ? work.context.audience : nullptr;
  std::unique_ptr<ChannelMapper> mapper;
  if (work.row.reply == Reply::kChannels) {
    if (renames) mapper = write_channel_pattern(work);
  } else if (audience != nullptr || renames) {
    mapper = std::make_unique<ChannelMapper>(work.row.reply);
    for (const command::Name& name : names_.list) write_channel(work, name, renames, audience, *mapper);
    if (work.row.reply == Reply::kPatternCount)
      mapper->add(audience != nullptr ? audience->more_patterns() : 0);
  }
  work.out.append(work.request.block().substr(work.copied));
  // Numbers that are the upstream's alone are relayed as they come.
  if (audience != nullptr || (renames && work.row.reply != Reply::kReceivers))
    work.plan.mapper = std::move(mapper);
  work.plan.steps.push_back(disposition(work));
}

// PUBLISH channel message, PUBSUB NUMSUB channel...
void Planner::write_channel(Work& work, const command::Name& name, bool renames, const Audience* audience,
                            ChannelMapper& mapper) {
  const scheme::Ruleset& rules = *work.context.rules;
  const scheme::View& view = work.context.view;
  const bool shard = name.role == command::Role::kShardChannel;
  const std::string_view channel = work.request[name.at];
  const bool publishes = work.row.reply == Reply::kReceivers;
  const bool of_key = renames && !shard && scheme::read_channel(channel).kind != ChannelName::Kind::kPlain;
  Buffer physical;
  if (of_key && publishes) {
    scheme::Publication made = scheme::physical_publication(rules, channel, work.request[name.at + 1], view);
    replace(work, name.at, made.channel.view());
    replace(work, name.at + 1, made.payload.view());
    physical = std::move(made.channel);
  } else if (of_key) {
    scheme::append_physical_channel(rules, channel, view, physical);
    replace(work, name.at, physical.view());
  }
  const std::string_view upstream = of_key ? physical.view() : channel;
  const std::string_view counted = shard ? channel : scheme::counted_channel(channel, upstream);
  if (publishes) {
    mapper.add(audience == nullptr ? 0 : audience->more_receivers(shard, channel, counted, upstream));
  } else {
    mapper.add(audience == nullptr ? 0 : audience->more_subscribers(shard, counted, upstream), channel);
  }
}

// PUBSUB CHANNELS [pattern]
std::unique_ptr<ChannelMapper> Planner::write_channel_pattern(Work& work) {
  constexpr uint32_t kAt = 2;
  if (work.request.size() > kAt + 1) return nullptr;  // the server's to refuse
  const Context& context = work.context;
  const bool all = work.request.size() == kAt;
  scheme::ChannelPattern pattern =
      scheme::translate_channels(*context.rules, all ? "*" : work.request[kAt], context.view, 1);
  if (!all) replace(work, kAt, pattern.physical.front());
  return std::make_unique<ChannelMapper>(context.rules, context.view, std::move(pattern), context.audience);
}

}  // namespace keyshift::plan
