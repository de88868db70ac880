// ForEachCrew: the calling thread and up to size - 1 more, started one after the other as long as
// there is work for them.
//
// PROTOCOL   Number n starts number n + 1, when it has found something to do; so a pass over two
//            items starts one thread, and an empty one none. A thread's handle is written by the
//            one that starts it, before that one ends: joined in order, each is there to be read.
// THREADS    run() by the caller; grow(n) by number n.
#pragma once

#include <cstddef>
#include <thread>
#include <vector>

#include "mayfly/base/function_ref.h"

namespace mayfly {

class ForEachCrew {
 public:
  // `work(n)` doesn't throw and returns when there is nothing left to do.
  ForEachCrew(int size, FunctionRef<void(int)> work)
      : work_(work), threads_(static_cast<std::size_t>(size - 1)) {}

  // The caller is number 0. Returns when all have ended.
  void run();
  // Starts the next one, unless it has been. Where the system has no more threads, the crew stays
  // as it is.
  void grow(int number);

 private:
  const FunctionRef<void(int)> work_;
  std::vector<std::jthread> threads_;  // [n]: number n + 1
};

}  // namespace mayfly
