// status_of_child: what becomes of a process that runs a function and then ends as at the end of
// main(): its globals and statics are destroyed.
//
// THREADS  The process that calls has no other thread.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

namespace mayfly::testing {

// As of waitpid: 0 when it ended by exit(0); -1: there was no child.
template <class Work>
int status_of_child(Work work) {
  const pid_t child = ::fork();
  if (child == 0) {
    work();
    std::exit(EXIT_SUCCESS);
  }
  int status = -1;
  if (child < 0 || ::waitpid(child, &status, 0) != child) return -1;
  return status;
}

}  // namespace mayfly::testing
