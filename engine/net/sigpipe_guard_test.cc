#include "mayfly/net/sigpipe_guard.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cerrno>

namespace mayfly {
namespace {

bool pipe_signal_pending() {
  sigset_t pending;
  sigpending(&pending);
  return sigismember(&pending, SIGPIPE) == 1;
}

bool pipe_signal_blocked() {
  sigset_t blocked;
  pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
  return sigismember(&blocked, SIGPIPE) == 1;
}

void write_to_nobody() {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  close(ends[0]);
  CHECK(write(ends[1], "x", 1) == -1);
  CHECK(errno == EPIPE);
  close(ends[1]);
}

TEST_CASE("sigpipe guard: writing to nobody is an error, and nothing of it stays") {
  {
    const SigpipeGuard guard;
    write_to_nobody();
    CHECK(pipe_signal_pending());
  }
  CHECK_FALSE(pipe_signal_pending());
  CHECK_FALSE(pipe_signal_blocked());
}

TEST_CASE("sigpipe guard: a signal that waited before isn't taken back") {
  sigset_t pipe;
  sigset_t before;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, &before);
  pthread_kill(pthread_self(), SIGPIPE);
  {
    const SigpipeGuard guard;
    write_to_nobody();
  }
  CHECK(pipe_signal_pending());
  CHECK(pipe_signal_blocked());
  const timespec at_once{};
  CHECK(sigtimedwait(&pipe, nullptr, &at_once) == SIGPIPE);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace
}  // namespace mayfly
