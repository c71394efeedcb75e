// Transaction: what a session knows of its transaction, from MULTI until EXEC's reply is complete.
//
// The commands themselves are in the server, which queues them; here is what is needed of each when EXEC answers for it.
// MULTI itself is granted even if there is no connection for it, as Redis grants it whatever state it is in: what stands in
// a transaction's way is told to its first command, and to EXEC. So a client that does not look at MULTI's reply before it
// sends the rest never has the rest executed on its own.
//
//   MULTI             +OK                                        (the connection is lost here)
//   SET a 1           +QUEUED        SET a 1    -ERR Keyshift lost its upstream connection ..
//   EXEC              *1 +OK         EXEC       -EXECABORT Transaction discarded because of previous errors.
//
// Owned by the session. Its memory is bounded by the session (bytes()).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "keyshift/command/row.h"
#include "keyshift/plan/exec_mapper.h"
#include "keyshift/proxy/element_hits.h"
#include "keyshift/proxy/generation.h"
#include "keyshift/resp/request.h"
#include "keyshift/telemetry/loop_stats.h"
#include "keyshift/upstream/connection.h"

namespace keyshift::proxy {

class Transaction {
 public:
  // A command that the proxy answers itself, or whose answer is known already: then there are no arguments.
  struct Here {
    std::string bytes;  // its request, or its answer
    std::vector<resp::Arg> args;
  };
  struct Command {
    const command::Row* row = nullptr;
    telemetry::DomainStats* domain = nullptr;  // of the first key
    std::unique_ptr<ElementHits> elements;     // if they are about keys of several domains
    std::unique_ptr<Here> here;
    uint32_t keys = 0;
    int selects = -1;  // the database that it selects
  };

  // `connection` is where MULTI goes, or null: none is to be had. `whole`: it leaves as one burst, and nothing may come
  // between. `generation` is what all of it is planned by: a reload in the middle of it may name keys otherwise, or move
  // databases.
  Transaction(upstream::Connection* connection, std::shared_ptr<const Generation> generation, int database,
              bool whole)
      : generation_(std::move(generation)),
        connection_(connection),
        life_(connection == nullptr ? 0 : connection->life()),
        database_(database),
        whole_(whole) {}

  const Generation& generation() const { return *generation_; }
  // Its connection. Requires: can_send().
  upstream::Connection& connection() { return *connection_; }
  // The server knows of it and can be told more.
  bool can_send() const {
    return connection_ != nullptr && connection_->usable() && connection_->life() == life_;
  }
  bool whole() const { return whole_; }

  // Nothing of it goes upstream any more; `reason` is an error for who asks.
  void break_off(std::string_view reason) { broken_ = reason; }
  bool is_broken() const { return !broken_.empty(); }
  const std::string& reason() const { return broken_; }
  // A command was answered with an error of ours: EXEC will be, too.
  void fail() { failed_ = true; }
  bool failed() const { return failed_; }

  // A SELECT of ours in front of the commands.
  void add_own_select() {
    mapper_.add_hidden();
    selects_ = true;
  }
  // A command of `size` bytes that was planned and sent. Takes the plan's mapper.
  void add(plan::Plan& plan, Command command, size_t size);
  // A command of the proxy's own, executed when EXEC is.
  void add_here(const command::Row& row, const resp::Request& request);
  // A command whose answer is known.
  void add_answer(const command::Row& row, std::string reply);
  size_t size() const { return commands_.size(); }
  Command& command(size_t index) { return commands_[index]; }
  size_t bytes() const { return held_bytes_ + commands_.capacity() * sizeof(Command) + mapper_.bytes(); }
  plan::ExecMapper& mapper() { return mapper_; }

  // The database of the next command, if all SELECTs before it are granted.
  int database() const { return database_; }
  // EXEC changes the database of the connection.
  bool selects() const { return selects_; }
  // What follows EXEC depends on what becomes of it.
  bool changes_session() const { return changes_session_; }
  // The database that a SELECT was granted; -1: none.
  int selected() const { return selected_; }
  void note_selected(int database) { selected_ = database; }

 private:
  void add_here(const command::Row& row, Here here);

  std::shared_ptr<const Generation> generation_;
  upstream::Connection* connection_;
  uint64_t life_;
  std::string broken_;
  std::vector<Command> commands_;
  plan::ExecMapper mapper_;
  size_t held_bytes_ = 0;  // by single commands
  int database_;
  int selected_ = -1;
  bool whole_;
  bool failed_ = false;
  bool selects_ = false;
  bool changes_session_ = false;
};

}  // namespace keyshift::proxy
