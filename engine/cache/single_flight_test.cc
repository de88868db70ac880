// Threads that want one key together. Where a test needs "the others wait now" it asks the cache's
// stats, by which no time has to pass.
#include <doctest/doctest.h>

#include <atomic>
#include <latch>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "mayfly/cache/lru_cache.h"
#include "mayfly/cache/sliding_cache.h"
#include "mayfly/signal/signal_sink.h"

namespace mayfly {
namespace {

using Cache = SlidingCache<int, std::string>;
using Value = Cache::Value;

template <class AnyCache>
void await_waiting(const AnyCache& cache, std::size_t threads) {
  while (cache.stats().waiting < threads) std::this_thread::yield();
}

constexpr int kThreads = 16;

// Runs get(thread) on kThreads threads at once; their outcomes.
template <class Get>
std::vector<Result<Value>> at_once(Get get) {
  std::vector<Result<Value>> outcomes(kThreads, Status(Code::kInternal, "not run"));
  std::latch start(kThreads);
  std::vector<std::jthread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      start.arrive_and_wait();
      outcomes[static_cast<std::size_t>(t)] = get();
    });
  }
  threads.clear();
  return outcomes;
}

// Aims at fifteen threads that miss while the factory of the first runs: it ends only once all
// wait.
TEST_CASE(
    "P16: of sixteen threads that miss one key together one computes, and all get its value") {
  ManualClock clock;
  SignalSink sink(clock);
  Cache cache(clock, {.signals = &sink});
  std::atomic<int> computed{0};
  const auto outcomes = at_once([&] {
    return cache.get_or_add(1, [&](int) {
      computed.fetch_add(1);
      await_waiting(cache, kThreads - 1);
      return std::string("one");
    });
  });
  CHECK(computed.load() == 1);
  for (const Result<Value>& outcome : outcomes) {
    REQUIRE(outcome.ok());
    CHECK(outcome.value() == outcomes.front().value());
  }
  const CacheStats stats = cache.stats();
  CHECK(stats.computed == 1);
  CHECK(stats.misses == kThreads);
  CHECK(stats.shared == kThreads - 1);
  CHECK(stats.waiting == 0);
  CHECK(sink.count("cache.hit.dedup:1") == kThreads - 1);
  CHECK(sink.count("cache.compute.start:1") == 1);
}

// Aims at threads that come before, while and after the factory runs, in whatever order.
TEST_CASE("P16: a key's factory runs once however threads come; the LRU cache too") {
  for (int round = 0; round < 200; ++round) {
    ManualClock clock;
    LruCache<int, std::string> cache(clock);
    std::atomic<int> computed{0};
    const auto outcomes = at_once([&] {
      return cache.get_or_add(round, [&](int) {
        computed.fetch_add(1);
        return std::string("one");
      });
    });
    REQUIRE(computed.load() == 1);
    for (const Result<Value>& outcome : outcomes) REQUIRE(**outcome == "one");
  }
}

// Aims at the same interleaving as the first test, with a factory that fails.
TEST_CASE(
    "single flight: a factory that throws fails all who waited, and the next call tries anew") {
  ManualClock clock;
  Cache cache(clock);
  std::atomic<int> computed{0};
  const auto outcomes = at_once([&] {
    return cache.get_or_add(1, [&](int) -> std::string {
      computed.fetch_add(1);
      await_waiting(cache, kThreads - 1);
      throw std::runtime_error("no value");
    });
  });
  CHECK(computed.load() == 1);
  for (const Result<Value>& outcome : outcomes) {
    CHECK(outcome.status().code() == Code::kInternal);
    CHECK(outcome.status().message() == "a cache's factory threw std::runtime_error: no value");
  }
  CHECK(cache.size() == 0);
  CHECK(**cache.get_or_add(1, [](int) { return "value"; }) == "value");
}

TEST_CASE("single flight: a failed Result fails all who waited") {
  ManualClock clock;
  Cache cache(clock);
  const auto outcomes = at_once([&] {
    return cache.get_or_add(1, [&](int) -> Result<std::string> {
      await_waiting(cache, kThreads - 1);
      return Status(Code::kNoInput, "missing");
    });
  });
  for (const Result<Value>& outcome : outcomes) CHECK(outcome.status().code() == Code::kNoInput);
  CHECK(cache.size() == 0);
  CHECK(cache.stats().shared == 0);
}

TEST_CASE("single flight: a factory that asks for its own key is refused instead of hanging") {
  ManualClock clock;
  Cache cache(clock);
  Result<Value> inner = Status();
  const auto outer = cache.get_or_add(1, [&](int key) {
    inner = cache.get_or_add(key, [](int) { return "inner"; });
    return std::string("outer");
  });
  CHECK(inner.status().code() == Code::kUsage);
  CHECK(inner.status().message() ==
        "SlidingCache.get_or_add: expected a factory that doesn't need its own key, found one that "
        "asks for it, itself or through factories of other threads");
  CHECK(**outer == "outer");
}

TEST_CASE(
    "single flight: a factory is refused its own key through another key, and after it was "
    "invalidated") {
  ManualClock clock;
  Cache cache(clock);
  Result<Value> innermost = Status();
  Result<Value> invalidated = Status();
  const auto outer = cache.get_or_add(1, [&](int) {
    return cache.get_or_add(2,
                            [&](int) -> Result<std::string> {
                              innermost = cache.get_or_add(1, [](int) { return "inner"; });
                              cache.invalidate(1);
                              invalidated = cache.get_or_add(1, [](int) { return "inner"; });
                              return innermost.status();
                            })
                   .status()
                   .ok()
               ? "ok"
               : "refused";
  });
  CHECK(innermost.status().code() == Code::kUsage);
  CHECK(invalidated.status().code() == Code::kUsage);
  CHECK(**outer == "refused");
}

// Aims at a circle: each of two threads runs the factory of one key and asks for the other's. The
// latch lets neither ask before both run.
TEST_CASE("single flight: of threads whose factories need each other's keys one is refused") {
  ManualClock clock;
  Cache cache(clock);
  std::latch both(2);
  std::atomic<int> refused{0};
  const auto run = [&](int own, int other) {
    const auto outcome = cache.get_or_add(own, [&](int) -> Result<std::string> {
      both.arrive_and_wait();
      auto needed = cache.get_or_add(other, [](int) { return "alone"; });
      if (!needed.ok()) return needed.status();
      return "with " + **needed;
    });
    if (outcome.status().code() == Code::kUsage) refused.fetch_add(1);
  };
  {
    const std::jthread first([&] { run(1, 2); });
    const std::jthread second([&] { run(2, 1); });
  }
  // The one that is refused fails its own key, and the other waited for that or came after it.
  CHECK(refused.load() >= 1);
  CHECK(cache.stats().waiting == 0);
}

// Aims at a waiter that hasn't left yet when the flight's owner goes on to wait for the waiter's
// own.
TEST_CASE("single flight: a finished factory holds nobody up, though its waiters are still there") {
  FlightWaits waits;
  const int key = 1;
  Flight<int, Value> flight(1, key);  // this thread is its owner
  CHECK_FALSE(waits.enter(flight));
  flight.finish(Status(Code::kIo, "done"));
  CHECK(waits.enter(flight));
  CHECK(waits.size() == 1);
  waits.leave();
  CHECK(waits.size() == 0);
}

// Aims at a waiter that gives up while the factory it waits for still runs.
TEST_CASE("single flight: a waiter gives up at its deadline; the value is kept nevertheless") {
  ManualClock clock;
  Cache cache(clock);
  std::latch gave_up(1);
  const std::int64_t deadline_ns = clock.now_ns() + kSecond;
  std::jthread leader([&] {
    CHECK(cache
              .get_or_add(1,
                          [&](int) {
                            gave_up.wait();
                            return "late";
                          })
              .ok());
  });
  while (cache.stats().misses == 0) std::this_thread::yield();
  std::jthread waiter([&] {
    const auto outcome =
        cache.get_or_add(1, [](int) { return "mine"; }, {.deadline_ns = deadline_ns});
    CHECK(outcome.status().code() == Code::kTryAgain);
    gave_up.count_down();
  });
  await_waiting(cache, 1);
  clock.advance(kSecond);
  waiter.join();
  leader.join();
  CHECK(*cache.try_get(1) == "late");
}

// Aims at an invalidation between a factory's read and the storing of what it read.
TEST_CASE("single flight: what was being made when its key was invalidated isn't kept") {
  ManualClock clock;
  Cache cache(clock);
  std::string stored = "old";
  const auto before = cache.get_or_add(1, [&](int key) {
    const std::string read = stored;
    stored = "new";
    CHECK(cache.invalidate(key));
    CHECK_FALSE(cache.invalidate(key));
    return read;
  });
  CHECK(**before == "old");
  CHECK(cache.size() == 0);
  CHECK(**cache.get_or_add(1, [&](int) { return stored; }) == "new");
  const auto cleared = cache.get_or_add(2, [&](int) {
    cache.clear();
    return "old";
  });
  CHECK(cleared.ok());
  CHECK(cache.size() == 0);
}

// Aims at a reader that comes after an invalidation while the outdated factory still runs: it must
// not get the outdated value.
TEST_CASE("single flight: who asks after an invalidation gets a value made after it") {
  ManualClock clock;
  Cache cache(clock);
  std::latch asked(1);
  std::jthread outdated([&] {
    const auto outcome = cache.get_or_add(1, [&](int) {
      asked.wait();
      return "old";
    });
    CHECK(**outcome == "old");
  });
  while (cache.stats().misses == 0) std::this_thread::yield();
  CHECK(cache.invalidate(1));
  CHECK(**cache.get_or_add(1, [](int) { return "new"; }) == "new");
  asked.count_down();
  outdated.join();
  CHECK(*cache.try_get(1) == "new");
}

}  // namespace
}  // namespace mayfly
