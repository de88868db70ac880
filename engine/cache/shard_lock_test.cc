#include "mayfly/cache/shard_lock.h"

#include <doctest/doctest.h>

#include <latch>
#include <mutex>
#include <thread>
#include <vector>

namespace mayfly {
namespace {

// Aims at threads that take the lock from each other within a few instructions: a lost update would
// show in the sum, a missing acquire or release as a race under tsan.
TEST_CASE("shard lock: one thread is inside at a time, and sees what the one before it did") {
  constexpr int kThreads = 4;
  constexpr int kRounds = 20'000;
  ShardLock mutex;
  int plain = 0;
  {
    std::latch start(kThreads);
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&] {
        start.arrive_and_wait();
        for (int i = 0; i < kRounds; ++i) {
          const std::lock_guard lock(mutex);
          ++plain;
        }
      });
    }
  }
  CHECK(plain == kThreads * kRounds);
}

// Aims at a waiter that has used up its spins and yields: the holder gives the lock back only after
// the waiter has had the time to.
TEST_CASE("shard lock: a long hold is waited for") {
  ShardLock mutex;
  bool done = false;
  std::latch waiting(1);
  mutex.lock();
  std::jthread waiter([&] {
    waiting.count_down();
    const std::lock_guard lock(mutex);
    CHECK(done);
  });
  waiting.wait();
  for (int i = 0; i < 10'000; ++i) std::this_thread::yield();
  done = true;
  mutex.unlock();
}

}  // namespace
}  // namespace mayfly
