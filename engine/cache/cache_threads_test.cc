// The caches under threads that do everything at once.
#include <doctest/doctest.h>

#include <atomic>
#include <latch>
#include <string>
#include <thread>
#include <vector>

#include "mayfly/base/rng.h"
#include "mayfly/cache/lru_cache.h"
#include "mayfly/cache/sliding_cache.h"
#include "mayfly/signal/signal_sink.h"

namespace mayfly {
namespace {

constexpr int kThreads = 4;
constexpr std::size_t kMaxSize = 64;

template <class Body>
void on_threads(Body body) {
  std::latch start(kThreads);
  std::vector<std::jthread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      Rng rng(static_cast<std::uint64_t>(t) + 1);
      start.arrive_and_wait();
      body(rng);
    });
  }
}

// Aims at insertions of several shards that want the last places, and at evictions from a shard
// that another thread reads.
TEST_CASE("cache threads: the size is never exceeded, and a key's value is always its own") {
  ManualClock clock;
  LruCache<int, std::string> cache(clock, {.max_size = kMaxSize, .shards = 16});
  on_threads([&](Rng& rng) {
    for (int i = 0; i < 5'000; ++i) {
      const int key = static_cast<int>(rng.below(300));
      const auto value = cache.get_or_add(key, [](int k) { return std::to_string(k); });
      REQUIRE(**value == std::to_string(key));
      REQUIRE(cache.size() <= kMaxSize);
    }
  });
  const CacheStats stats = cache.stats();
  CHECK(cache.size() == kMaxSize);
  CHECK(stats.total == kMaxSize);
  CHECK(stats.hits + stats.misses == 4 * 5'000);
  CHECK(stats.computed == stats.misses - stats.shared);
  CHECK(stats.evicted_cold == stats.computed - kMaxSize);
}

// Aims at a cache with one place in many shards: every insertion has to make room elsewhere while
// others do the same.
TEST_CASE("cache threads: one place for all threads and shards is enough to go on") {
  ManualClock clock;
  LruCache<int, int> cache(clock, {.max_size = 1, .shards = 64});
  on_threads([&](Rng& rng) {
    for (int i = 0; i < 2'000; ++i) {
      const int key = static_cast<int>(rng.below(100));
      REQUIRE(**cache.get_or_add(key, [](int k) { return k; }) == key);
      REQUIRE(cache.size() <= 1);
    }
  });
  CHECK(cache.size() == 1);
}

// Aims at expiry, sweeps, invalidations and clears between a look-up and its insertion; the hook
// sees each evicted entry once.
TEST_CASE("cache threads: whatever happens together, every entry that was stored leaves once") {
  ManualClock clock;
  SignalSink sink(clock);
  std::atomic<std::uint64_t> handed_over{0};
  std::atomic<std::uint64_t> wrong{0};
  {
    SlidingCache<int, int> cache(clock, {.sliding_expiration_ns = 50,
                                         .max_size = kMaxSize,
                                         .shards = 8,
                                         .signals = &sink,
                                         .on_evict = [&](int key, int value) {
                                           handed_over.fetch_add(1);
                                           if (key != -value) wrong.fetch_add(1);
                                         }});
    on_threads([&](Rng& rng) {
      for (int i = 0; i < 3'000; ++i) {
        const int key = static_cast<int>(rng.below(200));
        switch (rng.below(20)) {
          case 0:
            cache.invalidate(key);
            break;
          case 1:
            cache.sweep();
            break;
          case 2:
            clock.advance(20);
            break;
          case 3:
            if (rng.below(50) == 0) cache.clear();
            break;
          case 4:
            cache.try_get(key);
            break;
          default:
            REQUIRE(**cache.get_or_add(key, [](int k) { return -k; }) == -key);
        }
        REQUIRE(cache.size() <= kMaxSize);
      }
    });
    const CacheStats stats = cache.stats();
    CHECK(stats.total == cache.size());
    CHECK(stats.evicted_expired + stats.evicted_cold == handed_over.load());
    handed_over.store(0);
    const std::size_t left = cache.size();
    clock.advance(50);
    CHECK(cache.sweep() == left);
    CHECK(handed_over.load() == left);
  }
  CHECK(wrong.load() == 0);
}

}  // namespace
}  // namespace mayfly
