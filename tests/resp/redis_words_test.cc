// Malformed requests, sent to a real redis-server and to our parser: the same bytes must come back. Skipped where there
// is no redis-server.
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keyshift/resp/writer.h"
#include "request_stream.h"

namespace keyshift::resp {
namespace {

using namespace std::string_literals;

class RedisWords : public testing::Test {
 protected:
  void SetUp() override {
    if (std::system("command -v redis-server >/dev/null 2>&1") != 0) GTEST_SKIP() << "no redis-server";
    char name[] = "/tmp/keyshift-words-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    directory_ = name;
    socket_path_ = directory_ + "/redis.sock";
    server_ = fork();
    ASSERT_GE(server_, 0);
    if (server_ == 0) {
      execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", socket_path_.c_str(), "--dir",
             directory_.c_str(), "--save", "", "--logfile", "redis.log", static_cast<char*>(nullptr));
      _exit(127);
    }
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    int fd = -1;
    while ((fd = connect_to_redis()) < 0 && std::chrono::steady_clock::now() < deadline)
      std::this_thread::yield();
    ASSERT_GE(fd, 0) << "redis-server does not answer";
    close(fd);
  }

  void TearDown() override {
    if (server_ <= 0) return;
    kill(server_, SIGKILL);
    waitpid(server_, nullptr, 0);
    std::filesystem::remove_all(directory_);
  }

  int connect_to_redis() const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket_path_.copy(address.sun_path, sizeof(address.sun_path) - 1);
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) return fd;
    close(fd);
    return -1;
  }

  // All that Redis sends until it closes: at once after an error, else when it reads our end of file.
  std::string ask_redis(const std::string& bytes) const {
    const int fd = connect_to_redis();
    EXPECT_GE(fd, 0);
    EXPECT_EQ(send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
    shutdown(fd, SHUT_WR);
    std::string answer;
    char chunk[4096];
    for (ssize_t n; (n = recv(fd, chunk, sizeof(chunk), 0)) > 0;)
      answer.append(chunk, static_cast<size_t>(n));
    close(fd);
    return answer;
  }

  static std::string ask_parser(const std::string& bytes, bool authenticated) {
    Buffer answer;
    for (const Outcome& outcome : parse_in_pieces({}, bytes, {}, Large::kCollect, authenticated)) {
      if (outcome.status == RequestParser::Status::kError) append_error(answer, outcome.error);
      if (outcome.status != RequestParser::Status::kRequest) continue;
      EXPECT_EQ(outcome.words.size(), 2u);
      append_bulk(answer, outcome.words.back());
    }
    return std::string(answer.view());
  }

  void expect_same_answer(const std::string& bytes, bool authenticated = true) const {
    EXPECT_EQ(ask_parser(bytes, authenticated), ask_redis(bytes)) << bytes.substr(0, 100);
  }

 private:
  pid_t server_ = -1;
  std::string directory_;
  std::string socket_path_;
};

TEST_F(RedisWords, MalformedRequestsAreRefusedInTheSameWords) {
  for (const std::string& bytes : {
           "*\r\n"s,
           "*a\r\n"s,
           "*1a\r\n"s,
           "*01\r\n"s,
           "*+1\r\n"s,
           "*-0\r\n"s,
           "*-\r\n"s,
           "* 1\r\n"s,
           "*2147483648\r\n"s,
           "*99999999999999999999\r\n"s,
           "*1\r\n$\r\n"s,
           "*1\r\n$-1\r\n"s,
           "*1\r\n$03\r\n"s,
           "*1\r\n$3x\r\n"s,
           "*1\r\n$536870913\r\n"s,
           "*1\r\n$+3\r\n"s,
           "*2\r\n$1\r\na\r\n$-2\r\n"s,
           "*1\r\nPING\r\n"s,
           "*1\r\n\r\n"s,
           "*1\r\n\n\r\n"s,
           "*2\r\n$4\r\nECHO\r\n:1\r\n"s,
           "*1\r\n\x80\r\n"s,
           "*1\r\n*1\r\n$4\r\nPING\r\n"s,
           "GET \"a\r\n"s,
           "GET 'a\r\n"s,
           "GET \"a\"b\r\n"s,
           "GET 'a'b\r\n"s,
           "GET \"a\\\r\n"s,
           "\"\n"s,
           std::string(80000, 'a'),
           "*" + std::string(80000, '1'),
           "*1\r\n$" + std::string(80000, '1'),
           "*1\r\n" + std::string(80000, 'x'),
           "ECHO \0 a\r\n"s + std::string(80000, 'a'),
           "*2\r\n$4\r\nECHO\r\n$5\r\nhello\r\n*1\r\n$x\r\n"s,
           "ECHO a\r\nECHO 'b\r\nECHO c\r\n"s,
           "POST / HTTP/1.1\r\n"s,
           "host: x\r\nECHO a\r\n"s,
           "*1\r\n$5\r\nHOST:\r\n"s,
           "*2\r\n$4\r\npost\r\n$1\r\na\r\n"s,
           "*1\r\n$6\r\npost\0x\r\n"s,
       }) {
    expect_same_answer(bytes);
  }
}

TEST_F(RedisWords, OddButAcceptedRequestsAreUnderstoodAlike) {
  for (const std::string& bytes : {
           "ECHO a\n"s,
           "ECHO a\r\n"s,
           "\r\n\n*0\r\n*-1\r\n*-5\r\n \t\r\nECHO b\r\n"s,
           "\v\fECHO k\r\r\n"s,
           "ECHO \"a\\x41\\n\\r\\t\\b\\a\\q\\\"\\\\\"\r\n"s,
           "ECHO 'it\\'s \\n \\x41'\r\n"s,
           "ECHO \"\\x4\\xzz\"\n"s,
           "ECHO fo\"o b\"\v\n"s,
           "ECHO a'r'\n"s,
           "ECHO key\v1\n"s,
           "ECHO \"\"\n"s,
           "ECHO \"\\x00\"\n"s,
           "ECHO \\n\n"s,
           "ECHO \x80\xff\n"s,
           "ECHO a\\\n"s,
           "ECHO a\0b\nECHO c\n"s,
           "*2\rX$4\r!ECHO??$1\r\nahi"s,
           "*2\r\n$4\r\nECHO\r\n$4\r\n\r\n\0\n\r\n"s,
           "*2\0\r\n$4\r\nECHO\r\n$1\r\na\r\n"s,
           "*2\r\n$4\r\nECHO\r\n$0\r\n\r\n"s,
           "*2\r\n$4\r\nECHO\r\n$1\r\na"s,
           "ECHO unfinished"s,
           "ECHO " + std::string(60000, 'a') + "\n",
       }) {
    expect_same_answer(bytes);
  }
}

TEST_F(RedisWords, UnauthenticatedClientsAreRefusedInTheSameWords) {
  ASSERT_EQ(ask_redis("CONFIG SET requirepass secret\r\n"), "+OK\r\n");
  for (const char* bytes :
       {"*11\r\n", "*1\r\n$16385\r\n", "*11a\r\n", "*2147483648\r\n", "*1\r\n$536870913\r\n"}) {
    expect_same_answer(bytes, false);
  }
}

}  // namespace
}  // namespace keyshift::resp
