#include "keyshift/proxy/tracking.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "keyshift/base/ascii.h"
#include "keyshift/proxy/errors.h"
#include "keyshift/resp/number.h"

namespace keyshift::proxy {
namespace {

using Prefixes = std::vector<std::string_view>;

bool overlap(std::string_view one, std::string_view two) {
  return one.starts_with(two) || two.starts_with(one);
}

// Redis answers the second kind of overlap with an error and goes on, unless it is the first prefix's; so do not we.
Result<bool> check_overlaps(const Prefixes& prefixes, const TrackingOptions* before) {
  for (auto prefix = prefixes.begin(); prefix != prefixes.end(); ++prefix) {
    if (before != nullptr) {
      for (const std::string& earlier : before->prefixes) {
        if (overlap(earlier, *prefix)) return fail(errors::overlaps_existing_prefix(*prefix, earlier));
      }
    }
    const auto other =
        std::find_if(prefix + 1, prefixes.end(), [&](auto each) { return overlap(each, *prefix); });
    if (other != prefixes.end()) return fail(errors::overlaps_provided_prefix(*prefix, *other));
  }
  return true;
}

Result<bool> check_modes(const TrackingOptions& options, const Prefixes& prefixes,
                         const TrackingOptions* before) {
  if (!options.bcast && !prefixes.empty()) return fail(std::string(errors::kPrefixWithoutBcast));
  if (before != nullptr && before->bcast != options.bcast) return fail(std::string(errors::kBcastSwitched));
  if (options.bcast && (options.optin || options.optout)) return fail(std::string(errors::kBcastWithOption));
  if (options.optin && options.optout) return fail(std::string(errors::kOptinAndOptout));
  if (before != nullptr && ((options.optin && before->optout) || (options.optout && before->optin)))
    return fail(std::string(errors::kOptSwitched));
  return true;
}

Result<uint64_t> read_redirect(std::string_view text, uint64_t before,
                               const std::function<bool(uint64_t)>& is_client) {
  if (before != 0) return fail(std::string(errors::kTwoRedirects));
  int64_t id = 0;
  if (!resp::parse_integer(text, id)) return fail(std::string(errors::kNotInteger));
  if (id <= 0 || !is_client(static_cast<uint64_t>(id))) return fail(std::string(errors::kRedirectToNobody));
  return static_cast<uint64_t>(id);
}

}  // namespace

Result<TrackingRequest> read_tracking(const resp::Request& request, const TrackingOptions* before,
                                      const std::function<bool(uint64_t)>& is_client) {
  TrackingRequest asked;
  TrackingOptions& options = asked.options;
  Prefixes prefixes;
  for (size_t i = 3; i < request.size(); ++i) {
    const bool more = i + 1 < request.size();
    if (is_word(request[i], "redirect") && more) {
      const auto id = read_redirect(request[++i], options.redirect, is_client);
      if (!id) return tl::make_unexpected(id.error());
      options.redirect = *id;
    } else if (is_word(request[i], "prefix") && more) {
      prefixes.push_back(request[++i]);
    } else if (is_word(request[i], "bcast")) {
      options.bcast = true;
    } else if (is_word(request[i], "optin")) {
      options.optin = true;
    } else if (is_word(request[i], "optout")) {
      options.optout = true;
    } else if (is_word(request[i], "noloop")) {
      options.noloop = true;
    } else {
      return fail(std::string(errors::kSyntax));
    }
  }
  asked.on = is_word(request[2], "on");
  if (!asked.on) {
    if (!is_word(request[2], "off")) return fail(std::string(errors::kSyntax));
    return asked;
  }
  if (const auto fine = check_modes(options, prefixes, before); !fine)
    return tl::make_unexpected(fine.error());
  if (!options.bcast) return asked;
  if (const auto fine = check_overlaps(prefixes, before); !fine) return tl::make_unexpected(fine.error());
  if (before != nullptr) options.prefixes = before->prefixes;
  for (const std::string_view prefix : prefixes) options.prefixes.emplace(prefix);
  if (prefixes.empty()) options.prefixes.emplace();
  return asked;
}

}  // namespace keyshift::proxy
