#include "mayfly/cache/lru_cache.h"

#include <doctest/doctest.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "mayfly/signal/signal_sink.h"

namespace mayfly {
namespace {

constexpr std::int64_t kMs = kMillisecond;

using TextCache = LruCache<std::string, std::string>;
using NumberCache = LruCache<int, int>;

// A factory that counts how often it runs.
struct Counted {
  int runs = 0;
  int operator()(int key) {
    ++runs;
    return key * 10;
  }
};

std::vector<std::string> names(const std::vector<Signal>& signals) {
  std::vector<std::string> names;
  for (const Signal& signal : signals) names.push_back(signal.name);
  return names;
}

void add(NumberCache& cache, int key) {
  CHECK(cache.get_or_add(key, [](int k) { return k; }).ok());
}

// Text of any type hashes alike.
struct TextHash {
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>()(text);
  }
};

TEST_CASE("lru cache: what is found by a part of a text is a hit, and what isn't is no miss") {
  ManualClock clock;
  SignalSink sink(clock);
  LruCache<std::string, int, TextHash, std::equal_to<>> cache(
      clock, {.default_ttl_ns = 80 * kMs, .hot_access_threshold = 3, .signals = &sink});
  const std::string_view line = "user:12,user:34";
  CHECK(cache.find(line.substr(0, 7)) == nullptr);
  CHECK(cache.stats().misses == 0);
  CHECK(sink.sense("cache.*").empty());

  CHECK(cache.get_or_add("user:12", [](const std::string&) { return 7; }).ok());
  clock.advance(60 * kMs);
  const auto found = cache.find(line.substr(0, 7));
  REQUIRE(found != nullptr);
  CHECK(*found == 7);
  CHECK(cache.stats().hits == 1);
  CHECK(names(sink.sense("cache.hit:*")) == std::vector<std::string>{"cache.hit:user:12"});

  // Its time began anew, and the third access makes it hot.
  clock.advance(60 * kMs);
  CHECK(cache.find(std::string("user:12")) != nullptr);
  CHECK(cache.stats().hot == 1);
  CHECK(names(sink.sense("cache.hot:*")) == std::vector<std::string>{"cache.hot:user:12"});
  CHECK(cache.find(line.substr(8)) == nullptr);
}

// C113
TEST_CASE("lru cache: each hit begins the entry's time anew") {
  ManualClock clock;
  NumberCache cache(clock, {.default_ttl_ns = 80 * kMs});
  Counted factory;
  for (int read = 0; read < 3; ++read) {
    CHECK(**cache.get_or_add(1, factory) == 10);
    clock.advance(60 * kMs);
  }
  CHECK(factory.runs == 1);
  clock.advance(20 * kMs);
  CHECK(**cache.get_or_add(1, factory) == 10);
  CHECK(factory.runs == 2);
}

// C114
TEST_CASE("lru cache: a hot key lives for the extension") {
  ManualClock clock;
  NumberCache cache(
      clock,
      {.default_ttl_ns = 50 * kMs, .hot_key_extension_ns = 400 * kMs, .hot_access_threshold = 2});
  Counted factory;
  CHECK(cache.get_or_add(1, factory).ok());
  CHECK(cache.get_or_add(1, factory).ok());
  clock.advance(200 * kMs);
  CHECK(cache.get_or_add(1, factory).ok());
  CHECK(factory.runs == 1);
  CHECK(cache.stats().hot == 1);
}

// C115
TEST_CASE("lru cache: an expired entry that nobody removed is made anew, never served") {
  ManualClock clock;
  NumberCache cache(clock, {.default_ttl_ns = 50 * kMs});
  int value = 1;
  const auto factory = [&](int) { return value; };
  CHECK(**cache.get_or_add(1, factory) == 1);
  value = 2;
  clock.advance(50 * kMs);
  CHECK(cache.stats().expired == 1);
  CHECK(**cache.get_or_add(1, factory) == 2);
  clock.advance(50 * kMs);
  CHECK(cache.try_get(1) == nullptr);
  CHECK(cache.stats().total == 0);
  CHECK(cache.stats().evicted_expired == 2);
}

TEST_CASE("lru cache: a call's own ttl holds for the entry it adds") {
  ManualClock clock;
  NumberCache cache(clock);
  Counted factory;
  CHECK(cache.get_or_add(1, factory, {.ttl_ns = 10}).ok());
  CHECK(cache.get_or_add(2, factory).ok());
  clock.advance(10);
  CHECK(cache.try_get(1) == nullptr);
  CHECK(*cache.try_get(2) == 20);
}

TEST_CASE("lru cache: it never holds more than its size, and the least recently used leaves") {
  ManualClock clock;
  NumberCache cache(clock, {.max_size = 3});
  for (const int key : {1, 2, 3}) add(cache, key);
  CHECK(cache.try_get(1) != nullptr);
  add(cache, 4);
  CHECK(cache.size() == 3);
  CHECK(cache.try_get(2) == nullptr);
  for (const int key : {1, 3, 4}) CHECK(cache.try_get(key) != nullptr);
  CHECK(cache.stats().evicted_cold == 1);
}

TEST_CASE("lru cache: no key leaves while there is room, however hashes fall; then one for one") {
  ManualClock clock;
  LruCache<int, int> cache(clock, {.max_size = 1'000, .shards = 16});
  for (int key = 0; key < 1'000; ++key) add(cache, key);
  CHECK(cache.size() == 1'000);
  CHECK(cache.stats().evicted_cold == 0);
  for (int key = 1'000; key < 5'000; ++key) {
    add(cache, key);
    REQUIRE(cache.size() == 1'000);
  }
  CHECK(cache.stats().evicted_cold == 4'000);
}

TEST_CASE("lru cache: when a new key's shard is empty, another shard makes room") {
  ManualClock clock;
  LruCache<int, int> cache(clock, {.max_size = 1, .shards = 256});
  for (int key = 0; key < 300; ++key) {
    CHECK(cache.get_or_add(key, [](int k) { return k; }).ok());
    REQUIRE(cache.size() == 1);
    REQUIRE(cache.try_get(key) != nullptr);
  }
}

TEST_CASE("lru cache: a key that was hot once outlives a scan, and leaves in the end") {
  ManualClock clock;
  NumberCache cache(clock, {.hot_access_threshold = 3, .max_size = 10});
  for (int access = 0; access < 100; ++access) add(cache, 0);
  for (int key = 1; key <= 15; ++key) add(cache, key);
  CHECK(cache.entry_info(0).has_value());
  for (int key = 16; key <= 40; ++key) add(cache, key);
  CHECK_FALSE(cache.entry_info(0).has_value());
}

TEST_CASE("lru cache: signals are named as the seed names them, hot when a key becomes it") {
  ManualClock clock;
  SignalSink sink(clock);
  TextCache cache(
      clock,
      {.default_ttl_ns = 50 * kMs, .hot_access_threshold = 2, .max_size = 1, .signals = &sink});
  const auto factory = [](const std::string& key) { return key; };
  CHECK(cache.get_or_add("users:count", factory).ok());
  CHECK(cache.get_or_add("users:count", factory).ok());
  CHECK(cache.try_get("users:count") != nullptr);
  CHECK(names(cache.get_signals()) ==
        std::vector<std::string>{"cache.miss:users:count", "cache.set:users:count",
                                 "cache.hit:users:count", "cache.hot:users:count",
                                 "cache.hit:users:count"});
  CHECK(cache.get_or_add("b", factory).ok());
  CHECK(sink.detect("cache.evict:users:count"));
  CHECK(cache.invalidate("b"));
  CHECK(sink.detect("cache.invalidate:b"));
  CHECK(cache.clear() == 0);
  CHECK(sink.detect("cache.clear:0"));
  CHECK(cache.get_or_add("c", factory, {.ttl_ns = 1}).ok());
  clock.advance(1);
  CHECK(cache.sweep() == 1);
  CHECK(sink.detect("cache.evict:c"));
}

TEST_CASE("lru cache: a key stands whole in its signals, whatever its length") {
  ManualClock clock;
  SignalSink sink(clock);
  TextCache cache(clock, {.signals = &sink});
  const std::string key(5'000, 'k');
  CHECK(cache.get_or_add(key, [](const std::string&) { return "v"; }).ok());
  CHECK(sink.detect("cache.miss:" + key));
}

TEST_CASE("lru cache: one of every sample_rate hits is told, but every eviction and invalidation") {
  ManualClock clock;
  SignalSink sink(clock);
  NumberCache cache(clock, {.max_size = 1, .sample_rate = 10, .signals = &sink});
  add(cache, -7);
  for (int hit = 0; hit < 20; ++hit) CHECK(cache.try_get(-7) != nullptr);
  CHECK(sink.count("cache.hit:-7") == 2);
  CHECK(sink.count("cache.miss:*") == 1);
  for (int key = 1; key <= 9; ++key) add(cache, key);
  CHECK(sink.count("cache.miss:*") == 1);
  CHECK(sink.count("cache.evict:*") == 9);
  CHECK(cache.invalidate(9));
  CHECK_FALSE(cache.invalidate(9));
  CHECK(sink.count("cache.invalidate:*") == 1);
}

TEST_CASE("lru cache: a sink that can't take another stem still gets every name") {
  ManualClock clock;
  SignalSink sink(clock, {.stems_max = 0});
  NumberCache cache(clock, {.signals = &sink});
  add(cache, 1);
  CHECK(sink.detect("cache.miss:1"));
}

struct Point {
  int x = 0;
  int y = 0;
  friend bool operator==(const Point&, const Point&) = default;
};
struct PointHash {
  std::size_t operator()(const Point& point) const {
    return static_cast<std::size_t>(point.x * 31 + point.y);
  }
};

TEST_CASE(
    "lru cache: keys of any type, with a formatter for signals; values that can't be copied") {
  ManualClock clock;
  SignalSink sink(clock);
  using PointCache = LruCache<Point, std::unique_ptr<int>, PointHash>;
  CHECK_THROWS_WITH_AS(PointCache(clock, {.signals = &sink}),
                       "LruCache: key_text expected a formatter, since signals name keys that are "
                       "neither text nor integers, found none",
                       std::invalid_argument);
  PointCache cache(clock, {.signals = &sink, .key_text = [](const Point& point) {
                             return std::to_string(point.x) + "/" + std::to_string(point.y);
                           }});
  const auto value =
      cache.get_or_add({1, 2}, [](const Point& p) { return std::make_unique<int>(p.x + p.y); });
  CHECK(***value == 3);
  CHECK(sink.detect("cache.miss:1/2"));
}

TEST_CASE("lru cache: a formatter that throws is counted, and no call fails for it") {
  ManualClock clock;
  SignalSink sink(clock);
  NumberCache cache(clock, {.signals = &sink, .key_text = [](const int&) -> std::string {
                              throw std::runtime_error("no text");
                            }});
  CHECK(**cache.get_or_add(1, [](int) { return 4; }) == 4);
  CHECK(cache.stats().callback_errors == 2);  // miss and set
  CHECK(sink.count() == 0);
}

TEST_CASE("lru cache: a failed Result is the caller's, and nothing is kept") {
  ManualClock clock;
  NumberCache cache(clock);
  const auto fails = [](int) -> Result<int> { return Status(Code::kIo, "disk failed"); };
  const auto result = cache.get_or_add(1, fails);
  CHECK(result.status().code() == Code::kIo);
  CHECK(result.status().message() == "disk failed");
  CHECK(cache.size() == 0);
  CHECK(**cache.get_or_add(1, [](int) -> Result<int> { return 5; }) == 5);
}

TEST_CASE(
    "lru cache: an exception of the factory is the caller's as a Status, and nothing is kept") {
  ManualClock clock;
  NumberCache cache(clock);
  const auto throws = [](int) -> int { throw std::runtime_error("boom"); };
  const auto result = cache.get_or_add(1, throws);
  CHECK(result.status().code() == Code::kInternal);
  CHECK(result.status().message() == "a cache's factory threw std::runtime_error: boom");
  const auto throws_a_number = [](int) -> int { throw 7; };
  CHECK(cache.get_or_add(1, throws_a_number).status().message() == "a cache's factory threw int");
  CHECK(cache.size() == 0);
}

TEST_CASE("lru cache: a factory may hand over a shared value, but not a null one") {
  ManualClock clock;
  NumberCache cache(clock);
  const auto shared = std::make_shared<const int>(3);
  CHECK(cache.get_or_add(1, [&](int) { return shared; }).value() == shared);
  const auto null = cache.get_or_add(2, [](int) { return std::shared_ptr<int>(); });
  CHECK(null.status().code() == Code::kUsage);
  CHECK(cache.size() == 1);
}

TEST_CASE("lru cache: null factories and ttls that aren't positive are refused") {
  ManualClock clock;
  NumberCache cache(clock);
  const std::function<int(int)> empty;
  CHECK(cache.get_or_add(1, empty).status().code() == Code::kUsage);
  int (*const null)(int) = nullptr;
  CHECK(cache.get_or_add(1, null).status().message() ==
        "LruCache.get_or_add: expected a factory, found a null one");
  for (const std::int64_t ttl_ns : {0, -1}) {
    const auto refused = cache.get_or_add(1, [](int) { return 1; }, {.ttl_ns = ttl_ns});
    CHECK(refused.status().code() == Code::kUsage);
  }
  CHECK(cache.stats().misses == 0);
}

TEST_CASE("lru cache: limits that aren't positive are refused at construction") {
  ManualClock clock;
  const auto refused = [&](LruCacheOptions<int> options, const char* message) {
    CHECK_THROWS_WITH_AS(NumberCache(clock, options), message, std::invalid_argument);
  };
  refused({.default_ttl_ns = 0}, "LruCache: default_ttl_ns expected at least 1, found 0");
  refused({.hot_key_extension_ns = -5},
          "LruCache: hot_key_extension_ns expected at least 1, found -5");
  refused({.hot_access_threshold = 0},
          "LruCache: hot_access_threshold expected at least 1, found 0");
  refused({.max_size = 0}, "LruCache: max_size expected 1 to 2147483648, found 0");
  refused({.sample_rate = 0}, "LruCache: sample_rate expected at least 1, found 0");
  refused({.shards = 257}, "LruCache: shards expected 1 to 256, found 257");
}

TEST_CASE("lru cache: defaults are the seed's") {
  const LruCacheOptions<int> options;
  CHECK(options.default_ttl_ns == 5 * 60 * kSecond);
  CHECK(options.hot_key_extension_ns == 30 * 60 * kSecond);
  CHECK(options.hot_access_threshold == 5);
  CHECK(options.max_size == 1'000);
  CHECK(options.sample_rate == 1);
}

TEST_CASE("lru cache: stats count hits, misses and factories; a look at an entry is no access") {
  ManualClock clock;
  NumberCache cache(clock, {.max_size = 77});
  add(cache, 1);
  add(cache, 1);
  CHECK(cache.try_get(1) != nullptr);
  CHECK(cache.try_get(2) == nullptr);
  CHECK(cache.entry_info(1)->accesses == 3);
  CHECK(cache.entry_info(1)->accesses == 3);
  CHECK_FALSE(cache.entry_info(2).has_value());
  const CacheStats stats = cache.stats();
  CHECK(stats.total == 1);
  CHECK(stats.valid == 1);
  CHECK(stats.max_size == 77);
  CHECK(stats.hits == 2);
  CHECK(stats.misses == 2);
  CHECK(stats.computed == 1);
}

TEST_CASE("lru cache: what a reader holds stays when its entry leaves; clear tells how many left") {
  ManualClock clock;
  SignalSink sink(clock);
  NumberCache cache(clock, {.signals = &sink});
  add(cache, 1);
  add(cache, 2);
  const auto held = cache.try_get(1);
  CHECK(cache.clear() == 2);
  CHECK(cache.size() == 0);
  CHECK(*held == 1);
  CHECK(sink.detect("cache.clear:2"));
}

TEST_CASE("lru cache: new entries take expired ones with them, so that memory follows use") {
  ManualClock clock;
  NumberCache cache(clock, {.max_size = 100});
  for (int key = 0; key < 50; ++key) add(cache, key);
  clock.advance(300 * kSecond);
  for (int key = 100; key < 125; ++key) add(cache, key);
  const CacheStats stats = cache.stats();
  CHECK(stats.expired == 0);
  CHECK(stats.total == 25);
}

}  // namespace
}  // namespace mayfly
