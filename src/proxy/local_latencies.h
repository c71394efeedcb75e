// LocalLatencies: how long the commands took that the proxy answers itself, told where the upstream tells it of the rest.
//
//   LATENCY HISTOGRAM client      upstream: *2 $14 client|setname ...     our own greeting to it: nobody's business
//                                 client:   *4 $9 client|id ...  $11 client|list ...
//
// In Redis's form: calls, and how many took at most 1, 2, 4, ... microseconds. One for all workers; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "keyshift/base/buffer.h"
#include "keyshift/command/table.h"
#include "keyshift/resp/protocol.h"
#include "keyshift/resp/request.h"

namespace keyshift::proxy {

class LocalLatencies {
 public:
  // `command` is a row's name.
  void record(std::string_view command, uint64_t nanoseconds);
  // As CONFIG RESETSTAT does with the upstream's.
  void clear();

  // Appends the upstream's reply to LATENCY HISTOGRAM with ours in the place of its entries for commands that are local in
  // `table`. `wanted`: the words behind HISTOGRAM, none for all. What is no map is passed on as it is.
  void merge(std::string_view reply, const std::vector<std::string>& wanted, const command::Table& table,
             resp::Protocol protocol, Buffer& out) const;

 private:
  // At most 2^i microseconds; Redis's counts end at 1 s.
  static constexpr size_t kBuckets = 21;
  using Counts = std::array<uint64_t, kBuckets>;

  mutable std::mutex mutex_;
  std::map<std::string, Counts, std::less<>> commands_;
};

// The words behind HISTOGRAM, in lower case.
std::vector<std::string> histogram_words(const resp::Request& request);

}  // namespace keyshift::proxy
