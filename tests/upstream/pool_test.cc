#include "keyshift/upstream/pool.h"

#include "upstream_fixture.h"

namespace keyshift::upstream {
namespace {

class PoolTest : public UpstreamTest {
 protected:
  PoolTest() {
    pool_options_.connection = options_;
    start_redis();
    pool_ = std::make_unique<Pool>(&loop_, pool_options_, &stats_, &leases_);
  }

  Connection* lease_to_ready() {
    Connection* const lease = pool_->lease(resp::Protocol::kResp2);
    until([this] { return redis_->received == kGreeting; });
    redis_->received.clear();
    redis_->say("+OK\r\n:7\r\n");
    until([&] { return lease->state() == Connection::State::kReady; });
    return lease;
  }

  PoolOptions pool_options_;
  Leases leases_{&loop_, 1, options_.queue_timeout_ms};
  std::unique_ptr<Pool> pool_;
};

TEST_F(PoolTest, ALeaseThatIsGivenUpIsClosedWhenAllThatItOwesHasCome) {
  Connection* const lease = lease_to_ready();
  lease->out().append("EXPIRE");
  lease->expect({.started_ns = loop_.now_ns()});
  lease->submit();
  pool_->give_up(lease);
  leases_.wait(&a_, loop_.now_ns());
  until([this] { return redis_->received == "EXPIRE"; });
  EXPECT_EQ(a_.rooms, 0);
  EXPECT_EQ(pool_->lease(resp::Protocol::kResp2), nullptr) << "it counts until it is closed";
  redis_->say(":1\r\n");
  until([this] { return a_.rooms == 1; });
  EXPECT_EQ(redis_->accepted, 1);
  ASSERT_NE(pool_->lease(resp::Protocol::kResp2), nullptr);
  until([this] { return redis_->accepted == 2; });
}

TEST_F(PoolTest, ALeaseThatIsGivenBackIsLentAgain) {
  Connection* const lease = lease_to_ready();
  pool_->give_back(lease);
  EXPECT_EQ(pool_->lease(resp::Protocol::kResp2), lease);
}

}  // namespace
}  // namespace keyshift::upstream
