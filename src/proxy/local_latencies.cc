#include "local_latencies.h"

#include <algorithm>

#include "keyshift/base/ascii.h"
#include "keyshift/resp/reply_cursor.h"
#include "keyshift/resp/writer.h"

namespace keyshift::proxy {
namespace {

// Whether somebody who asked for `word` wants `name`: "client" is asked for with all its subcommands.
bool is_asked(const std::string& word, std::string_view name) {
  return name == word || (name.starts_with(word) && name.substr(word.size()).starts_with('|'));
}

bool is_local(const command::Table& table, std::string_view name) {
  const size_t bar = std::min(name.find('|'), name.size());
  const command::Match match = table.find(name.substr(0, bar), name.substr(std::min(bar + 1, name.size())));
  return match.row != nullptr && match.row->name == name && match.row->scope == command::Scope::kLocal;
}

}  // namespace

std::vector<std::string> histogram_words(const resp::Request& request) {
  std::vector<std::string> words;
  for (size_t i = 2; i < request.size(); ++i) words.push_back(to_lower(request[i]));
  return words;
}

void LocalLatencies::record(std::string_view command, uint64_t nanoseconds) {
  const std::scoped_lock lock(mutex_);
  auto found = commands_.find(command);
  if (found == commands_.end()) found = commands_.emplace(command, Counts{}).first;
  size_t bucket = 0;
  while (bucket + 1 < kBuckets && nanoseconds > (uint64_t{1024} << bucket)) ++bucket;
  ++found->second[bucket];
}

void LocalLatencies::clear() {
  const std::scoped_lock lock(mutex_);
  commands_.clear();
}

void LocalLatencies::merge(std::string_view reply, const std::vector<std::string>& wanted,
                           const command::Table& table, resp::Protocol protocol, Buffer& out) const {
  resp::ReplyCursor cursor(reply);
  const resp::Token head = cursor.next();
  if (head.type != '*' && head.type != '%') {
    out.append(reply);
    return;
  }
  std::string entries;
  size_t count = 0;
  while (!cursor.done()) {
    const resp::Token name = cursor.next();
    const std::string_view value = cursor.skip();
    if (is_local(table, name.text)) continue;
    entries += name.raw;
    entries += value;
    ++count;
  }
  Buffer ours;
  const std::scoped_lock lock(mutex_);
  for (const auto& entry : commands_) {
    const auto& name = entry.first;
    const auto& counts = entry.second;
    const bool asked = wanted.empty() || std::ranges::any_of(wanted, [&](const std::string& word) {
                         return is_asked(word, name);
                       });
    if (!asked) continue;
    ++count;
    uint64_t calls = 0;
    for (const uint64_t in_bucket : counts) calls += in_bucket;
    resp::append_bulk(ours, name);
    resp::append_map(ours, 2, protocol);
    resp::append_bulk(ours, "calls");
    resp::append_integer(ours, static_cast<int64_t>(calls));
    resp::append_bulk(ours, "histogram_usec");
    resp::append_map(ours, static_cast<size_t>(std::ranges::count_if(counts, [](auto n) { return n > 0; })),
                     protocol);
    uint64_t sum = 0;
    for (size_t i = 0; i < kBuckets; ++i) {
      if (counts[i] == 0) continue;
      sum += counts[i];
      resp::append_integer(ours, int64_t{1} << i);
      resp::append_integer(ours, static_cast<int64_t>(sum));
    }
  }
  resp::append_map(out, count, protocol);
  out.append(entries);
  out.append(ours.view());
}

}  // namespace keyshift::proxy
