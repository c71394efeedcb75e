// toml_syntax.h: a text to a TOML document, with as many of its mistakes as can be told apart.
//
// toml++ stops at the first. Here that one is explained, the statement that it is in is left out, and the rest is read
// again:
//
//   1  workers = two                  conf.toml:1:11: this value is neither a text in quotes, a number, ...
//   2  [upstream                      conf.toml:2:10: the name of this table is not closed: "]" is missing
//   3  url = "redis://h"              (of a table without a readable name: not looked at)
//   4  [limits]                       read
//
// Nothing of a value is shown: it may be a password.
#pragma once

#include <string>
#include <string_view>

#include "problems.h"
#include "toml_node.h"

namespace keyshift::config {

struct Document {
  toml::table root;
  bool is_whole = true;  // false: something was left out
};

// The problems of syntax go to `problems`. A byte order mark at the front counts for nothing.
Document parse_document(const std::string& file, std::string_view text, Problems& problems);

// Whether a table of a Document stands for one whose name could not be read.
bool is_left_out(std::string_view name);

// Where a text in quotes stands, and how it is written there.
struct TextPlace {
  Place place;      // of the quote; of something near where there is no text
  std::string raw;  // what follows in that line, from the quote on

  // The place of the text's byte, from 1, escapes counted as written: the 4th byte of "a\u00e9b" is 8 behind the "a".
  // 0: the text's first byte.
  Place place_of_byte(int byte) const;
};
TextPlace text_at(std::string_view toml, const Place& place);

}  // namespace keyshift::config
