// What a client asks with CLIENT TRACKING, as Redis 7 reads it.
//
//   CLIENT TRACKING ON BCAST PREFIX user: PREFIX session: NOLOOP
//   CLIENT TRACKING ON REDIRECT 7 OPTIN
//   CLIENT TRACKING OFF
//
// Client numbers are Keyshift's, prefixes the client's own. Texts of errors are Redis's.
#pragma once

#include <cstdint>
#include <functional>

#include "keyshift/base/result.h"
#include "keyshift/plan/invalidation_mapper.h"
#include "keyshift/resp/request.h"

namespace keyshift::proxy {

struct TrackingOptions {
  bool bcast = false;
  bool optin = false;
  bool optout = false;
  bool noloop = false;
  uint64_t redirect = 0;                        // the client that is told; 0: this one
  plan::InvalidationMapper::Prefixes prefixes;  // with bcast at least one: "" for every key
};

struct TrackingRequest {
  bool on = false;
  TrackingOptions options;  // if on; with the prefixes of before
};

// What of it waits for the upstream's answer.
enum class TrackingAsked : uint8_t { kNothing, kOn, kOff };

// `before`: the options in force, null while tracking is off. `is_client` says whether there is a client of this number.
Result<TrackingRequest> read_tracking(const resp::Request& request, const TrackingOptions* before,
                                      const std::function<bool(uint64_t)>& is_client);

}  // namespace keyshift::proxy
