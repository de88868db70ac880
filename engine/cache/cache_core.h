// CacheCore: what LruCache and SlidingCache share, which is nearly everything.
//
// SHARDS     A key's hash says its shard; a shard has its own lock, order and expiry
//            (cache_shard.h, cache_ledger.h). The size is one for all: a new entry needs one of
//            max_size places, so a shard may hold more than its share, and no key leaves while
//            there is room. When there is none, an expired or the least recently used entry of the
//            new one's shard leaves, or of another if that has none.
// LOCKS      One shard's at a time, for a few hundred nanoseconds. Never held while user code runs:
//            factory, hook, scorer, key formatter, listeners of the sink, destructors of values and
//            of keys that leave. Hash and equality of keys do run, the latter under the lock:
//            neither may throw, nor call the cache.
// FLIGHTS    Of threads that miss one key together the first runs its factory, the others wait for
//            what comes of it (flight.h). An invalidation while it runs makes its value go to those
//            who asked before, and to nobody after: it isn't kept.
// EXPIRY     Nothing runs in the background. An expired entry is never served, the number of
//            entries is bounded anyway, and each new entry takes up to two expired ones of its
//            shard with it: so expired ones leave faster than new ones come. sweep() is for whoever
//            wants their memory, or their hook, earlier.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mayfly/base/clock.h"
#include "mayfly/base/key_text.h"
#include "mayfly/base/status.h"
#include "mayfly/cache/cache_callbacks.h"
#include "mayfly/cache/cache_shard.h"
#include "mayfly/cache/cache_signals.h"
#include "mayfly/cache/cache_types.h"
#include "mayfly/cache/factory_call.h"

namespace mayfly {

template <class K, class V, class Hash, class Equal>
class CacheCore {
 public:
  using Value = std::shared_ptr<const V>;

  CacheCore(const Clock& clock, CacheCoreOptions<K, V> options)
      : clock_(clock),
        options_(std::move(options)),
        callbacks_(options_),
        shard_mask_(shard_count() - 1) {
    shards_.reserve(shard_mask_ + 1);
    for (std::size_t i = 0; i <= shard_mask_; ++i) {
      shards_.push_back(std::make_unique<Shard>(options_.ledger, options_.sample_rate));
    }
  }
  // Hands what is left to the eviction hook.
  ~CacheCore() {
    if (options_.on_evict) end();
  }
  CacheCore(const CacheCore&) = delete;
  CacheCore& operator=(const CacheCore&) = delete;

  template <class Factory>
  Result<Value> get_or_add(const K& key, Factory& factory, const CacheGetOptions& get) {
    if (is_null_callable(factory)) return refusal("a factory", "a null one");
    if (get.ttl_ns && *get.ttl_ns <= 0) {
      return refusal("a ttl_ns of at least 1", std::to_string(*get.ttl_ns));
    }
    const std::uint64_t hash = hash_of(key);
    Shard& shard = shard_of(hash);
    if (Value value = hit(shard, hash, key, CacheEvent::kHit)) return value;
    return miss(shard, hash, key, factory, get);
  }

  // What get_or_add() returns for a live entry, or null, of which nothing is counted.
  template <class Key>
  Value find(const Key& key) {
    const std::uint64_t hash = hash_of(key);
    return hit(shard_of(hash), hash, key, CacheEvent::kHit);
  }

  Value try_get(const K& key) {
    const std::uint64_t hash = hash_of(key);
    Shard& shard = shard_of(hash);
    Value value = hit(shard, hash, key, CacheEvent::kPeek);
    if (!value) note_miss(shard, hash, key);
    return value;
  }

  bool invalidate(const K& key) {
    const std::uint64_t hash = hash_of(key);
    Shard& shard = shard_of(hash);
    std::optional<Removed> removed;
    bool outdated = false;
    {
      const std::lock_guard lock(shard.mutex);
      outdated = shard.outdate_flights(hash, key);
      if (const CacheSlot slot = shard.find(hash, key)) removed.emplace(take(shard, slot, false));
    }
    if (!outdated && !removed) return false;
    callbacks_.raise(CacheEvent::kInvalidate, key);
    return true;
  }

  std::size_t clear() {
    std::size_t cleared = 0;
    for (const auto& shard : shards_) {
      std::vector<Removed> removed;  // dies after the lock
      const std::lock_guard lock(shard->mutex);
      shard->outdate_flights();
      removed.reserve(shard->ledger.size());
      while (const CacheSlot slot = shard->ledger.any()) {
        removed.push_back(take(*shard, slot, false));
      }
      cleared += removed.size();
    }
    callbacks_.signals().raise(CacheEvent::kClear, std::to_string(cleared));
    return cleared;
  }

  void end() noexcept {
    for (const auto& shard : shards_) {
      while (std::optional<Removed> removed = take_any(*shard)) {
        if (options_.on_evict) callbacks_.hand_over(*removed);
      }
    }
  }

  std::size_t sweep() {
    const std::int64_t now_ns = clock_.now_ns();
    std::size_t swept = 0;
    for (const auto& shard : shards_) {
      for (bool more = true; more;) {
        std::vector<Removed> removed;
        {
          const std::lock_guard lock(shard->mutex);
          drop_expired(*shard, now_ns, kSweptPerLock, removed);
          more = shard->ledger.may_have_expired(now_ns);
        }
        swept += removed.size();
        callbacks_.settle(removed);
      }
    }
    return swept;
  }

  std::size_t size() const { return places_taken_.load(std::memory_order_relaxed); }

  CacheStats stats() const {
    CacheStats stats{.max_size = options_.ledger.size_max};
    const std::int64_t now_ns = clock_.now_ns();
    for (const auto& shard : shards_) {
      const std::lock_guard lock(shard->mutex);
      const CacheLedgerCounts counts = shard->ledger.counts(now_ns);
      stats.valid += counts.valid;
      stats.expired += counts.expired;
      stats.hot += counts.hot;
      stats.hits += shard->hits;
      stats.misses += shard->misses;
      stats.computed += shard->computed;
      stats.evicted_expired += shard->evicted_expired;
      stats.evicted_cold += shard->evicted_cold;
    }
    stats.total = stats.valid + stats.expired;
    stats.shared = shared_.load(std::memory_order_relaxed);
    stats.callback_errors = callbacks_.errors();
    stats.waiting = waits_.size();
    return stats;
  }

  std::optional<CacheEntryInfo> entry_info(const K& key) const {
    const std::uint64_t hash = hash_of(key);
    const Shard& shard = shard_of(hash);
    const std::int64_t now_ns = clock_.now_ns();
    const std::lock_guard lock(shard.mutex);
    const CacheSlot slot = shard.find(hash, key);
    if (slot == kNoSlot || shard.ledger.expired(slot, now_ns)) return std::nullopt;
    return shard.ledger.info(slot);
  }

  const CacheSignals& signals() const { return callbacks_.signals(); }

 private:
  using Shard = CacheShard<K, V, Equal>;
  using Removed = typename Shard::Removed;
  using FlightPtr = typename Shard::FlightPtr;

  // A new entry takes so many expired ones with it; sweep() looks at so many before it lets go.
  static constexpr int kDroppedPerInsert = 2;
  static constexpr int kSweptPerLock = 64;

  std::size_t shard_count() const {
    const std::size_t size_max = options_.ledger.size_max;
    return options_.shards == 0 ? default_shards(size_max) : std::bit_ceil(options_.shards);
  }
  template <class Key>
  std::uint64_t hash_of(const Key& key) const {
    return spread_hash(hash_(key));
  }
  // Not the bits by which a shard's index begins its search.
  Shard& shard_of(std::uint64_t hash) const { return *shards_[(hash >> 48) & shard_mask_]; }

  // What is to be told of a hit.
  struct Told {
    bool hit = false;
    bool hot = false;
  };

  // The live entry's value, or null. All that a hit costs is here and in find_live().
  template <class Key>
  Value hit(Shard& shard, std::uint64_t hash, const Key& key, CacheEvent event) {
    Told told;
    Value value = find_live(shard, hash, key, clock_.now_ns(), told);
    if (told.hit || told.hot) [[unlikely]]
      tell(told, event, key);
    return value;
  }

  // Out of line, as a miss: where hits are counted in nanoseconds few are told.
  template <class Key>
  [[gnu::noinline]] void tell(const Told& told, CacheEvent event, const Key& key) {
    if (told.hit) callbacks_.raise(event, key);
    if (told.hot) callbacks_.raise(CacheEvent::kHot, key);
  }

  template <class Key>
  Value find_live(Shard& shard, std::uint64_t hash, const Key& key, std::int64_t now_ns,
                  Told& told) {
    const std::lock_guard lock(shard.mutex);
    const CacheSlot slot = shard.find(hash, key);
    if (slot == kNoSlot) return nullptr;
    const CacheTouch touch = shard.ledger.touch(slot, now_ns);
    if (touch == CacheTouch::kExpired) return nullptr;
    ++shard.hits;
    if (callbacks_.tells()) {
      told.hit = shard.hit_sampler.due();
      told.hot = touch == CacheTouch::kBecameHot && shard.hot_sampler.due();
    }
    return shard.value(slot);
  }

  // Runs the factory, or waits for the thread that does. Out of line: a hit is to be short.
  template <class Factory>
  [[gnu::noinline]] Result<Value> miss(Shard& shard, std::uint64_t hash, const K& key,
                                       Factory& factory, const CacheGetOptions& get) {
    FlightPtr flight;
    bool leads = false;
    std::vector<Removed> removed;
    bool stored = false;  // by another thread, since hit() looked
    bool tell = false;
    {
      const std::lock_guard lock(shard.mutex);
      stored = look_again(shard, hash, key, removed);
      if (!stored) {
        tell = count_miss(shard);
        flight = shard.find_flight(hash, key);
        leads = flight == nullptr;
        if (leads) flight = shard.start_flight(hash, key);
      }
    }
    if (stored) return get_or_add(key, factory, get);
    callbacks_.settle(removed);
    if (tell) callbacks_.raise(CacheEvent::kMiss, key);
    return leads ? lead(shard, flight, key, factory, get) : follow(*flight, key, get);
  }

  [[gnu::noinline]] void note_miss(Shard& shard, std::uint64_t hash, const K& key) {
    std::vector<Removed> removed;
    bool tell = false;
    {
      const std::lock_guard lock(shard.mutex);
      look_again(shard, hash, key, removed);
      tell = count_miss(shard);
    }
    callbacks_.settle(removed);
    if (tell) callbacks_.raise(CacheEvent::kMiss, key);
  }

  // What follows until lead() is under the shard's lock.

  // An entry that hit() found expired leaves. True when there is a live one now.
  bool look_again(Shard& shard, std::uint64_t hash, const K& key, std::vector<Removed>& removed) {
    const CacheSlot slot = shard.find(hash, key);
    if (slot == kNoSlot) return false;
    if (!shard.ledger.expired(slot, clock_.now_ns())) return true;
    ++shard.evicted_expired;
    removed.push_back(take(shard, slot, true));
    return false;
  }

  // True when it is to be told.
  bool count_miss(Shard& shard) {
    ++shard.misses;
    return callbacks_.tells() && shard.miss_sampler.due();
  }

  Removed take(Shard& shard, CacheSlot slot, bool expired) {
    places_taken_.fetch_sub(1, std::memory_order_relaxed);
    return shard.take(slot, expired);
  }

  void drop_expired(Shard& shard, std::int64_t now_ns, int drops, std::vector<Removed>& removed) {
    for (; drops > 0; --drops) {
      const CacheSlot slot = shard.ledger.find_expired(now_ns);
      if (slot == kNoSlot) return;
      ++shard.evicted_expired;
      removed.push_back(take(shard, slot, true));
    }
  }

  // Somebody leaves for a new entry; false when there is nobody.
  bool evict(Shard& shard, std::int64_t now_ns, std::vector<Removed>& removed) {
    const CacheSlot slot = shard.ledger.choose_victim(now_ns);
    if (slot == kNoSlot) return false;
    const bool expired = shard.ledger.expired(slot, now_ns);
    ++(expired ? shard.evicted_expired : shard.evicted_cold);
    removed.push_back(take(shard, slot, expired));
    return true;
  }

  // Takes one of the max_size places. Relaxed: a place is a number, not what stands in it.
  bool take_place() {
    std::size_t taken = places_taken_.load(std::memory_order_relaxed);
    while (taken < options_.ledger.size_max) {
      if (places_taken_.compare_exchange_weak(taken, taken + 1, std::memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }

  // Without a lock from here on.

  // Some entry leaves; none: there is none.
  std::optional<Removed> take_any(Shard& shard) {
    const std::lock_guard lock(shard.mutex);
    const CacheSlot slot = shard.ledger.any();
    if (slot == kNoSlot) return std::nullopt;
    return take(shard, slot, false);
  }

  template <class Factory>
  Result<Value> lead(Shard& shard, const FlightPtr& flight, const K& key, Factory& factory,
                     const CacheGetOptions& get) {
    callbacks_.raise(CacheEvent::kComputeStarted, key);
    Made<K, V> made = call_factory<K, V>(key, factory, "a cache's factory");
    std::vector<Removed> removed;
    Landed landed;
    land(shard, flight, made, get.ttl_ns.value_or(options_.ttl_ns), removed, landed);
    if (made.outcome.ok()) {
      callbacks_.raise(CacheEvent::kComputeDone, key);
      if (landed.stored) callbacks_.raise(CacheEvent::kSet, key);
      if (landed.tell_hot) callbacks_.raise(CacheEvent::kHot, key);
    } else {
      callbacks_.raise(CacheEvent::kError, key, made.error_type);
    }
    callbacks_.settle(removed);
    return std::move(made.outcome);
  }

  struct Landed {
    bool stored = false;
    bool tell_hot = false;
  };

  // Ends the flight: stores its value unless it failed or is out of date, and lets the waiters go.
  // noexcept: without memory the program ends here, rather than waiters hanging.
  void land(Shard& shard, const FlightPtr& flight, Made<K, V>& made, std::int64_t ttl_ns,
            std::vector<Removed>& removed, Landed& landed) noexcept {
    const std::uint32_t chances =
        made.outcome.ok() ? callbacks_.chances_of(*made.key, *made.outcome.value()) : 0;
    const std::int64_t now_ns = clock_.now_ns();
    while (!try_land(shard, flight, made, now_ns, ttl_ns, chances, removed, landed)) {
      evict_elsewhere(shard, now_ns, removed);
    }
    flight->finish(made.outcome);
  }

  // False when there is no place, and nobody in this shard who could leave.
  bool try_land(Shard& shard, const FlightPtr& flight, Made<K, V>& made, std::int64_t now_ns,
                std::int64_t ttl_ns, std::uint32_t chances, std::vector<Removed>& removed,
                Landed& landed) {
    const std::lock_guard lock(shard.mutex);
    if (made.outcome.ok() && !flight->stale) {
      drop_expired(shard, now_ns, kDroppedPerInsert, removed);
      // Another thread may take the place that an eviction gives free.
      while (!take_place()) {
        if (!evict(shard, now_ns, removed)) return false;
      }
      const CacheSlot slot = shard.put(flight->hash, std::move(*made.key), made.outcome.value(),
                                       now_ns, ttl_ns, chances);
      landed.stored = true;
      landed.tell_hot =
          callbacks_.tells() && shard.ledger.info(slot).hot && shard.hot_sampler.due();
    }
    ++shard.computed;
    shard.end_flight(flight);
    return true;
  }

  // All places are taken, so some shard has an entry; another thread may be faster: try again.
  void evict_elsewhere(const Shard& full, std::int64_t now_ns, std::vector<Removed>& removed) {
    for (const auto& shard : shards_) {
      if (shard.get() == &full) continue;
      const std::lock_guard lock(shard->mutex);
      if (evict(*shard, now_ns, removed)) return;
    }
  }

  Result<Value> follow(typename FlightPtr::element_type& flight, const K& key,
                       const CacheGetOptions& get) {
    if (!waits_.enter(flight)) {
      return refusal("a factory that doesn't need its own key",
                     "one that asks for it, itself or through factories of other threads");
    }
    const bool done = flight.wait_done(clock_, get.deadline_ns);
    waits_.leave();
    if (!done) {
      return Status(Code::kTryAgain, std::string(options_.cache) +
                                         ": the deadline has passed while another thread's "
                                         "factory makes the value");
    }
    if (flight.outcome().ok()) {
      shared_.fetch_add(1, std::memory_order_relaxed);
      callbacks_.raise(CacheEvent::kShared, key);
    }
    return flight.outcome();
  }

  Status refusal(std::string_view expected, std::string_view found) const {
    std::string message(options_.cache);
    message.append(".get_or_add: expected ").append(expected).append(", found ").append(found);
    return Status(Code::kUsage, std::move(message));
  }

  const Clock& clock_;
  const CacheCoreOptions<K, V> options_;
  CacheCallbacks<K, V> callbacks_;
  const std::size_t shard_mask_;
  [[no_unique_address]] Hash hash_;
  std::vector<std::unique_ptr<Shard>> shards_;
  FlightWaits waits_;
  alignas(64) std::atomic<std::size_t> places_taken_{0};
  std::atomic<std::uint64_t> shared_{0};
};

}  // namespace mayfly
