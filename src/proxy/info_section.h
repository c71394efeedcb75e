// The `# Keyshift` section of INFO: who answers, in the form that INFO's readers know.
#pragma once

#include <string>
#include <string_view>

#include "keyshift/base/buffer.h"
#include "keyshift/resp/protocol.h"
#include "keyshift/resp/request.h"

namespace keyshift::proxy {

class Worker;

// "INFO keyshift": nothing is asked of the upstream.
bool info_is_only_ours(const resp::Request& request);
// Our section belongs to the answer: INFO without sections, or with default, all, everything or keyshift.
bool info_wants_ours(const resp::Request& request);

// The section's text: "# Keyshift\r\nkeyshift_version:...".
std::string info_section(Worker& worker);
// Appends the upstream's reply to INFO, with our clients counted in it in the place of our connections, and with our section
// behind it where that is wanted; anything but a text is passed on as it is.
void append_info(std::string_view reply, Worker& worker, bool with_section, resp::Protocol protocol,
                 Buffer& out);

}  // namespace keyshift::proxy
