// The command table as text, for live_table_test.py, which compares it with a running server.
//
//   print_table rows          one line a row: name arity flags scope leaves, then for each name spec
//                             [role access lasting begin index word find last step limit count_at first
//   print_table learn FILE    the rows that the COMMAND reply in FILE adds to the table, in the same form
//   print_table calls         reads requests (RESP) from standard input; for each one line, flushed:
//                               unknown | subcommand | arity | malformed ERROR
//                               | complete LEAVES TTL-KIND TTL-MS BASE BLOCKS (at:role:access:lasting)...
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "keyshift/base/buffer.h"
#include "keyshift/command/keys.h"
#include "keyshift/command/table.h"
#include "keyshift/command/ttl.h"
#include "keyshift/resp/request_parser.h"

namespace keyshift::command {
namespace {

void print(const Row& row) {
  std::cout << row.name << ' ' << row.arity << ' ' << row.flags << ' ' << int(row.scope) << ' '
            << int(row.leaves);
  for (const NameSpec& spec : row.names()) {
    std::cout << " [" << int(spec.role) << ' ' << int(spec.access) << ' ' << int(spec.lasting) << ' '
              << int(spec.begin) << ' ' << spec.index << ' ' << (spec.word.empty() ? "-" : spec.word) << ' '
              << int(spec.find) << ' ' << spec.last << ' ' << spec.step << ' ' << spec.limit << ' '
              << spec.count_at << ' ' << spec.first;
  }
  std::cout << '\n';
}

int print_learned(const char* path) {
  std::ifstream in(path, std::ios::binary);
  const std::string reply((std::istreambuf_iterator<char>(in)), {});
  const auto learned = Table::built_in().learn(reply);
  if (!learned) {
    std::cerr << learned.error().text << '\n';
    return 1;
  }
  for (size_t i = Table::built_in().size(); i < (*learned)->size(); ++i) print((**learned)[i]);
  return 0;
}

// Saturates: Redis refuses what does not fit.
int64_t in_ms(const Ttl& ttl) {
  if (ttl.unit == Unit::kMilliseconds) return ttl.value;
  return ttl.value > INT64_MAX / 1000 ? INT64_MAX : ttl.value * 1000;
}

void answer(const resp::Request& request, Names& names) {
  const Match match =
      Table::built_in().find(request[0], request.size() > 1 ? request[1] : std::string_view());
  if (match.outcome == Match::Outcome::kUnknownCommand) {
    std::cout << "unknown\n";
  } else if (match.outcome == Match::Outcome::kUnknownSubcommand) {
    std::cout << "subcommand\n";
  } else if (!match.row->takes(request.size())) {
    std::cout << "arity\n";
  } else if (find_names(*match.row, request, names) == Found::kMalformed) {
    std::cout << "malformed " << names.error << '\n';
  } else {
    const Ttl ttl = find_ttl(*match.row, request);
    std::cout << "complete " << int(leaves_of(*match.row, ttl)) << ' ' << int(ttl.kind) << ' ' << in_ms(ttl)
              << ' ' << int(ttl.base) << ' ' << names.blocks;
    for (const Name& name : names.list) {
      std::cout << ' ' << name.at << ':' << int(name.role) << ':' << int(name.access) << ':' << name.lasting;
    }
    std::cout << '\n';
  }
  std::cout.flush();
}

int answer_calls() {
  resp::RequestParser parser;
  Buffer buffer;
  Names names;
  for (std::string line; std::getline(std::cin, line);) {
    line += '\n';
    buffer.append(line);
    while (parser.parse(buffer.view()) == resp::RequestParser::Status::kRequest) {
      answer(parser.request(buffer.view()), names);
      buffer.consume(parser.frame_size());
      parser.next();
    }
  }
  return 0;
}

}  // namespace
}  // namespace keyshift::command

int main(int argc, char** argv) {
  using namespace keyshift::command;
  const std::string what = argc > 1 ? argv[1] : "rows";
  if (what == "calls") return answer_calls();
  if (what == "learn" && argc > 2) return print_learned(argv[2]);
  for (size_t i = 0; i < Table::built_in().size(); ++i) print(Table::built_in()[i]);
  return 0;
}
