// SlidingCache: a read-through cache with sliding and absolute expiry.
//
//   SlidingCache<std::string, Page> pages(clock, {.absolute_expiration_ns = 3'600 * kSecond,
//                                                 .on_evict = [](const auto& url, const Page&)
//                                                 {...}});
//   auto page = pages.get_or_add(url, fetch);
//
// An entry lives sliding_expiration_ns after its last access, and in any case no longer than
// absolute_expiration_ns after it was made. With max_size entries the least recently used one
// leaves for a new one; one that is hot (kHotAccesses) is passed over once for each access, one
// with a retention_score as often as its score says, up to 8 times, so all leave in the end. Of
// threads that miss a key together one runs its factory, all get its value.
//
// VALUES, FACTORY, SIZE, ORDER, OWNERSHIP, THREADS, ERRORS, UNITS   As in lru_cache.h.
// HOOK       on_evict gets key and value of what has expired, has left for a new entry, or is left
//            when the cache is destroyed; not of what is invalidated or cleared. Without a lock:
//            it may call the cache (but in the destructor). What it throws is counted.
// SIGNALS    One of every sample_rate of each kind, counted by shard: cache.hit:key,
//            cache.peek:key (try_get found it), cache.miss:key. Always: cache.hit.dedup:key (a
//            caller got what another's factory made), cache.compute.start:key,
//            cache.compute.done:key, cache.error:key:type (a factory failed),
//            cache.invalidate:key, cache.clear:n, cache.evict.expired:key, cache.evict.cold:key,
//            cache.evict.callback.error:key:type.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "mayfly/base/clock.h"
#include "mayfly/base/status.h"
#include "mayfly/cache/cache_core.h"
#include "mayfly/cache/keyed_cache.h"

namespace mayfly {

// The limits of a cache, and who is told of evictions.
template <class K, class V>
struct SlidingCacheOptions {
  std::int64_t sliding_expiration_ns = 300 * kSecond;     // since the last access
  std::int64_t absolute_expiration_ns = 3'600 * kSecond;  // since it was made; kNever: none
  std::size_t max_size = 1'000;                           // entries
  std::uint32_t sample_rate = 1;                          // of hit, peek and miss signals
  std::size_t shards = 0;                                 // 0: by max_size; rounded up to 2^n
  SignalSink* signals = nullptr;                          // null: no signals
  KeyText<K> key_text;  // a key's form in signals; needed unless keys are text or integers
  std::function<Result<V>(const K&)> factory;                 // what get_or_compute calls
  std::function<void(const K&, const V&)> on_evict;           // gets what leaves
  std::function<double(const K&, const V&)> retention_score;  // of a new entry; 0: like any other
};

template <class K, class V, class Hash = std::hash<K>, class Equal = std::equal_to<K>>
class SlidingCache : public KeyedCache<K, V, Hash, Equal> {
 public:
  using typename KeyedCache<K, V, Hash, Equal>::Value;
  using Options = SlidingCacheOptions<K, V>;
  // Accesses that make an entry hot; being added is the first.
  static constexpr std::uint32_t kHotAccesses = 5;

  explicit SlidingCache(const Clock& clock, Options options = {})
      : KeyedCache<K, V, Hash, Equal>(clock, checked(options)),
        factory_(std::move(options.factory)) {}

  // get_or_add with the factory of the options, which may not be null then.
  Result<Value> get_or_compute(const K& key, const CacheGetOptions& get = {}) {
    return this->core_.get_or_add(key, factory_, get);
  }

 private:
  static CacheCoreOptions<K, V> checked(const Options& options) {
    constexpr std::string_view kName = "SlidingCache";
    require_positive(kName, "sliding_expiration_ns", options.sliding_expiration_ns);
    require_positive(kName, "absolute_expiration_ns", options.absolute_expiration_ns);
    require_positive(kName, "sample_rate", options.sample_rate);
    require_size(kName, "max_size", options.max_size, CacheLedger::kSizeMax);
    if (options.shards != 0) require_size(kName, "shards", options.shards, kCacheShardsMax);
    return {.cache = kName,
            .ledger = {.size_max = options.max_size,
                       .lifetime_ns = options.absolute_expiration_ns,
                       .hot_threshold = kHotAccesses},
            .ttl_ns = options.sliding_expiration_ns,
            .sample_rate = options.sample_rate,
            .shards = options.shards,
            .signals = options.signals,
            .names = kSlidingSignalNames,
            .key_text = options.key_text,
            .on_evict = options.on_evict,
            .retention_score = options.retention_score};
  }

  std::function<Result<V>(const K&)> factory_;
};

}  // namespace mayfly
