#include "mayfly/cache/sliding_cache.h"

#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "mayfly/signal/signal_sink.h"

namespace mayfly {
namespace {

constexpr std::int64_t kMs = kMillisecond;

using TextCache = SlidingCache<std::string, std::string>;
using Options = SlidingCacheOptions<std::string, std::string>;
using Pairs = std::vector<std::pair<std::string, std::string>>;

std::string loud(const std::string& key) { return key + "!"; }

void add(TextCache& cache, const std::string& key) { CHECK(cache.get_or_add(key, loud).ok()); }

// C132
TEST_CASE("sliding cache: an access begins the sliding time anew") {
  ManualClock clock;
  int computed = 0;
  TextCache cache(clock,
                  {.sliding_expiration_ns = 300 * kMs, .factory = [&](const std::string& key) {
                     ++computed;
                     return loud(key);
                   }});
  for (int read = 0; read < 3; ++read) {
    CHECK(**cache.get_or_compute("a") == "a!");
    clock.advance(100 * kMs);
  }
  CHECK(computed == 1);
  clock.advance(200 * kMs);
  CHECK(cache.get_or_compute("a").ok());
  CHECK(computed == 2);
}

// C133
TEST_CASE("sliding cache: no access prolongs the absolute time") {
  ManualClock clock;
  int computed = 0;
  const auto factory = [&](const std::string& key) {
    ++computed;
    return key;
  };
  TextCache cache(clock,
                  {.sliding_expiration_ns = 10 * kSecond, .absolute_expiration_ns = 150 * kMs});
  CHECK(cache.get_or_add("a", factory).ok());
  clock.advance(149 * kMs);
  CHECK(cache.try_get("a") != nullptr);
  clock.advance(71 * kMs);
  CHECK(cache.get_or_add("a", factory).ok());
  CHECK(computed == 2);
}

// C134
TEST_CASE("sliding cache: expired entries leave when there is no room") {
  ManualClock clock;
  TextCache cache(clock, {.sliding_expiration_ns = 60 * kMs, .max_size = 1});
  add(cache, "old");
  clock.advance(60 * kMs);
  add(cache, "new");
  CHECK(cache.try_get("old") == nullptr);
  const CacheStats stats = cache.stats();
  CHECK(stats.total == 1);
  CHECK(stats.valid == 1);
  CHECK(stats.expired == 0);
}

// C136
TEST_CASE("sliding cache: the hook gets key and value of a cold entry; the scored one survives") {
  ManualClock clock;
  Pairs evicted;
  TextCache cache(
      clock, {.max_size = 2,
              .on_evict = [&](const std::string& key,
                              const std::string& value) { evicted.emplace_back(key, value); },
              .retention_score = [](const std::string& key,
                                    const std::string&) { return key == "kept" ? 100.0 : 0.0; }});
  add(cache, "kept");
  add(cache, "cold");
  add(cache, "new");
  CHECK(evicted == Pairs{{"cold", "cold!"}});
  CHECK(cache.try_get("kept") != nullptr);
}

TEST_CASE("sliding cache: a score beats frequent use, but doesn't keep an entry for ever") {
  ManualClock clock;
  TextCache cache(clock, {.max_size = 2, .retention_score = [](const std::string& key, auto&) {
                            return key == "scored" ? 3.5 : 0.0;
                          }});
  add(cache, "scored");
  for (int use = 0; use < 10; ++use) add(cache, "frequent");
  add(cache, "new");
  CHECK(cache.entry_info("scored").has_value());
  CHECK_FALSE(cache.entry_info("frequent").has_value());
  for (int i = 0; i < 10; ++i) add(cache, std::to_string(i));
  CHECK_FALSE(cache.entry_info("scored").has_value());
}

// C136
TEST_CASE(
    "sliding cache: destruction hands every entry to the hook, and one throw stops no other") {
  ManualClock clock;
  std::vector<std::string> evicted;
  {
    TextCache cache(clock,
                    {.max_size = 10, .on_evict = [&](const std::string& key, const std::string&) {
                       evicted.push_back(key);
                       if (key == "a") throw std::runtime_error("hook");
                     }});
    for (const char* key : {"a", "b", "c"}) add(cache, key);
  }
  CHECK(evicted == std::vector<std::string>{"a", "b", "c"});
}

// C136
TEST_CASE("sliding cache: a hook that throws is isolated, counted and told") {
  ManualClock clock;
  SignalSink sink(clock);
  TextCache cache(
      clock,
      {.max_size = 1, .signals = &sink, .on_evict = [](const std::string&, const std::string&) {
         throw std::runtime_error("hook");
       }});
  add(cache, "a");
  CHECK(**cache.get_or_add("b", loud) == "b!");
  CHECK(cache.stats().callback_errors == 1);
  CHECK(sink.detect("cache.evict.callback.error:a:std::runtime_error"));
}

TEST_CASE("sliding cache: a sweep hands what has expired to the hook, and nothing else") {
  ManualClock clock;
  std::vector<std::string> evicted;
  TextCache cache(clock, {.sliding_expiration_ns = 100,
                          .max_size = 10'000,
                          .on_evict = [&](const std::string& key, const std::string&) {
                            evicted.push_back(key);
                          }});
  for (int i = 0; i < 5'000; ++i) add(cache, std::to_string(i));
  clock.advance(99);
  CHECK(cache.try_get("7") != nullptr);
  CHECK(cache.sweep() == 0);
  clock.advance(1);
  CHECK(cache.sweep() == 4'999);
  CHECK(evicted.size() == 4'999);
  CHECK(cache.size() == 1);
  CHECK(cache.try_get("7") != nullptr);
}

TEST_CASE("sliding cache: the hook isn't for what is invalidated or cleared") {
  ManualClock clock;
  int evicted = 0;
  TextCache cache(clock, {.on_evict = [&](const std::string&, const std::string&) { ++evicted; }});
  add(cache, "a");
  add(cache, "b");
  CHECK(cache.invalidate("a"));
  CHECK(cache.clear() == 1);
  CHECK(evicted == 0);
}

// A lock held while a hook runs would make this hang.
TEST_CASE("sliding cache: hook, scorer and factory may call the cache") {
  ManualClock clock;
  TextCache* inside = nullptr;
  std::vector<std::string> seen;
  const auto look = [&] { seen.push_back(inside->try_get("a") ? "a" : "none"); };
  TextCache cache(clock, {.max_size = 2,
                          .on_evict = [&](const std::string&, const std::string&) { look(); },
                          .retention_score =
                              [&](const std::string&, const std::string&) {
                                look();
                                return 0.0;
                              }});
  inside = &cache;
  const auto nested = [&](const std::string& key) {
    CHECK(cache.get_or_add("inner of " + key, loud).ok());
    return key;
  };
  CHECK(cache.get_or_add("a", nested).ok());
  CHECK(cache.get_or_add("b", loud).ok());
  CHECK(seen == std::vector<std::string>{"none", "none", "a", "a"});
  cache.clear();
}

TEST_CASE("sliding cache: a scorer that throws, or gives no number, scores nothing") {
  ManualClock clock;
  TextCache cache(clock, {.max_size = 2, .retention_score = [](const std::string& key, auto&) {
                            if (key == "a") throw 1;
                            return key == "b" ? std::nan("") : -1.0;
                          }});
  for (const char* key : {"a", "b", "c"}) add(cache, key);
  CHECK(cache.stats().callback_errors == 1);
  CHECK(cache.try_get("a") == nullptr);
  add(cache, "d");
  CHECK(cache.try_get("b") == nullptr);
}

TEST_CASE("sliding cache: signals tell what happened, by the names of the original") {
  ManualClock clock;
  SignalSink sink(clock);
  TextCache cache(clock, {.sliding_expiration_ns = 100, .max_size = 1, .signals = &sink});
  add(cache, "a");
  add(cache, "a");
  CHECK(cache.try_get("a") != nullptr);
  add(cache, "b");
  clock.advance(100);
  CHECK(cache.sweep() == 1);
  const auto fails = [](const std::string&) -> Result<std::string> {
    return Status(Code::kIo, "disk");
  };
  CHECK_FALSE(cache.get_or_add("c", fails).ok());
  const auto throws = [](const std::string&) -> std::string { throw std::runtime_error("x"); };
  CHECK_FALSE(cache.get_or_add("c", throws).ok());
  add(cache, "d");
  CHECK(cache.invalidate("d"));
  cache.clear();
  std::vector<std::string> names;
  for (const Signal& signal : cache.get_signals()) names.push_back(signal.name);
  CHECK(names ==
        std::vector<std::string>{"cache.miss:a",          "cache.compute.start:a",
                                 "cache.compute.done:a",  "cache.hit:a",
                                 "cache.peek:a",          "cache.miss:b",
                                 "cache.compute.start:b", "cache.compute.done:b",
                                 "cache.evict.cold:a",    "cache.evict.expired:b",
                                 "cache.miss:c",          "cache.compute.start:c",
                                 "cache.error:c:kIo",     "cache.miss:c",
                                 "cache.compute.start:c", "cache.error:c:std::runtime_error",
                                 "cache.miss:d",          "cache.compute.start:d",
                                 "cache.compute.done:d",  "cache.invalidate:d",
                                 "cache.clear:0"});
}

TEST_CASE("sliding cache: creation counts as the first of an entry's accesses") {
  ManualClock clock;
  TextCache cache(clock);
  add(cache, "a");
  add(cache, "a");
  CHECK(cache.try_get("a") != nullptr);
  CHECK(cache.entry_info("a")->accesses == 3);
  CHECK_FALSE(cache.entry_info("unknown").has_value());
  CHECK(cache.stats().hot == 0);
  add(cache, "a");
  add(cache, "a");
  CHECK(cache.stats().hot == 1);
}

TEST_CASE("sliding cache: without a factory of its own only given ones can be used") {
  ManualClock clock;
  TextCache cache(clock);
  CHECK(cache.get_or_compute("a").status().code() == Code::kUsage);
  CHECK(cache.get_or_compute("a").status().message() ==
        "SlidingCache.get_or_add: expected a factory, found a null one");
}

TEST_CASE("sliding cache: limits that aren't positive are refused at construction") {
  ManualClock clock;
  const auto refused = [&](Options options, const char* message) {
    CHECK_THROWS_WITH_AS(TextCache(clock, options), message, std::invalid_argument);
  };
  refused({.sliding_expiration_ns = 0},
          "SlidingCache: sliding_expiration_ns expected at least 1, found 0");
  refused({.absolute_expiration_ns = -1},
          "SlidingCache: absolute_expiration_ns expected at least 1, found -1");
  refused({.max_size = 0}, "SlidingCache: max_size expected 1 to 2147483648, found 0");
  refused({.sample_rate = 0}, "SlidingCache: sample_rate expected at least 1, found 0");
  refused({.shards = 1'000}, "SlidingCache: shards expected 1 to 256, found 1000");
}

}  // namespace
}  // namespace mayfly
