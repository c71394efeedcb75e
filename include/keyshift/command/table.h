// Table: from a command's name to its Row.
//
// Every request is looked up here once, before anything else is decided about it.
//
//   const Table& table = Table::built_in();
//   table.find("GeT", "key:1")          -> kFound, row "get"
//   table.find("CLIENT", "SETNAME")     -> kFound, row "client|setname"
//   table.find("CLIENT", "NOSUCH")      -> kUnknownSubcommand, row "client"
//   table.find("CLIENT", {})            -> kFound, row "client"; its arity -2 then refuses the request
//   table.find("NOSUCH", "key:1")       -> kUnknownCommand, no row
//
// Immutable once built, so all threads share one table. learn() makes a new one. A row is valid as long as
// its table; built-in rows always are, and keep their address in every learned table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "keyshift/base/result.h"
#include "keyshift/command/row.h"

namespace keyshift::command {

struct Match {
  enum class Outcome : uint8_t { kFound, kUnknownCommand, kUnknownSubcommand };

  const Row* row = nullptr;  // kFound: the row. kUnknownSubcommand: its container's. kUnknownCommand: null
  Outcome outcome = Outcome::kUnknownCommand;
};

struct Learned;  // owns the names and rows of learned commands

class Table {
 public:
  // The commands that Keyshift knows by itself: Redis 7.0 to 8.x and Valkey 8 and 9.
  static const Table& built_in();

  ~Table();
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  // The row of a request with this name and first argument, in any case. A request that has no argument gives
  // {}; an empty argument, whose data() is not null, is one. Never allocates; about 60 instructions for a
  // name without subcommands.
  Match find(std::string_view name, std::string_view first_argument) const;

  // The row of exactly this name, "client|setname"; null if there is none.
  const Row* find_full(std::string_view full_name) const;

  // This table and, behind it, the commands of a COMMAND reply (RESP2 or RESP3) that it does not have. Rows
  // that it has stay: ours say more than COMMAND does. Requires a whole frame, as ReplyScanner found it;
  // fails, with the reason, when it is no such reply. A single command that cannot be described (key
  // positions that only GETKEYS knows) becomes a refused row. How flags become a scope: learn.cc.
  Result<std::shared_ptr<const Table>> learn(std::string_view command_reply) const;

  // All rows, built-in first, containers before their subcommands. For tests, documentation and COMMAND DOCS.
  size_t size() const { return rows_.size(); }
  const Row& operator[](size_t i) const { return *rows_[i]; }

 private:
  // One place of the hash table. A name's first and last four bytes and its length are all there is to
  // compare up to eight bytes.
  struct Slot {
    uint64_t bytes = 0;   // lower case
    uint32_t tag = 0;     // length, and in the upper half the number of the container's row (0 for a command)
    uint32_t number = 0;  // of the row, from 1; 0 is an empty slot
  };

  Table() = default;
  void add(const Row& row);
  void index();
  size_t fill(uint64_t multiplier);
  uint32_t look_up(std::string_view name, uint32_t parent) const;
  uint32_t probe(std::string_view name, const Slot& wanted, size_t at) const;
  Match find_subcommand(uint32_t container, std::string_view name) const;

  std::vector<const Row*> rows_;
  std::vector<Slot> slots_;
  size_t mask_ = 0;
  uint64_t multiplier_ = 0;  // of the hash, chosen so that probes are short
  uint32_t shift_ = 0;       // leaves as many upper bits of the hash as number the slots
  std::shared_ptr<const Learned> learned_;
};

}  // namespace keyshift::command
