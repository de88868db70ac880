// What is hit allocates nothing.
#include <doctest/doctest.h>

#include <string>

#include "mayfly/cache/lru_cache.h"
#include "mayfly/signal/signal_sink.h"
#include "tests/support/allocation_count.h"

namespace mayfly {
namespace {

template <class K>
std::size_t allocations_of_hits(SignalSink* sink, const Clock& clock, const K& key) {
  LruCache<K, std::string> cache(clock, {.hot_access_threshold = 3, .signals = sink});
  const auto factory = [](const K&) { return std::string(200, 'v'); };
  // Warm: the thread's shard of the sink, its stems.
  for (int i = 0; i < 10; ++i) CHECK(cache.get_or_add(key, factory).ok());
  const std::size_t before = testing::allocation_count();
  for (int i = 0; i < 1'000; ++i) {
    const auto value = cache.get_or_add(key, factory);
    if (!value.ok() || cache.try_get(key) == nullptr) return SIZE_MAX;
  }
  return testing::allocation_count() - before;
}

TEST_CASE("cache: a hit allocates nothing, with signals or without") {
  ManualClock clock;
  SignalSink sink(clock);
  CHECK(allocations_of_hits<int>(nullptr, clock, 7) == 0);
  CHECK(allocations_of_hits<int>(&sink, clock, 7) == 0);
  const std::string key(39, 'k');
  CHECK(allocations_of_hits<std::string>(nullptr, clock, key) == 0);
  CHECK(allocations_of_hits<std::string>(&sink, clock, key) == 0);
}

}  // namespace
}  // namespace mayfly
