// Rows made from the upstream's COMMAND reply: what Table::learn adds.
//
//   *10..$6..mod.do..:-2..*1..+write..:1..:1..:1..*0..*0..*0..*0..     one command of the reply
//   -> row "mod.do", arity -2, update key at 1, kLearned kWrites
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "keyshift/command/row.h"

namespace keyshift::command {

struct Learned {
  std::shared_ptr<const Learned> base;  // what the table that learned had learned before
  std::deque<std::string> texts;        // names and keywords; rows view them
  std::deque<Row> rows;                 // containers before their subcommands
};

// Adds a row for each command of `reply` that `known` (by full name) has none for. Returns why the reply
// cannot be read, or "". Requires a whole frame.
std::string learn_rows(std::string_view reply, const std::function<const Row*(std::string_view)>& known,
                       Learned& learned);

}  // namespace keyshift::command
