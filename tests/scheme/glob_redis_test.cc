// glob_match against KEYS of the real server, on random patterns over random keys.
#include <cstdlib>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keyshift/scheme/glob.h"

namespace keyshift::scheme {
namespace {

using Reply = std::unique_ptr<redisReply, void (*)(void*)>;

// A redis-server of our own on a Unix socket, ended with the test.
class PrivateRedis : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/keyshift-glob-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    directory_ = name;
    const std::string socket = directory_ + "/redis.sock";
    server_ = fork();
    if (server_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", socket.c_str(), "--save", "",
             "--dir", directory_.c_str(), "--logfile", "/dev/null", static_cast<char*>(nullptr));
      _exit(127);
    }
    for (int tries = 0; tries < 500; ++tries) {
      redis_.reset(redisConnectUnix(socket.c_str()));
      if (redis_ && redis_->err == 0) return;
      int status = 0;
      if (waitpid(server_, &status, WNOHANG) == server_) {
        server_ = 0;
        GTEST_SKIP() << "no redis-server here";
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    FAIL() << "redis-server does not answer";
  }
  void TearDown() override {
    redis_.reset();
    if (server_ > 0) {
      kill(server_, SIGTERM);
      waitpid(server_, nullptr, 0);
    }
    unlink((directory_ + "/redis.sock").c_str());
    rmdir(directory_.c_str());
  }

  struct Close {
    void operator()(redisContext* context) const { redisFree(context); }
  };
  std::string directory_;
  pid_t server_ = 0;
  std::unique_ptr<redisContext, Close> redis_;
};

std::string repeated(std::string_view text, size_t times) {
  std::string all;
  for (size_t i = 0; i < times; ++i) all += text;
  return all;
}

TEST_F(PrivateRedis, ManyStarsFitAsManyAsOfRedis) {
  const std::string key(1100, 'a');
  Reply(static_cast<redisReply*>(redisCommand(redis_.get(), "SET %s x", key.c_str())), freeReplyObject);
  for (const size_t stars : {999U, 1000U, 1001U, 1099U}) {
    for (const std::string& pattern :
         {repeated("*?", stars), repeated("*?", stars) + "*", repeated("**a", stars)}) {
      const Reply reply(static_cast<redisReply*>(redisCommand(redis_.get(), "KEYS %s", pattern.c_str())),
                        freeReplyObject);
      EXPECT_EQ(glob_match(pattern, key), reply->elements == 1) << pattern.substr(0, 3) << " " << stars;
    }
  }
}

TEST_F(PrivateRedis, KeysAgreesWithGlobMatch) {
  std::mt19937_64 random(20250806);
  const auto word = [&](std::string_view alphabet, size_t most) {
    std::string made;
    for (size_t i = random() % (most + 1); i > 0; --i) made.push_back(alphabet[random() % alphabet.size()]);
    return made;
  };
  const std::string in_keys("ab:-]^[\\*?\0\xff\x80", 13);
  const std::string in_patterns("aabb:--]]^^[[[\\\\****??\0\xff\x80", 25);
  std::set<std::string> keys{"", "a", "*"};
  while (keys.size() < 400) keys.insert(word(in_keys, 5));
  for (const std::string& key : keys) {
    Reply(static_cast<redisReply*>(redisCommand(redis_.get(), "SET %b x", key.data(), key.size())),
          freeReplyObject);
  }
  constexpr int kPatterns = 20'000;
  constexpr int kPipeline = 500;
  for (int batch = 0; batch < kPatterns / kPipeline; ++batch) {
    std::vector<std::string> patterns;
    for (int i = 0; i < kPipeline; ++i) {
      patterns.push_back(word(in_patterns, 7));
      redisAppendCommand(redis_.get(), "KEYS %b", patterns.back().data(), patterns.back().size());
    }
    for (const std::string& pattern : patterns) {
      void* got = nullptr;
      ASSERT_EQ(redisGetReply(redis_.get(), &got), REDIS_OK);
      const Reply reply(static_cast<redisReply*>(got), freeReplyObject);
      std::set<std::string> theirs;
      for (size_t i = 0; i < reply->elements; ++i)
        theirs.emplace(reply->element[i]->str, reply->element[i]->len);
      std::set<std::string> ours;
      for (const std::string& key : keys) {
        if (glob_match(pattern, key)) ours.insert(key);
      }
      ASSERT_EQ(ours, theirs) << ::testing::PrintToString(pattern);
    }
  }
}

}  // namespace
}  // namespace keyshift::scheme
