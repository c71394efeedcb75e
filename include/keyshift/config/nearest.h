// nearest(): what somebody who wrote an unknown word most likely meant. For options, commands and names of all kinds.
//
//   nearest("pol_size", {"url", "pool_size"})     "pool_size"
//   nearest("colour", {"url", "pool_size"})       ""
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace keyshift::config {

// The candidate that `text` most likely means: few typing errors away, for its length. Empty when none is near.
std::string nearest(std::string_view text, std::span<const std::string> candidates);

}  // namespace keyshift::config
