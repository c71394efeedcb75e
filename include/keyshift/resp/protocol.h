// Protocol: which RESP a session and its upstream connections speak.
//
// There is no conversion between the two (a RESP3 double or map does not map back without knowing the
// command), so a session's protocol chooses its upstream connections and the spelling of what we answer
// ourselves (writer.h).
#pragma once

#include <cstdint>

namespace keyshift::resp {

enum class Protocol : uint8_t { kResp2 = 2, kResp3 = 3 };

}  // namespace keyshift::resp
