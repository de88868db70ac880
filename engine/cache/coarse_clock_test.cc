#include "mayfly/cache/coarse_clock.h"

#include <doctest/doctest.h>

#include <condition_variable>
#include <mutex>

namespace mayfly {
namespace {

TEST_CASE("coarse clock: it tells the system clock's time, a little late, and never goes back") {
  const CoarseClock coarse;
  const SystemClock exact;
  std::int64_t last_ns = 0;
  for (int i = 0; i < 1'000; ++i) {
    const std::int64_t now_ns = coarse.now_ns();
    CHECK(now_ns >= last_ns);
    // The other clock is read after it: never ahead. How late it is depends on the machine's load.
    CHECK(now_ns <= exact.now_ns());
    last_ns = now_ns;
  }
  CHECK(exact.now_ns() - last_ns < 60 * kSecond);
}

TEST_CASE("coarse clock: who has waited for a time of the clock finds that it has come") {
  const CoarseClock clock;
  std::mutex mutex;
  std::condition_variable wake;
  std::unique_lock lock(mutex);
  const std::int64_t deadline_ns = clock.now_ns() + 1;
  while (clock.now_ns() < deadline_ns) clock.wait_until(lock, wake, deadline_ns);
  CHECK(clock.now_ns() >= deadline_ns);
}

}  // namespace
}  // namespace mayfly
