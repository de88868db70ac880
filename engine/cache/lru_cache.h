// LruCache: a cache that focuses itself on what is asked for often.
//
//   LruCache<std::string, User> users(clock, {.max_size = 5'000, .signals = &sink});
//   auto user = users.get_or_add("user:123", [&](const std::string& key) { return load(key); });
//   if (user.ok()) greet(**user);
//
// An entry lives default_ttl_ns after its last access; from its hot_access_threshold-th access on
// (being added counts) hot_key_extension_ns. With max_size entries the least recently used one
// leaves for a new one; a hot one is passed over once for each access, so a key that was hot once
// leaves in the end. Of threads that miss a key together one runs its factory, all get its value.
//
// VALUES     Are handed out as shared_ptr<const V>: a hit copies a pointer, not a V, so no code of
//            the V's runs under a lock; a V that isn't copyable will do; and what is being used
//            may leave the cache.
// FACTORY    Called with the key, without a lock; returns V, shared_ptr<V> or a Result of them. A
//            failed Result, or an exception (as kInternal), is what all who waited get; nothing is
//            kept. One that asks for its own key is refused by kUsage, also when it does so through
//            factories of other threads.
// SIGNALS    cache.hit:key and cache.miss:key; cache.hot:key when a key becomes hot: one of every
//            sample_rate of each kind, counted by shard. Always: cache.set:key, cache.evict:key,
//            cache.invalidate:key (when there was something to invalidate), cache.clear:n.
// SIZE       Never more than max_size entries. How expired ones leave without a thread in the
//            background: cache_core.h.
// ORDER      Exact within a shard, by which caches of less than 128 entries have one.
// OWNERSHIP  Clock and sink are the caller's and outlive the cache.
// THREADS    Any. Nothing may be in a call when the cache is destroyed.
// ERRORS     The constructor throws std::invalid_argument. Calls return Status: kUsage for a null
//            factory, a ttl that isn't positive, or a factory that asks for its own key;
//            kTryAgain when the deadline passes while another thread's factory runs.
// COST       A hit is about as dear as one in a locked map, and a reading of the clock, which is as
//            much again with SystemClock: CoarseClock (coarse_clock.h) is exact to some
//            milliseconds.
// UNITS      Nanoseconds of the clock that was passed in.
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
template <class K>
struct LruCacheOptions {
  std::int64_t default_ttl_ns = 300 * kSecond;          // since the last access; kNever: no expiry
  std::int64_t hot_key_extension_ns = 1'800 * kSecond;  // the same of a hot key, if that is longer
  std::uint32_t hot_access_threshold = 5;               // accesses that make a key hot
  std::size_t max_size = 1'000;                         // entries
  std::uint32_t sample_rate = 1;                        // of hit, miss and hot signals
  std::size_t shards = 0;                               // 0: by max_size; rounded up to 2^n
  SignalSink* signals = nullptr;                        // null: no signals
  KeyText<K> key_text;  // a key's form in signals; needed unless keys are text or integers
};

template <class K, class V, class Hash = std::hash<K>, class Equal = std::equal_to<K>>
class LruCache : public KeyedCache<K, V, Hash, Equal> {
 public:
  using Options = LruCacheOptions<K>;

  explicit LruCache(const Clock& clock, Options options = {})
      : KeyedCache<K, V, Hash, Equal>(clock, checked(std::move(options))) {}

 private:
  static CacheCoreOptions<K, V> checked(Options options) {
    constexpr std::string_view kName = "LruCache";
    require_positive(kName, "default_ttl_ns", options.default_ttl_ns);
    require_positive(kName, "hot_key_extension_ns", options.hot_key_extension_ns);
    require_positive(kName, "hot_access_threshold", options.hot_access_threshold);
    require_positive(kName, "sample_rate", options.sample_rate);
    require_size(kName, "max_size", options.max_size, CacheLedger::kSizeMax);
    if (options.shards != 0) require_size(kName, "shards", options.shards, kCacheShardsMax);
    return {.cache = kName,
            .ledger = {.size_max = options.max_size,
                       .hot_ttl_ns = options.hot_key_extension_ns,
                       .hot_threshold = options.hot_access_threshold},
            .ttl_ns = options.default_ttl_ns,
            .sample_rate = options.sample_rate,
            .shards = options.shards,
            .signals = options.signals,
            .names = kLruSignalNames,
            .key_text = std::move(options.key_text)};
  }
};

}  // namespace mayfly
