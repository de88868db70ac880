#include <doctest/doctest.h>

#include <atomic>
#include <latch>
#include <string>
#include <thread>
#include <vector>

#include "mayfly/signal/signal_sink.h"
#include "mayfly/signal/window_retuner.h"

namespace mayfly {
namespace {

// C089
TEST_CASE(
    "retune: capacity and age change together, one alone, and what can't be is cut or ignored") {
  ManualClock clock;
  SignalSink sink(clock, {.capacity = 100, .max_age_ns = 60 * kSecond});
  sink.resize(200, 300 * kSecond);
  CHECK(sink.capacity() == 200);
  CHECK(sink.max_age_ns() == 300 * kSecond);
  sink.set_capacity(150);
  CHECK(sink.capacity() == 150);
  CHECK(sink.max_age_ns() == 300 * kSecond);
  sink.resize(-100, 0);
  CHECK(sink.capacity() == 1);
  CHECK(sink.max_age_ns() == 300 * kSecond);
  sink.set_max_age(-1);
  CHECK(sink.max_age_ns() == 300 * kSecond);
  sink.set_capacity(INT64_MAX);
  CHECK(sink.capacity() == SignalSink::kCapacityMax);
}

TEST_CASE("retune: a larger window keeps what is there and what comes") {
  ManualClock clock;
  SignalSink sink(clock, {.capacity = 10});
  for (int i = 0; i < 10; ++i) sink.raise("n:" + std::to_string(i), 7);
  sink.set_capacity(5'000);
  CHECK(sink.count() == 10);
  for (int i = 10; i < 5'000; ++i) sink.raise("n:" + std::to_string(i), 7);
  const std::vector<Signal> signals = sink.sense_operation(7);
  REQUIRE(signals.size() == 5'000);
  for (int i = 0; i < 5'000; ++i) REQUIRE(signals[i].name == "n:" + std::to_string(i));
  CHECK(sink.overwritten_total() == 0);
  sink.raise("n:5000");
  CHECK(sink.count() == 5'000);
  CHECK(sink.overwritten_total() == 1);
}

TEST_CASE("retune: long texts and retractions move to the larger ring") {
  ManualClock clock;
  SignalSink sink(clock, {.capacity = 4});
  const std::string key = "cache.hit:" + std::string(100, 'k');
  sink.raise(key);
  sink.raise("gone");
  sink.raise("late");
  sink.retract("gone");
  sink.set_capacity(10'000);
  sink.raise("more:3");
  CHECK(sink.detect(key));
  CHECK_FALSE(sink.detect("gone"));
  CHECK(sink.count() == 3);
  CHECK(sink.retract("late") == 1);
  CHECK(sink.count() == 2);
}

TEST_CASE("retune: a smaller window shows fewer, and what left it doesn't come back") {
  ManualClock clock;
  SignalSink sink(clock, {.capacity = 100, .max_age_ns = kSecond});
  for (int i = 0; i < 100; ++i) sink.raise("n");
  sink.set_capacity(10);
  CHECK(sink.count() == 10);
  sink.set_capacity(100);
  CHECK(sink.count() == 10);
  CHECK(sink.overwritten_total() == 90);
  for (int i = 0; i < 90; ++i) sink.raise("n");
  CHECK(sink.count() == 100);
  CHECK(sink.overwritten_total() == 90);
  sink.raise("n");
  CHECK(sink.count() == 100);
  CHECK(sink.overwritten_total() == 91);
}

TEST_CASE(
    "retune: a shorter age counts at once, and what had aged doesn't come back with a longer one") {
  ManualClock clock;
  SignalSink sink(clock, {.max_age_ns = 10 * kSecond});
  sink.raise("old");
  clock.advance(5 * kSecond);
  sink.raise("new");
  sink.set_max_age(2 * kSecond);
  CHECK_FALSE(sink.detect("old"));
  sink.set_max_age(100 * kSecond);
  CHECK_FALSE(sink.detect("old"));
  clock.advance(90 * kSecond);
  CHECK(sink.detect("new"));
}

TEST_CASE("retuner: a sink's window is set by signals, also with a prefix") {
  ManualClock clock;
  SignalSink sink(clock);
  const WindowRetuner retuner(sink);
  sink.raise("window.size.set:500");
  CHECK(sink.capacity() == 500);
  sink.raise("plant.window.time.set:00:30:05");
  CHECK(sink.max_age_ns() == (30 * 60 + 5) * kSecond);
  sink.raise("window.size.set:-100");
  CHECK(sink.capacity() == 1);
  CHECK(retuner.applied() == 3);
  CHECK(retuner.refused() == 0);
}

TEST_CASE("retuner: what can't be read changes nothing and is counted") {
  ManualClock clock;
  SignalSink sink(clock, {.capacity = 20, .max_age_ns = kSecond});
  const WindowRetuner retuner(sink);
  for (const char* name : {"window.size.set:", "window.size.set:many", "window.size.set:5x",
                           "window.size.set:99999999999999999999", "window.time.set:30",
                           "window.time.set:00:60:00", "window.time.set:00:00:00"}) {
    sink.raise(name);
  }
  CHECK(retuner.refused() == 7);
  sink.raise("awindow.size.set:7");
  sink.raise("window.size.set");
  CHECK(retuner.refused() == 7);
  CHECK(retuner.applied() == 0);
  CHECK(sink.capacity() == 20);
  CHECK(sink.max_age_ns() == kSecond);
}

TEST_CASE("retuner: after its end nothing is set any more") {
  ManualClock clock;
  SignalSink sink(clock, {.capacity = 20});
  { const WindowRetuner retuner(sink); }
  sink.raise("window.size.set:500");
  CHECK(sink.capacity() == 20);
}

TEST_CASE("clock durations: hours, minutes and seconds, and no other form") {
  CHECK(parse_clock_duration("00:30:00") == 1'800 * kSecond);
  CHECK(parse_clock_duration("100:00:01") == 360'001 * kSecond);
  for (const char* text : {"", "1", "1:2", "1:2:3", ":00:00", "00:00:-1", "00:-1:00", "-1:00:00",
                           "00:00:60", "00:00:00:00", "1e3:00:00", "1000000:00:00", "aa:bb:cc"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_clock_duration(text).has_value());
  }
}

// Aims at readers that stand in a ring while its writer moves to a larger one: nothing that is
// below capacity is missed, each thread's order holds.
TEST_CASE("retune threads: a window that grows loses nothing and shows nothing twice") {
  constexpr int kThreads = 3;
  constexpr int kSignals = 6'000;
  ManualClock clock;
  SignalSink sink(clock, {.capacity = 64});
  std::atomic<int> kept{0};
  std::atomic<int> running{kThreads};
  std::latch start(kThreads + 1);
  std::vector<std::jthread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      start.arrive_and_wait();
      for (int i = 0; i < kSignals; ++i) {
        // Always with room for what all threads have raised: the others follow the first.
        if (t == 0 && i % 500 == 0) sink.set_capacity(kThreads * (i + 4 * 500));
        while (t != 0 && kept.load() <= i) std::this_thread::yield();
        sink.raise("t" + std::to_string(t) + ":" + std::to_string(i));
        if (t == 0) kept.store(i + 1);
      }
      running.fetch_sub(1);
    });
  }
  start.arrive_and_wait();
  while (running.load() > 0) {
    int next[kThreads] = {};
    for (const Signal& signal : sink.sense()) {
      const int t = signal.name[1] - '0';
      // From the first on, with no gap.
      REQUIRE(std::stoi(std::string(signal.argument())) == next[t]++);
    }
    CHECK(sink.count("t?:*") <= static_cast<std::size_t>(kThreads) * kSignals);
  }
  CHECK(sink.count() == kThreads * kSignals);
  CHECK(sink.count("t1:*") == kSignals);
}

// Aims at a retraction between the copy of a record to the larger ring and its publication.
TEST_CASE("retune threads: what was retracted stays so while the ring grows") {
  ManualClock clock;
  SignalSink sink(clock, {.capacity = 32});
  std::atomic<int> raised{0};
  std::atomic<bool> done{false};
  std::jthread raiser([&] {
    for (int i = 0; i < 13; ++i) {
      for (int n = 0; n < 20; ++n) {
        sink.raise("job:" + std::to_string(i));
        sink.raise("stays");
      }
      raised.store(i + 1);
      sink.set_capacity(std::int64_t{64} << i);
    }
    done.store(true);
  });
  int retracted = 0;
  while (!done.load() || retracted < 13) {
    if (raised.load() <= retracted) continue;
    const std::string name = "job:" + std::to_string(retracted);
    sink.retract(name);
    REQUIRE_FALSE(sink.detect(name));
    REQUIRE(sink.count(name) == 0);
    ++retracted;
  }
  raiser.join();
  CHECK(sink.count("job:*") == 0);
}

// Aims at a shard that is made while the capacity is set: it has either the new size or is told.
TEST_CASE("retune threads: threads that come while the window grows have room") {
  constexpr int kThreads = 20;
  constexpr int kSignals = 300;
  ManualClock clock;
  SignalSink sink(clock, {.capacity = 1, .shards_max = 10});
  std::latch start(kThreads + 1);
  std::latch grown(1);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&] {
        start.arrive_and_wait();
        sink.raise("first");
        grown.wait();
        for (int i = 0; i < kSignals; ++i) sink.raise("kept");
      });
    }
    start.arrive_and_wait();
    sink.set_capacity(kThreads * kSignals + kThreads);
    grown.count_down();
  }
  CHECK(sink.count("kept") == kThreads * kSignals);
}

}  // namespace
}  // namespace mayfly
