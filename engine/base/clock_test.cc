#include "mayfly/base/clock.h"

#include <doctest/doctest.h>

namespace mayfly {
namespace {

TEST_CASE("manual clock: it stands still until it is moved, from one second on") {
  ManualClock clock;
  const std::int64_t before = clock.now_ns();
  CHECK(before == kSecond);
  CHECK(clock.now_ns() == before);

  clock.advance(250 * kMillisecond);

  CHECK(clock.now_ns() == before + 250 * kMillisecond);
}

TEST_CASE("manual clock: wall time moves with it, in microseconds") {
  ManualClock clock;
  const std::int64_t before = clock.wall_us();

  clock.advance(3 * kSecond + 999);

  CHECK(clock.wall_us() - before == 3'000'000);
}

TEST_CASE("system clock: monotonic time doesn't go back, wall time is after 2020") {
  const SystemClock clock;
  const std::int64_t first = clock.now_ns();
  CHECK(clock.now_ns() >= first);
  CHECK(clock.wall_us() > 1'577'836'800'000'000);
}

}  // namespace
}  // namespace mayfly
