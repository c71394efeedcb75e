#include "keyshift/plan/exec_mapper.h"

#include <algorithm>

#include "plan_fixture.h"

namespace keyshift::plan {
namespace {

class ExecMapperTest : public PlanTest, public ExecMapper::Handler {
 protected:
  // A command that is planned and sent, and one that the proxy answers itself.
  void sent(const std::string& line) {
    plan(line);
    mapper_.add(plan_);
  }
  void ours(std::string answer) {
    mapper_.add_answered_here();
    answers_.resize(mapper_.commands());
    answers_.back() = std::move(answer);
  }

  void on_answered_here(size_t command, Buffer& out) override {
    out.append(answers_[command]);
    events_ += std::to_string(command) + " here; ";
  }
  void on_piece(size_t command, std::string_view piece, const resp::ReplyScanner* finished) override {
    pieces_ += piece;
    if (finished != nullptr) events_ += std::to_string(command) + " " + finished->type() + "; ";
  }

  // EXEC's reply, in pieces of `size` bytes; "refused" if it is not one to these commands.
  std::string exec(std::string_view reply, size_t size = SIZE_MAX) {
    Buffer out;
    while (!reply.empty()) {
      const std::string piece(reply.substr(0, size));
      reply.remove_prefix(piece.size());
      if (!mapper_.map(piece, *this, out)) return out.empty() ? "refused" : "refused too late";
    }
    return std::string(out.view());
  }

  ExecMapper mapper_;
  std::vector<std::string> answers_;
  std::string events_;
  std::string pieces_;  // of all values
};

TEST_F(ExecMapperTest, WhatChangesNothingGoesThrough) {
  sent("SET a 1");
  sent("GET a");
  EXPECT_EQ(exec("*2\r\n+OK\r\n$1\r\n1\r\n"), "*2\r\n+OK\r\n$1\r\n1\r\n");
  EXPECT_EQ(events_, "0 +; 1 $; ");
}

TEST_F(ExecMapperTest, AddedStepsAreHiddenAndNamesPutBack) {
  sent("SADD mood:u x");
  sent("LMPOP 2 job:1 job:2 LEFT");
  EXPECT_EQ(exec("*3\r\n:1\r\n:1\r\n*2\r\n$14\r\nwork:jobs:id:2\r\n*1\r\n$1\r\nx\r\n"),
            "*2\r\n:1\r\n*2\r\n$5\r\njob:2\r\n*1\r\n$1\r\nx\r\n");
  EXPECT_EQ(events_, "0 :; 1 *; ");
}

TEST_F(ExecMapperTest, WhatStandsInFrontOfAllIsHidden) {
  mapper_.add_hidden();
  ours(":1\r\n");
  sent("GET a");
  EXPECT_EQ(exec("*2\r\n-ERR long enough\r\n$1\r\nx\r\n", 5), "*2\r\n:1\r\n$1\r\nx\r\n");
  mapper_ = {};
  mapper_.add_hidden();
  EXPECT_EQ(exec("*1\r\n+OK\r\n"), "*0\r\n");
}

TEST_F(ExecMapperTest, SeveralRepliesOfACommandBecomeOne) {
  sent("RANDOMKEY");
  const size_t steps = plan_.steps.size();
  ASSERT_GT(steps, 1u);
  sent("GET a");
  std::string reply = "*" + std::to_string(steps + 1) + "\r\n";
  for (size_t i = 0; i < steps; ++i) reply += "$14\r\nwork:jobs:id:1\r\n";
  EXPECT_EQ(exec(reply + "$-1\r\n"), "*2\r\n$5\r\njob:1\r\n$-1\r\n");
}

TEST_F(ExecMapperTest, AnswersOfOurOwnStandInTheirPlaces) {
  ours(":1\r\n");
  ours(":2\r\n");
  sent("GET a");
  ours(":3\r\n");
  EXPECT_EQ(exec("*1\r\n+x\r\n"), "*4\r\n:1\r\n:2\r\n+x\r\n:3\r\n");
  EXPECT_EQ(events_, "0 here; 1 here; 2 +; 3 here; ");
}

TEST_F(ExecMapperTest, OfOurOwnAloneOrOfNothing) {
  ours("+OK\r\n");
  EXPECT_EQ(exec("*0\r\n"), "*1\r\n+OK\r\n");
  mapper_ = {};
  EXPECT_EQ(exec("*0\r\n"), "*0\r\n");
}

TEST_F(ExecMapperTest, NothingIsExecutedIfTheServerExecutedNothing) {
  for (const char* const reply :
       {"*-1\r\n", "_\r\n", "-EXECABORT Transaction discarded because of: OOM\r\n"}) {
    for (const size_t size : {size_t{1}, SIZE_MAX}) {
      mapper_ = {};
      events_.clear();
      ours("+OK\r\n");
      sent("SADD mood:u x");
      EXPECT_EQ(exec(reply, size), reply);
      EXPECT_EQ(events_, "");
    }
  }
}

TEST_F(ExecMapperTest, ErrorsAreMappedByTheirCommands) {
  sent("RESTORE job:1 0 x");
  sent("XREADGROUP GROUP g c STREAMS job:7 >");
  EXPECT_EQ(exec("*2\r\n-ERR Bad data\r\n-NOGROUP No such key 'work:jobs:id:7' or consumer group 'g'\r\n"),
            "*2\r\n-ERR Bad data\r\n-NOGROUP No such key 'job:7' or consumer group 'g'\r\n");
}

TEST_F(ExecMapperTest, ValuesAreSeenInPiecesAsTheServerSaidThem) {
  sent("SADD mood:u x");
  sent("LMPOP 2 job:1 job:2 LEFT");
  exec("*3\r\n:1\r\n:7\r\n*2\r\n$14\r\nwork:jobs:id:2\r\n*1\r\n$1\r\nx\r\n", 3);
  EXPECT_EQ(pieces_, ":1\r\n*2\r\n$14\r\nwork:jobs:id:2\r\n*1\r\n$1\r\nx\r\n") << "without what is hidden";
  EXPECT_EQ(events_, "0 :; 1 *; ");
}

TEST_F(ExecMapperTest, PushesAmongTheValuesPassAndAnswerNothing) {
  const std::string push = ">2\r\n$1\r\np\r\n:9\r\n";
  for (const size_t size : {size_t{1}, size_t{4}, SIZE_MAX}) {
    mapper_ = {};
    sent("SADD mood:u x");
    sent("GET a");
    EXPECT_EQ(exec("*3\r\n" + push + ":1\r\n:1\r\n" + push + "$1\r\nx\r\n", size),
              "*2\r\n" + push + ":1\r\n" + push + "$1\r\nx\r\n");
  }
}

TEST_F(ExecMapperTest, TheReplyMayBeCutAnywhere) {
  const std::string reply =
      "*6\r\n:1\r\n:1\r\n*2\r\n$14\r\nwork:jobs:id:2\r\n*1\r\n$1\r\nx\r\n-ERR no such key 'job'\r\n"
      "*2\r\n$1\r\na\r\n_\r\n|1\r\n+k\r\n+v\r\n%1\r\n+a\r\n#t\r\n";
  std::string whole;
  for (size_t size = reply.size(); size > 0; --size) {
    mapper_ = {};
    sent("SADD mood:u x");
    sent("LMPOP 2 job:1 job:2 LEFT");
    ours("+ours\r\n");
    sent("LMPOP 2 job:1 job:2 LEFT");
    sent("MGET a b");
    sent("GET a");
    ours("");
    const std::string mapped = exec(reply, size);
    if (whole.empty()) whole = mapped;
    EXPECT_EQ(mapped, whole) << size;
  }
  EXPECT_EQ(whole,
            "*7\r\n:1\r\n*2\r\n$5\r\njob:2\r\n*1\r\n$1\r\nx\r\n+ours\r\n-ERR no such key 'job'\r\n"
            "*2\r\n$1\r\na\r\n_\r\n|1\r\n+k\r\n+v\r\n%1\r\n+a\r\n#t\r\n");
}

TEST_F(ExecMapperTest, AReplyToOtherCommandsIsRefused) {
  for (const char* const reply :
       {"*2\r\n:1\r\n:2\r\n", "*0\r\n", ":1\r\n", "+OK\r\n", "$1\r\nx\r\n", "%1\r\n+a\r\n+b\r\n"}) {
    mapper_ = {};
    sent("GET a");
    EXPECT_EQ(exec(reply), "refused") << reply;
  }
}

TEST_F(ExecMapperTest, ItsMemoryIsWhatWasAdded) {
  for (int i = 0; i < 1000; ++i) sent("GET a");
  EXPECT_EQ(mapper_.commands(), 1000u);
  EXPECT_GT(mapper_.bytes(), 1000 * sizeof(void*));
  EXPECT_LT(mapper_.bytes(), 100'000u);
}

}  // namespace
}  // namespace keyshift::plan
