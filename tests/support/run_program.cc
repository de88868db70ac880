#include "tests/support/run_program.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string_view>

extern char** environ;

namespace mayfly::testing {
namespace {

std::string test_folder() {
  const char* folder = std::getenv("TEST_TMPDIR");
  return folder != nullptr ? folder : "/tmp";
}

std::string temporary_file(const char* kind) {
  std::string path = test_folder() + "/" + kind + ".XXXXXX";
  const int fd = ::mkstemp(path.data());
  REQUIRE_MESSAGE(fd >= 0, path);
  ::close(fd);
  return path;
}

std::vector<std::string> child_environment(const ProgramOptions& options) {
  std::vector<std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::string_view name = text.substr(0, text.find('='));
    if (name.starts_with("MAYFLY_") || name == "NO_COLOR") continue;
    if (std::find(options.without.begin(), options.without.end(), name) != options.without.end()) {
      continue;
    }
    variables.emplace_back(text);
  }
  for (const auto& [name, value] : options.environment) variables.push_back(name + "=" + value);
  return variables;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

}  // namespace

RunProgram::RunProgram(const std::string& program, std::vector<std::string> arguments,
                       const ProgramOptions& options)
    : out_path_(temporary_file("out")), err_path_(temporary_file("err")) {
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  if (options.stdin_fd >= 0) {
    ::posix_spawn_file_actions_adddup2(&actions, options.stdin_fd, 0);
  } else {
    ::posix_spawn_file_actions_addopen(&actions, 0, options.stdin_file.c_str(), O_RDONLY, 0);
  }
  ::posix_spawn_file_actions_addopen(&actions, 1, out_path_.c_str(), O_WRONLY | O_TRUNC, 0);
  if (options.stderr_fd >= 0) {
    ::posix_spawn_file_actions_adddup2(&actions, options.stderr_fd, 2);
  } else {
    ::posix_spawn_file_actions_addopen(&actions, 2, err_path_.c_str(), O_WRONLY | O_TRUNC, 0);
  }
  if (!options.folder.empty()) {
    ::posix_spawn_file_actions_addchdir_np(&actions, options.folder.c_str());
  }
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t none, defaults;
  ::sigemptyset(&none);
  ::sigfillset(&defaults);
  void (*before)(int) = SIG_DFL;
  if (options.ignore_interrupt) {
    before = std::signal(SIGINT, SIG_IGN);  // inherited across exec
    ::sigdelset(&defaults, SIGINT);
  }
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &defaults);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

  arguments.insert(arguments.begin(), program);
  std::vector<std::string> environment = child_environment(options);
  const int error = ::posix_spawn(&pid_, program.c_str(), &actions, &attributes,
                                  pointers(arguments).data(), pointers(environment).data());
  if (options.ignore_interrupt) std::signal(SIGINT, before);
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  REQUIRE_MESSAGE(error == 0, program << ": " << std::strerror(error));
}

RunProgram::~RunProgram() {
  if (!done_) {
    ::kill(pid_, SIGKILL);
    wait();
  }
  ::unlink(out_path_.c_str());
  ::unlink(err_path_.c_str());
}

void RunProgram::signal(int number) const {
  if (!done_) REQUIRE(::kill(pid_, number) == 0);
}

void RunProgram::take_status(int status) {
  done_ = true;
  status_ = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int RunProgram::wait() {
  while (!done_) {
    int status = 0;
    if (::waitpid(pid_, &status, 0) == pid_) {
      take_status(status);
    } else if (errno != EINTR) {
      std::abort();
    }
  }
  return status_;
}

bool RunProgram::running() {
  int status = 0;
  if (!done_ && ::waitpid(pid_, &status, WNOHANG) == pid_) take_status(status);
  return !done_;
}

std::string RunProgram::out() const { return read_file(out_path_); }
std::string RunProgram::err() const { return read_file(err_path_); }

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE_MESSAGE(file, path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

void write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  REQUIRE_MESSAGE(file, path);
}

std::string make_folder() {
  std::string path = test_folder() + "/folder.XXXXXX";
  REQUIRE_MESSAGE(::mkdtemp(path.data()) != nullptr, path);
  return path;
}

}  // namespace mayfly::testing
