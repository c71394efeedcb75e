#include "keyshift/proxy/transaction.h"

#include <utility>

namespace keyshift::proxy {

namespace {

// What a mapper keeps of a key beside its two names, and what is kept of its domain.
constexpr size_t kPerKey = 2 * sizeof(std::string) + sizeof(void*);

}  // namespace

void Transaction::add(plan::Plan& plan, Command command, size_t size) {
  if (plan.mapper || command.elements) held_bytes_ += 2 * size + command.keys * kPerKey;
  mapper_.add(plan);
  if (command.selects >= 0) {
    database_ = command.selects;
    selects_ = changes_session_ = true;
  }
  commands_.push_back(std::move(command));
}

void Transaction::add_here(const command::Row& row, const resp::Request& request) {
  add_here(row, Here{std::string(request.block()), {request.args().begin(), request.args().end()}});
}

void Transaction::add_answer(const command::Row& row, std::string reply) {
  add_here(row, Here{std::move(reply), {}});
}

void Transaction::add_here(const command::Row& row, Here here) {
  changes_session_ = true;
  held_bytes_ += sizeof(Here) + here.bytes.size() + here.args.size() * sizeof(resp::Arg);
  mapper_.add_answered_here();
  Command& command = commands_.emplace_back();
  command.row = &row;
  command.here = std::make_unique<Here>(std::move(here));
}

}  // namespace keyshift::proxy
