// The built-in rows, as one list: the .inc files of rows/ put together.
#pragma once

#include <span>

#include "keyshift/command/row.h"

namespace keyshift::command {

// All of them; a container stands before its subcommands. They live for the whole program.
std::span<const Row> built_in_rows();

}  // namespace keyshift::command
