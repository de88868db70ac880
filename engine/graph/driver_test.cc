#include "mayfly/graph/driver.h"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace mayfly {
namespace {

// Counts what it was told about; `inside` says whether two activations ever overlap.
struct Counter final : Activation {
  std::atomic<int> pushed{0};
  int seen = 0;
  int runs = 0;
  std::int64_t due_ns = kNever;
  std::function<void()> then;

  void activate() noexcept override {
    begin();
    ++runs;
    due_ns = kNever;
    seen = pushed.load();
    if (then) then();
  }
  std::int64_t next_due_ns() const override { return due_ns; }
};

TEST_CASE("a wake-up that pends is not passed on again, and a round delivers it once") {
  ManualClock clock;
  Driver driver(clock);
  Counter counter;
  const auto index = driver.add(counter);
  driver.schedule(index);
  driver.schedule(index);
  CHECK(driver.run_pending());
  CHECK(counter.runs == 1);
  CHECK_FALSE(driver.run_pending());
}

TEST_CASE("an activation that schedules itself runs again in the next round") {
  ManualClock clock;
  Driver driver(clock);
  Counter counter;
  const auto index = driver.add(counter);
  counter.then = [&] {
    if (counter.runs < 3) driver.schedule(index);
  };
  driver.schedule(index);
  int rounds = 0;
  while (driver.run_pending()) ++rounds;
  CHECK(counter.runs == 3);
  CHECK(rounds == 3);
}

TEST_CASE("a later activation runs inside the call of an earlier one") {
  ManualClock clock;
  Driver driver(clock);
  Counter first;
  Counter second;
  const auto a = driver.add(first);
  const auto b = driver.add(second);
  bool ran_inside = false;
  first.then = [&] {
    second.pushed = 7;
    driver.run_inside(b);
    ran_inside = second.seen == 7;
  };
  driver.schedule(a);
  driver.run_pending();
  CHECK(ran_inside);
}

TEST_CASE("an activation runs when its time has come") {
  ManualClock clock;
  Driver driver(clock);
  Counter counter;
  driver.add(counter);
  counter.due_ns = clock.now_ns() + kSecond;
  CHECK_FALSE(driver.run_pending());
  clock.advance(kSecond);
  CHECK(driver.run_pending());
  CHECK(counter.runs == 1);
}

// Interleaving aimed at: a push between the driver's last look at its bits and its sleep.
TEST_CASE("no wake-up from outside is lost, however it falls with the driver's sleep") {
  SystemClock clock;
  Driver driver(clock);
  Counter counter;
  const auto index = driver.add(counter);
  std::atomic<int> acknowledged{0};
  counter.then = [&] { acknowledged = counter.seen; };
  driver.start();
  for (int i = 1; i <= 2000; ++i) {
    counter.pushed = i;
    driver.schedule(index);
    // Without a wake-up this would take the driver's longest sleep, a second, each time.
    while (acknowledged.load() < i) std::this_thread::yield();
  }
  driver.stop();
  CHECK(acknowledged == 2000);
}

}  // namespace
}  // namespace mayfly
