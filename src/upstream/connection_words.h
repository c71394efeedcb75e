// What a connection says on its own account, beside the requests that others write to it.
#pragma once

#include <string_view>

#include "keyshift/base/buffer.h"
#include "keyshift/resp/own_words.h"
#include "keyshift/resp/writer.h"

namespace keyshift::upstream {

// What the server calls a connection that no client has named.
inline constexpr std::string_view kOurName = "keyshift";

inline void append_select(Buffer& out, std::string_view spelled, int database) {
  resp::append_array(out, 2);
  resp::append_bulk(out, spelled);
  resp::append_bulk_integer(out, database);
}

inline void append_name(Buffer& out, std::string_view name) {
  resp::append_array(out, 3);
  resp::append_bulk(out, resp::own::kClient);
  resp::append_bulk(out, "SETNAME");
  resp::append_bulk(out, name);
}

}  // namespace keyshift::upstream
