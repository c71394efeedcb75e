#include "keyshift/plan/transaction.h"

#include <algorithm>
#include <utility>

#include "keyshift/resp/number.h"
#include "keyshift/resp/reply_cursor.h"
#include "keyshift/resp/writer.h"

namespace keyshift::plan {

using command::Scope;

void Transaction::add(const command::Row& row, const resp::Request& request) {
  queued_.push_back({&row, bytes_.size(), request.block().size(), args_.size(), request.size(), {}});
  bytes_.append(request.block());
  args_.insert(args_.end(), request.args().begin(), request.args().end());
}

resp::Request Transaction::request(size_t index) const {
  const Queued& queued = queued_[index];
  return {bytes_.view().substr(queued.offset, queued.length),
          std::span(args_).subspan(queued.first_arg, queued.arg_count)};
}

// Writes the burst, command by command.
class ExecPlanner {
 public:
  ExecPlanner(Planner& planner, const Transaction& transaction, const Context& context, Buffer& out,
              Plan& plan)
      : planner_(planner),
        transaction_(transaction),
        context_(context),
        out_(out),
        plan_(plan),
        base_(out.size()),
        database_(context.database) {}

  void run() {
    plan_.clear();
    word("MULTI");
    for (size_t i = 0; i < transaction_.size(); ++i) {
      if (!add(i)) {
        out_.truncate(base_);
        return;
      }
    }
    word("EXEC");
    plan_.steps.assign(replies_ + 2, Disposition::kMap);
    plan_.keys = std::move(keys_);
    plan_.mapper = std::make_unique<ExecMapper>(std::move(elements_), replies_ + 2);
  }

 private:
  void word(std::string_view word) {
    resp::append_array(out_, 1);
    resp::append_bulk(out_, word);
  }

  bool add(size_t index) {
    const command::Row& row = transaction_.row(index);
    const resp::Request request = transaction_.request(index);
    ExecMapper::Element& element = elements_.emplace_back();
    if (row.name == "select") {
      int64_t selected = 0;
      if (resp::parse_integer(request[1], selected)) element.selects = database_ = static_cast<int>(selected);
    } else if (row.scope == Scope::kLocal) {
      element.answer = transaction_.queued_[index].answer;
      return true;
    }
    Context context = context_;
    context.database = database_;
    context.may_block = true;
    planner_.make(row, request, context, out_, plan_);
    if (plan_.refusal == Refusal::kMalformed) {
      // Redis finds it when it executes the command, and says so in its place.
      out_.append(request.block());
      plan_.refusal = Refusal::kNone;
      plan_.steps = {Disposition::kRelay};
    }
    if (plan_.refusal != Refusal::kNone) return false;
    element.steps = plan_.steps;
    element.mapper = std::move(plan_.mapper);
    replies_ += plan_.steps.size();
    keys_.insert(keys_.end(), plan_.keys.begin(), plan_.keys.end());
    return true;
  }

  Planner& planner_;
  const Transaction& transaction_;
  const Context& context_;
  Buffer& out_;
  Plan& plan_;
  const size_t base_;
  int database_;
  size_t replies_ = 0;  // to what is queued
  std::vector<ExecMapper::Element> elements_;
  std::vector<PlannedKey> keys_;
};

void plan_exec(Planner& planner, const Transaction& transaction, const Context& context, Buffer& out,
               Plan& plan) {
  ExecPlanner(planner, transaction, context, out, plan).run();
}

bool ExecMapper::selects() const {
  return std::ranges::any_of(elements_, [](const Element& element) { return element.selects >= 0; });
}

void ExecMapper::map(std::string_view reply, Buffer& out) {
  if (--replies_left_ > 0) {
    if (reply.starts_with('-') && refusal_.empty()) refusal_ = reply.substr(1, reply.size() - 3);
    return;
  }
  if (reply.starts_with('-') || resp::ReplyCursor(reply).peek().is_null) {
    // What the server had against a command was hidden from the client, who was told QUEUED: it is told now.
    if (refusal_.empty()) {
      out.append(reply);
    } else {
      resp::append_error(out, "EXECABORT Transaction discarded because of: " + refusal_);
    }
    return;
  }
  map_exec(reply, out);
}

void ExecMapper::map_exec(std::string_view reply, Buffer& out) {
  resp::ReplyCursor cursor(reply);
  cursor.next();
  resp::append_array(out, elements_.size());
  for (Element& element : elements_) {
    if (element.steps.empty()) out.append(element.answer);
    for (const Disposition step : element.steps) {
      const std::string_view value = cursor.skip();
      if (step == Disposition::kDiscard) continue;
      if (element.selects >= 0 && value == "+OK\r\n") selected_ = element.selects;
      if (step == Disposition::kMap) {
        element.mapper->map(value, out);
      } else if (element.mapper && value.starts_with('-')) {
        element.mapper->map_error(value, out);
      } else {
        out.append(value);
      }
    }
  }
}

}  // namespace keyshift::plan
