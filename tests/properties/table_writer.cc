#include "tests/properties/table_writer.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "tests/support/runfile.h"

extern char** environ;

namespace mayfly::testing {

TableWriter::TableWriter() {
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  std::string python = "/usr/bin/python3";
  std::string script = runfile(std::getenv("WRITE_TABLES"));
  char* arguments[] = {python.data(), script.data(), nullptr};
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, ends[1], 0);
  ::posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  const int error = ::posix_spawn(&pid_, python.c_str(), &actions, nullptr, arguments, environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  socket_ = ends[0];
  REQUIRE(error == 0);
}

TableWriter::~TableWriter() {
  ::close(socket_);  // its input ends, and so does it
  int status = 0;
  ::waitpid(pid_, &status, 0);
}

void TableWriter::write(const RandomTable& table, const std::string& path) {
  const std::string request = table.request(path) + "\n";
  for (std::size_t sent = 0; sent < request.size();) {
    const ssize_t size =
        ::send(socket_, request.data() + sent, request.size() - sent, MSG_NOSIGNAL);
    REQUIRE_MESSAGE(size > 0, "write_tables.py has ended");
    sent += static_cast<std::size_t>(size);
  }
  char answer = 0;
  REQUIRE_MESSAGE(::recv(socket_, &answer, 1, 0) == 1, "write_tables.py has ended");
}

}  // namespace mayfly::testing
