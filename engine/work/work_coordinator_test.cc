#include "mayfly/work/work_coordinator.h"

#include <doctest/doctest.h>

#include <atomic>
#include <latch>
#include <string>
#include <vector>

namespace mayfly {
namespace {

// C010
TEST_CASE("work: every item is processed once, and counted") {
  std::mutex mutex;
  std::vector<int> seen;
  WorkCoordinator<int> work({.max_concurrency = 2}, [&](int item) {
    const std::lock_guard lock(mutex);
    seen.push_back(item);
  });

  for (int i = 1; i <= 3; ++i) CHECK(work.enqueue(i).ok());
  work.complete();

  CHECK(work.drain().ok());
  std::ranges::sort(seen);
  CHECK(seen == std::vector<int>{1, 2, 3});
  CHECK(work.counts().succeeded == 3);
}

TEST_CASE("work: many items through a small queue") {
  std::atomic<std::uint64_t> sum{0};
  WorkCoordinator<std::uint64_t> work({.max_concurrency = 4, .queue_capacity = 16},
                                      [&](std::uint64_t item) { sum += item; });
  std::vector<std::jthread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      for (std::uint64_t i = 0; i < 20'000; ++i) CHECK(work.enqueue(i).ok());
    });
  }
  threads.clear();
  work.complete();
  CHECK(work.drain().ok());
  CHECK(sum == 3ull * 20'000 * 19'999 / 2);
  CHECK(work.counts().succeeded == 60'000);
}

}  // namespace
}  // namespace mayfly
