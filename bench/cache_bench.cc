// A cache's hit against a bare sharded hash map: as many shards of a mutex and an unordered_map of
// shared pointers, which knows no order, no expiry, no size and no statistics. Both are asked for
// keys in an order made before. Reading the time is a part of a hit, and with SystemClock half of
// it; CoarseClock is what a cache is recommended, ManualClock shows the cache alone.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <latch>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <type_traits>
#include <unordered_map>
#include <vector>

#include "bench/allocation_count.h"
#include "mayfly/base/clock.h"
#include "mayfly/base/rng.h"
#include "mayfly/cache/coarse_clock.h"
#include "mayfly/cache/lru_cache.h"
#include "mayfly/signal/signal_sink.h"

namespace mayfly::bench {
namespace {

constexpr std::size_t kKeys = 1'000;
constexpr std::size_t kShards = 16;
constexpr std::size_t kAsked = 1 << 14;  // keys in the order of asking; a power of two

template <class K>
K key_of(std::uint64_t number) {
  if constexpr (std::is_same_v<K, std::string>) {
    return "customer:" + std::to_string(1'000'000 + number);
  } else {
    return number;
  }
}

// Keys in the order of asking, copied, as a caller has them.
template <class K>
std::vector<K> asked_keys(std::size_t keys, int thread) {
  Rng rng(static_cast<std::uint64_t>(thread) + 1);
  std::vector<K> asked;
  for (std::size_t i = 0; i < kAsked; ++i) asked.push_back(key_of<K>(rng.below(keys)));
  return asked;
}

template <class K>
class ShardedMap {
 public:
  using Value = std::shared_ptr<const std::string>;

  void add(const K& key, Value value) { shard_of(key).map[key] = std::move(value); }
  Value find(const K& key) {
    Shard& shard = shard_of(key);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.map.find(key);
    return found == shard.map.end() ? nullptr : found->second;
  }

 private:
  struct alignas(64) Shard {
    std::mutex mutex;
    std::unordered_map<K, Value> map;
  };
  Shard& shard_of(const K& key) {
    return shards_[(std::hash<K>()(key) * 0x9E3779B97F4A7C15u) >> 60];
  }
  static_assert(kShards == std::size_t{1} << (64 - 60));

  Shard shards_[kShards];
};

template <class K>
LruCache<K, std::string> lru_cache(const Clock& clock, std::size_t keys, SignalSink* sink,
                                   std::uint32_t sample_rate = 1) {
  return LruCache<K, std::string>(
      clock,
      {.max_size = 2 * keys, .sample_rate = sample_rate, .shards = kShards, .signals = sink});
}

// What the threads of a run share; the first to come makes it, the last to go takes it away.
template <class Shared>
class Together {
 public:
  template <class Make>
  Shared& enter(Make make) {
    const std::lock_guard lock(mutex_);
    if (users_++ == 0) shared_ = make();
    return *shared_;
  }
  void leave() {
    const std::lock_guard lock(mutex_);
    if (--users_ == 0) shared_.reset();
  }

 private:
  std::mutex mutex_;
  int users_ = 0;
  std::unique_ptr<Shared> shared_;
};

// A thread that does nothing: without another one glibc and libstdc++ leave out the atomic
// operations of mutexes and shared pointers, which no program with an engine in it can.
void be_concurrent() {
  static std::latch stop(1);
  static const std::jthread idle([] { stop.wait(); });
  static const struct Stopper {
    ~Stopper() { stop.count_down(); }
  } stopper;
}

template <class K, class Get>
void measure(benchmark::State& state, std::size_t keys, Get get) {
  be_concurrent();
  const std::vector<K> asked = asked_keys<K>(keys, state.thread_index());
  std::size_t next = 0;
  for (const K& key : asked) benchmark::DoNotOptimize(get(key));  // warm, and the sink's shard
  const AllocationReport allocations;
  for (auto _ : state) benchmark::DoNotOptimize(get(asked[next++ & (kAsked - 1)]));
  state.SetItemsProcessed(state.iterations());
  if (state.thread_index() == 0) {
    allocations.report(state, static_cast<double>(state.iterations() * state.threads()));
  }
}

template <class K>
void BM_ShardedMap(benchmark::State& state) {
  static Together<ShardedMap<K>> together;
  const auto keys = static_cast<std::size_t>(state.range(0));
  ShardedMap<K>& map = together.enter([&] {
    auto made = std::make_unique<ShardedMap<K>>();
    for (std::size_t i = 0; i < keys; ++i) {
      made->add(key_of<K>(i), std::make_shared<const std::string>(100, 'v'));
    }
    return made;
  });
  measure<K>(state, keys, [&](const K& key) { return map.find(key); });
  together.leave();
}

// A cache with its clock and, if it is to have one, its sink.
template <class K, class CacheClock>
struct Cached {
  explicit Cached(std::size_t keys, bool signals, std::uint32_t sample_rate)
      : sink(clock), cache(lru_cache<K>(clock, keys, signals ? &sink : nullptr, sample_rate)) {}
  CacheClock clock;
  SignalSink sink;
  LruCache<K, std::string> cache;
};

// sample_rate 0: no sink.
template <class K, class CacheClock, std::uint32_t sample_rate>
void BM_LruCache(benchmark::State& state) {
  using Shared = Cached<K, CacheClock>;
  static Together<Shared> together;
  const auto keys = static_cast<std::size_t>(state.range(0));
  const auto factory = [](const K&) { return std::string(100, 'v'); };
  Shared& shared = together.enter([&] {
    auto made = std::make_unique<Shared>(keys, sample_rate > 0, sample_rate > 0 ? sample_rate : 1);
    for (std::size_t i = 0; i < keys; ++i) {
      if (!made->cache.get_or_add(key_of<K>(i), factory).ok()) state.SkipWithError("no value");
    }
    return made;
  });
  measure<K>(state, keys, [&](const K& key) { return shared.cache.get_or_add(key, factory); });
  together.leave();
}

void threads_and_keys(benchmark::internal::Benchmark* bench) {
  bench->ArgName("keys")->Arg(kKeys)->Arg(100 * kKeys)->Threads(1)->Threads(2)->UseRealTime();
}

using Number = std::uint64_t;
using Text = std::string;
BENCHMARK_TEMPLATE(BM_ShardedMap, Number)->Apply(threads_and_keys);
BENCHMARK_TEMPLATE(BM_LruCache, Number, CoarseClock, 0)->Apply(threads_and_keys);
BENCHMARK_TEMPLATE(BM_LruCache, Number, SystemClock, 0)->Apply(threads_and_keys);
BENCHMARK_TEMPLATE(BM_LruCache, Number, ManualClock, 0)->Apply(threads_and_keys);
BENCHMARK_TEMPLATE(BM_LruCache, Number, CoarseClock, 1)->Apply(threads_and_keys);
BENCHMARK_TEMPLATE(BM_LruCache, Number, CoarseClock, 100)->Apply(threads_and_keys);
BENCHMARK_TEMPLATE(BM_ShardedMap, Text)->Apply(threads_and_keys);
BENCHMARK_TEMPLATE(BM_LruCache, Text, CoarseClock, 0)->Apply(threads_and_keys);
BENCHMARK_TEMPLATE(BM_LruCache, Text, SystemClock, 0)->Apply(threads_and_keys);
BENCHMARK_TEMPLATE(BM_LruCache, Text, CoarseClock, 1)->Apply(threads_and_keys);

}  // namespace
}  // namespace mayfly::bench
