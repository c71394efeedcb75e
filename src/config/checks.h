// check_relations(): what is wrong with values only beside each other.
//
// Behind all sources and before the scheme is compiled: two listeners at one address, a smallest that is above its
// largest, a pool that is too small for its workers. Each problem is where one of the values was said.
#pragma once

#include "problems.h"
#include "toml_reader.h"

namespace keyshift::config {

// Notes users whom no listener lets in.
void note_unused_users(Config& config);

void check_relations(const Config& config, const FileFacts& facts, Problems& problems);

}  // namespace keyshift::config
