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
class SlidingCache {
 public:
  using Value = std::shared_ptr<const V>;
  using Options = SlidingCacheOptions<K, V>;
  // Accesses that make an entry hot; being added is the first.
  static constexpr std::uint32_t kHotAccesses = 5;

  explicit SlidingCache(const Clock& clock, Options options = {})
      : factory_(std::move(options.factory)), core_(clock, checked(std::move(options))) {}

  // The key's value, which the factory makes if there is none.
  template <class Factory>
  Result<Value> get_or_add(const K& key, Factory&& factory, const CacheGetOptions& get = {}) {
    return core_.get_or_add(key, factory, get);
  }
  // The same with the factory of the options, which may not be null then.
  Result<Value> get_or_compute(const K& key, const CacheGetOptions& get = {}) {
    return core_.get_or_add(key, factory_, get);
  }
  // The key's value, or null; an access like any other.
  Value try_get(const K& key) { return core_.try_get(key); }
  // The key's entry leaves, and a value being made for it isn't kept. False when there was neither.
  bool invalidate(const K& key) { return core_.invalidate(key); }
  // The same of all keys. Returns how many entries left.
  std::size_t clear() { return core_.clear(); }
  // Expired entries leave. Returns how many; they would leave by themselves as new ones come.
  std::size_t sweep() { return core_.sweep(); }

  // Entries, expired ones included.
  std::size_t size() const { return core_.size(); }
  // Looks at every entry.
  CacheStats stats() const { return core_.stats(); }
  // What is known of a live entry. Not an access.
  std::optional<CacheEntryInfo> entry_info(const K& key) const { return core_.entry_info(key); }
  // What the cache's sink has that matches, oldest first; nothing without a sink. Needs
  // "mayfly/signal/signal_sink.h".
  std::vector<Signal> get_signals(std::string_view glob = "cache.*") const;

 private:
  static CacheCoreOptions<K, V> checked(Options options) {
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
            .key_text = std::move(options.key_text),
            .on_evict = std::move(options.on_evict),
            .retention_score = std::move(options.retention_score)};
  }

  std::function<Result<V>(const K&)> factory_;
  CacheCore<K, V, Hash, Equal> core_;
};

template <class K, class V, class Hash, class Equal>
std::vector<Signal> SlidingCache<K, V, Hash, Equal>::get_signals(std::string_view glob) const {
  return core_.signals().sense(glob);
}

}  // namespace mayfly
