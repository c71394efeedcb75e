#include "keyshift/plan/channel_mapper.h"

#include <algorithm>

#include "keyshift/resp/number.h"
#include "keyshift/resp/reply_cursor.h"
#include "keyshift/resp/writer.h"

namespace keyshift::plan {

using command::Reply;
using resp::ReplyCursor;
using resp::Token;

namespace {

// Between the upstream's counting and ours somebody may come or go: a number that is off by one then is still a number.
void append_corrected(const Token& number, int64_t more, Buffer& out) {
  int64_t counted = 0;
  if (number.type != ':' || !resp::parse_integer(number.text, counted)) {
    out.append(number.raw);
  } else {
    resp::append_integer(out, std::max(int64_t{0}, counted + more));
  }
}

}  // namespace

bool ChannelMapper::map(std::string_view reply, Buffer& out) {
  const Token head = ReplyCursor(reply).peek();
  if (head.is_error()) {
    out.append(reply);
  } else if ((shape() == Reply::kChannels || shape() == Reply::kChannelCounts) && head.type != '*') {
    return false;
  } else if (shape() == Reply::kChannels) {
    map_channels(reply, out);
  } else if (shape() == Reply::kChannelCounts) {
    map_counts(reply, out);
  } else {
    append_corrected(head, counts_.front().more, out);
  }
  return true;
}

void ChannelMapper::map_counts(std::string_view reply, Buffer& out) const {
  ReplyCursor cursor(reply);
  out.append(cursor.next().raw);
  for (const Count& count : counts_) {
    if (cursor.done()) return;
    cursor.next();
    resp::append_bulk(out, count.channel);
    if (!cursor.done()) append_corrected(cursor.next(), count.more, out);
  }
}

// One channel of the upstream's has a name in each folded database, by which our clients may have subscribed to it. If
// none of them has, but a stranger behind another proxy, there is no telling by which: it keeps the first.
void ChannelMapper::keep_those_in_use(std::string_view physical, std::vector<std::string>& names) const {
  if (audience_ == nullptr || !audience_->has_connections(physical)) {
    names.resize(1);
  } else {
    std::erase_if(names, [this](const std::string& name) { return !audience_->has_subscribers(name); });
  }
}

void ChannelMapper::map_channels(std::string_view reply, Buffer& out) const {
  ReplyCursor cursor(reply);
  cursor.next();
  Buffer shown;
  uint64_t count = 0;
  while (!cursor.done()) {
    const std::string_view physical = cursor.next().text;
    std::vector<std::string> names = scheme::shown_channels(*rules_, pattern_, physical, view_);
    const bool of_events = scheme::read_channel(physical).kind == scheme::ChannelName::Kind::kKeyevent;
    if (of_events && !names.empty()) keep_those_in_use(physical, names);
    for (const std::string& name : names) resp::append_bulk(shown, name);
    count += names.size();
  }
  resp::append_array(out, count);
  out.append(shown.view());
}

}  // namespace keyshift::plan
