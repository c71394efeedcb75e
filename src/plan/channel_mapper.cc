#include "keyshift/plan/channel_mapper.h"

#include <algorithm>

#include "keyshift/resp/number.h"
#include "keyshift/resp/reply_cursor.h"
#include "keyshift/resp/writer.h"
#include "keyshift/scheme/glob.h"

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
  } else if ((shape_ == Reply::kChannels || shape_ == Reply::kChannelCounts) && head.type != '*') {
    return false;
  } else if (shape_ == Reply::kChannels) {
    map_channels(reply, out);
  } else if (shape_ == Reply::kChannelCounts) {
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

void ChannelMapper::map_channels(std::string_view reply, Buffer& out) const {
  ReplyCursor cursor(reply);
  cursor.next();
  Buffer name;
  Buffer shown;
  uint64_t count = 0;
  while (!cursor.done()) {
    name.clear();
    const bool visible = scheme::show_channel(*rules_, cursor.next().text, view_, pattern_.naming, name);
    if (!visible || !scheme::glob_match(pattern_.glob, name.view())) continue;
    resp::append_bulk(shown, name.view());
    ++count;
  }
  resp::append_array(out, count);
  out.append(shown.view());
}

}  // namespace keyshift::plan
