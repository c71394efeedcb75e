// Values as operators write them: "90s", "512mb", "5%", "yes", "redis://user:pass@host:6379/3".
//
// Pure functions from text to a number, or to one sentence that says what is wrong and shows a right one. The caller
// adds where it stood and whose value it was.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "keyshift/base/address.h"
#include "keyshift/base/result.h"
#include "keyshift/config/nearest.h"

namespace keyshift::config {

// "250ms" "90s" "5m" "1h" "24h" "7d" "2w", sums of them in falling units ("1h30m"), and "0". In milliseconds.
Result<int64_t> parse_duration(std::string_view text);
// "4096", and with Redis's units: "1k" is 1000, "1kb" is 1024; likewise m, mb, g, gb. In bytes.
Result<int64_t> parse_size(std::string_view text);
// "5%", 0% to 100%, at most two decimals. In hundredths of a percent: 500.
Result<int64_t> parse_percent(std::string_view text);
Result<int64_t> parse_integer(std::string_view text);
// true, yes, on, 1 and false, no, off, 0, in any case.
Result<bool> parse_bool(std::string_view text);

// What a text that is no duration most likely means: "1h" for "1 hour", "30s" for "30". Empty when nothing is near.
std::string nearest_duration(std::string_view text);
// The same of a size: "512mb" for "512 MiB".
std::string nearest_size(std::string_view text);

// The shortest text that the parser reads back as the same value: "90s" "1h" "512mb".
std::string duration_text(int64_t ms);
std::string size_text(int64_t bytes);

// Address::parse, and "/path" for a Unix socket.
Result<Address> parse_address(std::string_view text);

// What a URL says. What it does not say is empty: the options that do stay as they are.
struct Url {
  Address address;
  bool tls = false;
  std::optional<std::string> username, password;
  std::optional<int> database;
};
// redis://[[user]:password@]host[:port][/db], rediss:// likewise, unix://[[user]:password@]/path[?db=n].
Result<Url> parse_url(std::string_view text);

// Items between commas, without the spaces around them; empty items are left out.
std::vector<std::string> split_list(std::string_view text);
std::string joined(const std::vector<std::string>& items);  // with commas between
std::string_view trim(std::string_view text);
std::string lower(std::string_view text);
std::string upper(std::string_view text);

// A text as problems may show it: what stands before an "@" may be a password and becomes "***", bytes that a terminal
// should not get are escaped, and the end of what is long is left out. quoted_text() puts it into quotes.
std::string shown_text(std::string_view text);
std::string quoted_text(std::string_view text);

}  // namespace keyshift::config
