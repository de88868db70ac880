#include <doctest/doctest.h>

#include <atomic>
#include <charconv>
#include <string>
#include <thread>
#include <vector>

#include "mayfly/signal/pattern_set.h"
#include "mayfly/signal/signal_sink.h"

namespace mayfly {
namespace {

// A name that betrays a mix of two records: "t<thread>.<kind>:<number>:<the same number>".
std::string checked_name(int thread, int number, std::size_t padding) {
  const std::string digits = std::to_string(number);
  return "t" + std::to_string(thread) + ".n:" + digits + std::string(padding, '.') + ":" + digits;
}

struct Parsed {
  int thread = -1;
  int number = -1;
};

Parsed parse(const std::string& name) {
  Parsed parsed;
  const std::size_t first = name.find(':');
  const std::size_t last = name.rfind(':');
  int again = -2;
  std::from_chars(name.data() + 1, name.data() + name.size(), parsed.thread);
  std::from_chars(name.data() + first + 1, name.data() + name.size(), parsed.number);
  std::from_chars(name.data() + last + 1, name.data() + name.size(), again);
  if (parsed.number != again) parsed.number = -1;
  return parsed;
}

// Numbers of one thread rise; nothing is torn. Returns how many were seen.
void check_order(const std::vector<Signal>& signals, int threads) {
  std::vector<int> last(threads, -1);
  std::int64_t time = 0;
  for (const Signal& signal : signals) {
    const Parsed parsed = parse(signal.name);
    REQUIRE_MESSAGE(parsed.number >= 0, signal.name);
    REQUIRE(parsed.thread < threads);
    REQUIRE(parsed.number > last[parsed.thread]);
    REQUIRE(signal.at_ns >= time);
    last[parsed.thread] = parsed.number;
    time = signal.at_ns;
  }
}

void raise_while_reading(SignalSinkOptions options, int threads, int raises, std::size_t padding) {
  ManualClock clock;
  SignalSink sink(clock, options);
  std::atomic<int> running{threads};
  std::vector<std::jthread> raisers;
  for (int t = 0; t < threads; ++t) {
    raisers.emplace_back([&, t] {
      for (int i = 0; i < raises; ++i) {
        sink.raise(checked_name(t, i, padding));
        clock.advance(1);
      }
      running.fetch_sub(1);
    });
  }
  while (running.load() > 0) {
    const std::vector<Signal> signals = sink.sense();
    CHECK(signals.size() <= options.capacity);
    check_order(signals, threads);
    CHECK(sink.count("t*") <= options.capacity);
    sink.detect("t0.n:1:1");
  }
  raisers.clear();
  check_order(sink.sense(), threads);
  CHECK(sink.raised_total() == static_cast<std::uint64_t>(threads) * raises);
  CHECK(sink.count() == options.capacity);
}

// Aims at a reader that is overtaken by the writer while it copies a record.
TEST_CASE("sink threads: readers never see a torn record, and each thread's order is kept") {
  raise_while_reading({.capacity = 16}, 3, 4'000, 0);
}

// Aims at a text that is overwritten, and at a text ring that is replaced, during the copy.
TEST_CASE("sink threads: long texts are whole or absent") {
  raise_while_reading({.capacity = 64, .text_bytes = 4096 * 16}, 3, 2'000, 90);
}

// Aims at the shard that is shared by the threads beyond shards_max.
TEST_CASE("sink threads: threads beyond the shards share one, and lose nothing") {
  raise_while_reading({.capacity = 64, .shards_max = 1}, 4, 2'000, 0);
  raise_while_reading({.capacity = 64, .shards_max = 0}, 3, 1'000, 0);
}

// Aims at a claim by many threads at once, with collisions in the slot table.
TEST_CASE("sink threads: raises of more threads than there are shards all arrive") {
  constexpr int kThreads = 100;
  ManualClock clock;
  SignalSink sink(clock, {.capacity = 10'000});
  {
    std::atomic<int> ready{0};
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&] {
        ready.fetch_add(1);
        while (ready.load() < kThreads) std::this_thread::yield();
        for (int i = 0; i < 50; ++i) sink.raise("tick");
      });
    }
  }
  CHECK(sink.raised_total() == kThreads * 50);
  CHECK(sink.count("tick") == kThreads * 50);
}

// Aims at a compare-exchange that meets a record which has just been replaced.
TEST_CASE("sink threads: retracting one name never takes another") {
  constexpr int kRaises = 20'000;
  ManualClock clock;
  SignalSink sink(clock, {.capacity = 8});
  std::atomic<bool> done{false};
  std::jthread raiser([&] {
    for (int i = 0; i < kRaises; ++i) sink.raise(i % 2 == 0 ? "job:1" : "job:2");
    done.store(true);
  });
  while (!done.load()) sink.retract("job:1");
  raiser.join();
  CHECK(sink.count("job:2") == 4);
  sink.retract("job:1");
  CHECK(sink.count() == 4);
}

// Aims at a query whose pattern was compiled before a stem that a record of its view has.
TEST_CASE(
    "sink threads: a signal that happened before a query is in its result, with a new stem too") {
  ManualClock clock;
  SignalSink sink(clock, {.capacity = 100'000});
  std::atomic<int> raised{0};
  std::jthread raiser([&] {
    for (int i = 0; i < 2'000; ++i) {
      sink.raise("new." + std::to_string(i));
      raised.store(i + 1, std::memory_order_release);
    }
  });
  int before = 0;
  while (before < 2'000) {
    before = raised.load(std::memory_order_acquire);
    REQUIRE(sink.count("new.*") >= static_cast<std::size_t>(before));
  }
}

// More than a ring of a small capacity has room for.
constexpr int kLap = 300;

// Intended interleaving: the raises come between a query's look at the heads and its look at the
// records, and overwrite all of them. They come from the predicate, so each time.
TEST_CASE("sink: a query that is overtaken by raises shows those, and is never empty") {
  ManualClock clock;
  for (const std::size_t capacity : {1, 2, 5}) {
    SignalSink sink(clock, {.capacity = capacity});
    for (int i = 0; i < 5; ++i) sink.raise("old");
    int calls = 0;
    const std::vector<Signal> seen = sink.sense_if([&](const SignalView&) {
      if (++calls > 1) return true;
      for (int i = 0; i < kLap; ++i) sink.raise("new");
      return true;
    });
    CHECK(seen.size() == capacity);
    for (const Signal& signal : seen) CHECK(signal.name == "new");
  }
}

TEST_CASE("sink: a query that is overtaken again and again ends") {
  ManualClock clock;
  SignalSink sink(clock, {.capacity = 2});
  sink.raise("x");
  sink.raise("x");
  int calls = 0;
  const bool found = sink.detect_if([&](const SignalView&) {
    ++calls;
    for (int i = 0; i < kLap; ++i) sink.raise("x");
    return false;
  });
  CHECK_FALSE(found);
  CHECK(calls > 4);
  CHECK(sink.count() == 2);
}

// Aims at raises that displace what a query is about to look at, time and again: at every moment
// the window holds as many signals as its capacity says, so each query has to show so many.
TEST_CASE("sink threads: however fast it is raised, a small window is never seen empty") {
  constexpr int kThreads = 3;
  ManualClock clock;
  for (const std::size_t capacity : {1, 4}) {
    SignalSink sink(clock, {.capacity = capacity});
    const PatternSet set(sink, "ti*");
    const StemId tick = sink.intern("tick");
    for (std::size_t i = 0; i < capacity; ++i) sink.raise(tick);
    std::vector<std::jthread> raisers;
    for (int t = 0; t < kThreads; ++t) {
      raisers.emplace_back([&](const std::stop_token& stop) {
        while (!stop.stop_requested()) sink.raise(tick);
      });
    }
    for (int i = 0; i < 3'000; ++i) {
      REQUIRE(sink.sense().size() == capacity);
      REQUIRE(sink.sense("t*").size() == capacity);
      REQUIRE(sink.count("tick") == capacity);
      REQUIRE(sink.count_exact("tick") == capacity);
      REQUIRE(sink.detect("tick"));
      REQUIRE(sink.detect_matching("*ck"));
      REQUIRE(set.any_present());
      REQUIRE(set.count() == capacity);
    }
  }
}

}  // namespace
}  // namespace mayfly
