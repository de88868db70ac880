#include "mayfly/base/clock.h"

#include <doctest/doctest.h>

#include <thread>

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

TEST_CASE("clocks: a deadline beyond all time is never") {
  CHECK(deadline_after(kSecond, 2 * kSecond) == 3 * kSecond);
  CHECK(deadline_after(0, kNever) == kNever);
  CHECK(deadline_after(kSecond, kNever) == kNever);
  CHECK(deadline_after(kNever, 1) == kNever);
  CHECK(deadline_after(1, kNever - 1) == kNever);
}

TEST_CASE("system clock: monotonic time doesn't go back, wall time is after 2020") {
  const SystemClock clock;
  const std::int64_t first = clock.now_ns();
  CHECK(clock.now_ns() >= first);
  CHECK(clock.wall_us() > 1'577'836'800'000'000);
}

// Aims at the time being moved between the waiter's look at it and its sleep.
TEST_CASE("clocks: a wait ends when its time has come, or when it is notified") {
  ManualClock manual;
  std::mutex mutex;
  std::condition_variable wake;
  bool told = false;
  std::thread mover([&] {
    manual.advance(kSecond);
    const std::lock_guard lock(mutex);
    told = true;
    wake.notify_all();
  });

  std::unique_lock lock(mutex);
  while (manual.now_ns() < 2 * kSecond) manual.wait_until(lock, wake, 2 * kSecond);
  while (!told) manual.wait_until(lock, wake, kNever);
  manual.wait_until(lock, wake, 0);  // long past

  lock.unlock();
  mover.join();
  const SystemClock system;
  lock.lock();
  const std::int64_t soon = system.now_ns() + kMillisecond;
  while (system.now_ns() < soon) system.wait_until(lock, wake, soon);
  CHECK(system.now_ns() >= soon);
}

}  // namespace
}  // namespace mayfly
