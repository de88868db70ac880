#include "mayfly/signal/pattern_set.h"

#include <doctest/doctest.h>

#include <atomic>
#include <latch>
#include <string>
#include <thread>
#include <vector>

#include "mayfly/base/rng.h"
#include "mayfly/signal/signal_sink.h"

namespace mayfly {
namespace {

TEST_CASE("pattern set: tells the time of the newest present signal that matches") {
  ManualClock clock;
  SignalSink sink(clock);
  const PatternSet set(sink, "backpressure.*, rate-limited");
  CHECK(set.newest_ns() == kAlways);
  CHECK_FALSE(set.any_present());
  sink.raise("backpressure.downstream");
  const std::int64_t first = clock.now_ns();
  CHECK(set.newest_ns() == first);
  clock.advance(5);
  sink.raise("unrelated");
  CHECK(set.newest_ns() == first);
  sink.raise("rate-limited");
  CHECK(set.newest_ns() == first + 5);
  CHECK(set.count() == 2);
  sink.retract("rate-limited");
  CHECK(set.newest_ns() == first);
  sink.retract("backpressure.downstream");
  CHECK(set.newest_ns() == kAlways);
  sink.raise("rate-limited:api");
  CHECK_FALSE(set.any_present());
}

TEST_CASE("pattern set: patterns that look at arguments are asked of each signal") {
  ManualClock clock;
  SignalSink sink(clock);
  const PatternSet set(sink, "job.failed:*fatal*");
  sink.raise("job.failed:minor");
  CHECK_FALSE(set.any_present());
  sink.raise("job.failed:a fatal one");
  clock.advance(1);
  sink.raise("job.failed:minor");
  CHECK(set.newest_ns() == clock.now_ns() - 1);
  CHECK(set.count() == 1);
}

TEST_CASE("pattern set: a signal is there until it has aged, with no activity between") {
  ManualClock clock;
  SignalSink sink(clock, {.max_age_ns = kSecond});
  const PatternSet set(sink, "busy");
  CHECK(set.present_until_ns() == kAlways);
  sink.raise("busy");
  const std::int64_t until = set.present_until_ns();
  clock.advance(until - clock.now_ns() - 1);
  CHECK(set.any_present());
  clock.advance(1);
  CHECK_FALSE(set.any_present());
}

TEST_CASE("pattern set: without an age limit a signal is there for good") {
  ManualClock clock;
  SignalSink sink(clock, {.max_age_ns = kNever});
  const PatternSet set(sink, "busy");
  sink.raise("busy");
  CHECK(set.present_until_ns() == kNever);
}

TEST_CASE("pattern set: without patterns nothing matches") {
  ManualClock clock;
  SignalSink sink(clock);
  sink.raise("busy");
  const PatternSet none(sink, " , ,");
  CHECK(none.empty());
  CHECK_FALSE(none.any_present());
  CHECK_FALSE(none.matches("busy"));
  CHECK(none.count() == 0);
  const std::vector<std::string> lists = {"idle", "x, busy"};
  CHECK(PatternSet(sink, lists).any_present());
}

TEST_CASE(
    "pattern set: what was pushed out of the window isn't there, on other threads' shards too") {
  ManualClock clock;
  SignalSink sink(clock, {.capacity = 4});
  const PatternSet set(sink, "busy");
  sink.raise("busy");
  std::jthread([&] {
    for (int i = 0; i < 3; ++i) sink.raise("other");
  }).join();
  CHECK(set.any_present());
  clock.advance(1);
  std::jthread([&] { sink.raise("other"); }).join();
  CHECK_FALSE(set.any_present());
  CHECK_FALSE(set.any_present());
  sink.raise("busy");
  CHECK(set.any_present());
}

TEST_CASE("pattern set: agrees with sense() on random histories") {
  constexpr std::uint64_t kSeed = 31;
  Rng rng(kSeed);
  ManualClock clock;
  SignalSink sink(clock, {.capacity = 30, .max_age_ns = 60});
  const PatternSet set(sink, "a.*,b:*1");
  const char* const names[] = {"a.x", "a.y:1", "b:1", "b:2", "c", "d:1"};
  for (int step = 0; step < 5'000; ++step) {
    CAPTURE(kSeed);
    CAPTURE(step);
    const char* const name = names[rng.below(6)];
    if (rng.below(8) == 0) {
      sink.retract(name);
    } else if (rng.below(4) != 0) {
      if (rng.below(3) != 0) name[0] == 'c' ? sink.raise("c:x") : sink.raise("d:2");
      sink.raise(name);
    }
    clock.advance(static_cast<std::int64_t>(rng.below(12)));
    std::int64_t newest = kAlways;
    for (const Signal& signal : sink.sense()) {
      if (set.matches(signal.name)) newest = signal.at_ns;
    }
    REQUIRE(set.newest_ns() == newest);
  }
}

// Aims at an answer "none" that is stored while a matching signal is raised: the next one sees it.
TEST_CASE("pattern set threads: a signal that was raised before the question is never missed") {
  constexpr int kRounds = 300;
  ManualClock clock;
  SignalSink sink(clock, {.capacity = 64});
  const PatternSet set(sink, "busy");
  std::atomic<int> raised{0};
  std::atomic<int> seen{0};
  std::latch start(3);
  std::jthread other([&] {
    start.arrive_and_wait();
    while (seen.load() < kRounds) {
      set.any_present();
      std::this_thread::yield();
    }
  });
  std::jthread raiser([&] {
    start.arrive_and_wait();
    for (int round = 0; round < kRounds; ++round) {
      sink.raise("other");
      sink.raise("busy");
      raised.store(round + 1);
      while (seen.load() <= round) std::this_thread::yield();
    }
  });
  start.arrive_and_wait();
  for (int round = 0; round < kRounds; ++round) {
    while (raised.load() <= round) std::this_thread::yield();
    REQUIRE(set.any_present());
    REQUIRE(sink.retract("busy") == 1);
    REQUIRE_FALSE(set.any_present());
    seen.store(round + 1);
  }
}

}  // namespace
}  // namespace mayfly
