#include <algorithm>

#include <fmt/format.h>

#include "keyshift/base/ascii.h"
#include "value.h"

namespace keyshift::config {
namespace {

constexpr const char* kUrlExample =
    "must be a URL such as \"redis://127.0.0.1:6379\", \"redis://user:password@host:6379/3\" or "
    "\"unix:///run/redis.sock\"";
// sockaddr_un holds 108 bytes with its end.
constexpr size_t kLongestUnixPath = 107;
constexpr uint16_t kRedisPort = 6379;

Result<Address> socket_address(std::string_view path) {
  if (path.empty() || path.front() != '/')
    return fail("must name a socket by its absolute path, \"unix:///path\"");
  if (path.size() > kLongestUnixPath) return fail("names a socket by a path longer than 107 bytes");
  return Address{"", 0, std::string(path)};
}

Result<uint16_t> parse_port(std::string_view text) {
  const auto number = parse_integer(text);
  if (!number || *number < 0 || *number > 65535)
    return fail("has a port that is not a number from 0 to 65535");
  return static_cast<uint16_t>(*number);
}

// "[::1]:6379" or "host:6379" in two; the port's text is empty when there is none.
struct HostPort {
  std::string_view host, port;
};
Result<HostPort> split_host(std::string_view text) {
  HostPort parts;
  size_t end = 0;
  if (text.starts_with('[')) {
    const size_t bracket = text.find(']');
    if (bracket == std::string_view::npos) return fail(kUrlExample);
    parts.host = text.substr(1, bracket - 1);
    end = bracket + 1;
  } else {
    end = std::min(text.find(':'), text.size());
    parts.host = text.substr(0, end);
  }
  const std::string_view rest = text.substr(end);
  if (rest.empty()) return parts;
  if (rest.front() != ':') return fail(kUrlExample);
  if (rest.find(':', 1) != std::string_view::npos)
    return fail("is ambiguous: an IPv6 address needs brackets, \"redis://[::1]:6379\"");
  parts.port = rest.substr(1);
  return parts;
}

// "p%40ss" -> "p@ss". A '%' that begins no code stands for itself, as most clients read it.
std::string decode_percent(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0) {
      out.push_back(static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2])));
      i += 2;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

// "user:password@" off the front of `rest`, if it is there. ":password@" names no user.
void take_credentials(std::string_view& rest, Url& url) {
  const size_t slash = rest.find('/');
  const size_t at = rest.substr(0, slash).rfind('@');
  if (at == std::string_view::npos) return;
  const std::string_view credentials = rest.substr(0, at);
  rest.remove_prefix(at + 1);
  const size_t colon = std::min(credentials.find(':'), credentials.size());
  if (colon > 0) url.username = decode_percent(credentials.substr(0, colon));
  if (colon < credentials.size()) url.password = decode_percent(credentials.substr(colon + 1));
}

Result<int> parse_database(std::string_view text) {
  const auto number = parse_integer(text);
  if (!number || *number < 0 || *number > 1'000'000)
    return fail("has a database that is not a number from 0");
  return static_cast<int>(*number);
}

Result<Url> parse_unix_url(std::string_view rest, Url url) {
  take_credentials(rest, url);
  const size_t query = std::min(rest.find('?'), rest.size());
  auto address = socket_address(rest.substr(0, query));
  if (!address) return tl::make_unexpected(address.error());
  url.address = *address;
  if (query == rest.size()) return url;
  const std::string_view option = rest.substr(query + 1);
  if (!option.starts_with("db=")) return fail("may end in ?db=number and in nothing else behind the path");
  auto database = parse_database(option.substr(3));
  if (!database) return tl::make_unexpected(database.error());
  url.database = *database;
  return url;
}

}  // namespace

Result<Address> parse_address(std::string_view text) {
  text = trim(text);
  if (text.find("://") != std::string_view::npos && !text.starts_with("unix:"))
    return fail("must be HOST:PORT, [IPV6]:PORT or unix:/PATH, without what a URL has in front");
  auto address = Address::parse(text.starts_with('/') ? fmt::format("unix:{}", text) : std::string(text));
  if (!address) {
    // Our callers quote the text themselves.
    const std::string quoted = fmt::format("'{}': ", text);
    std::string reason = address.error().text;
    if (reason.starts_with(quoted)) reason.erase(0, quoted.size());
    return fail(std::move(reason));
  }
  return address;
}

Result<Url> parse_url(std::string_view text) {
  text = trim(text);
  const size_t mark = text.find("://");
  if (mark == std::string_view::npos) return fail(kUrlExample);
  const std::string scheme = lower(text.substr(0, mark));
  std::string_view rest = text.substr(mark + 3);
  Url url;
  if (scheme == "unix") return parse_unix_url(rest, std::move(url));
  if (scheme != "redis" && scheme != "rediss") return fail(kUrlExample);
  url.tls = scheme == "rediss";
  take_credentials(rest, url);

  const size_t slash = std::min(rest.find('/'), rest.size());
  if (const std::string_view path = rest.substr(slash); path.size() > 1) {
    const auto database = parse_database(path.substr(1));
    if (!database) return tl::make_unexpected(database.error());
    url.database = *database;
  }
  const auto parts = split_host(rest.substr(0, slash));
  if (!parts) return tl::make_unexpected(parts.error());
  if (parts->host.empty()) return fail(kUrlExample);
  url.address = Address{std::string(parts->host), kRedisPort, ""};
  if (!parts->port.empty()) {
    const auto port = parse_port(parts->port);
    if (!port) return tl::make_unexpected(port.error());
    if (*port == 0) return fail("has port 0, where no server can be reached");
    url.address.port = *port;
  }
  return url;
}

}  // namespace keyshift::config
