#include "keyshift/upstream/embedded_server.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace keyshift::upstream {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kDirectoryPrefix = "keyshift-embedded-";

bool accepts(const std::string& path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::strncpy(name.sun_path, path.c_str(), sizeof name.sun_path - 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool connected = connect(fd, reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0;
  close(fd);
  return connected;
}

// A process that was killed could not remove its directory: the next one does. The name carries the owner's pid.
void remove_orphans(const fs::path& parent) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(parent, ignored)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with(kDirectoryPrefix)) continue;
    const pid_t owner = std::atoi(name.c_str() + kDirectoryPrefix.size());
    if (owner > 0 && kill(owner, 0) != 0 && errno == ESRCH) fs::remove_all(entry.path(), ignored);
  }
}

std::string find_program(const std::string& wanted) {
  const std::vector<std::string> names = wanted == "auto"
                                             ? std::vector<std::string>{"valkey-server", "redis-server"}
                                             : std::vector<std::string>{wanted};
  const char* path = std::getenv("PATH");
  const std::string_view folders = path == nullptr ? "/usr/bin:/bin" : path;
  for (const std::string& name : names) {
    if (name.find('/') != std::string::npos) return access(name.c_str(), X_OK) == 0 ? name : "";
    for (size_t begin = 0; begin <= folders.size();) {
      const size_t end = std::min(folders.find(':', begin), folders.size());
      const std::string candidate = fmt::format("{}/{}", folders.substr(begin, end - begin), name);
      if (access(candidate.c_str(), X_OK) == 0) return candidate;
      begin = end + 1;
    }
  }
  return "";
}

[[noreturn]] void run_child(const std::vector<std::string>& words, pid_t parent) {
  // SIGTERM and not SIGKILL, so that the server removes its socket.
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  // The parent may have died between fork and prctl.
  if (getppid() != parent) _exit(1);
  // A group of its own: Ctrl-C in a terminal is for us, and we end the server after the last reply.
  setpgid(0, 0);
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  execv(arguments[0], arguments.data());
  _exit(127);
}

}  // namespace

Result<EmbeddedServer> EmbeddedServer::start(const std::string& program) {
  const std::string executable = find_program(program);
  if (executable.empty()) {
    return fail(
        fmt::format("--embedded: no {} was found; install redis-server or valkey-server, or name one with "
                    "embedded.program",
                    program == "auto" ? "valkey-server or redis-server" : program));
  }
  std::error_code error;
  const fs::path parent = fs::temp_directory_path(error);
  if (error) return fail(fmt::format("--embedded: no temporary directory: {}", error.message()));
  remove_orphans(parent);
  std::string directory = (parent / fmt::format("{}{}-XXXXXX", kDirectoryPrefix, getpid())).string();
  if (mkdtemp(directory.data()) == nullptr) {
    return fail(fmt::format("--embedded: cannot make {}: {}", directory, std::strerror(errno)));
  }
  const std::string socket_path = directory + "/redis.sock";
  const std::vector<std::string> words = {executable,     "--port",    "0",
                                          "--unixsocket", socket_path, "--unixsocketperm",
                                          "700",          "--save",    "",
                                          "--appendonly", "no",        "--dir",
                                          directory,      "--logfile", directory + "/redis.log",
                                          "--daemonize",  "no"};
  const pid_t parent_pid = getpid();
  const pid_t pid = fork();
  if (pid < 0) return fail(fmt::format("--embedded: cannot fork: {}", std::strerror(errno)));
  if (pid == 0) run_child(words, parent_pid);

  EmbeddedServer server(pid, directory);
  constexpr auto kPatience = std::chrono::seconds(10);
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!accepts(socket_path)) {
    if (!server.running() || std::chrono::steady_clock::now() > deadline) {
      return fail(fmt::format("--embedded: {} did not start; try it by hand: {} --port 0 --unixsocket {}",
                              executable, executable, socket_path));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return server;
}

EmbeddedServer::EmbeddedServer(pid_t pid, std::string directory)
    : pid_(pid), directory_(std::move(directory)), address_{"", 0, directory_ + "/redis.sock"} {}

EmbeddedServer::EmbeddedServer(EmbeddedServer&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      directory_(std::exchange(other.directory_, "")),
      address_(std::move(other.address_)) {}

EmbeddedServer::~EmbeddedServer() {
  if (pid_ > 0) {
    kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
  }
  std::error_code ignored;
  if (!directory_.empty()) fs::remove_all(directory_, ignored);
}

bool EmbeddedServer::running() {
  if (pid_ > 0 && waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = -1;
  return pid_ > 0;
}

}  // namespace keyshift::upstream
