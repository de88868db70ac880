// CacheShard: the entries of one part of a cache's keys, and the factories that run for them.
//
// Everything but the mutex is guarded by it. What runs under it of the user's is the key's equality
// and its moves alone: what leaves is moved out (CacheRemoved) and dies after the lock.
//
// MEMORY     An entry is a slot of three arrays that grow to the largest number of entries there
//            ever were. A hit allocates nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "mayfly/base/slot_index.h"
#include "mayfly/cache/cache_signals.h"
#include "mayfly/cache/flight.h"
#include "mayfly/cache/shard_lock.h"
#include "mayfly/policy/cache_ledger.h"

namespace mayfly {

// An entry that has left.
template <class K, class V>
struct CacheRemoved {
  K key;
  std::shared_ptr<const V> value;
  bool expired = false;  // its time was up; otherwise it made room
};

template <class K, class V, class Equal>
class alignas(64) CacheShard {
 public:
  using Value = std::shared_ptr<const V>;
  using Removed = CacheRemoved<K, V>;
  using FlightPtr = std::shared_ptr<Flight<K, Value>>;

  CacheShard(const CacheLedgerOptions& options, std::uint32_t sample_rate)
      : ledger(options),
        hit_sampler(sample_rate),
        miss_sampler(sample_rate),
        hot_sampler(sample_rate) {}

  // By a key, or by what Equal takes for one.
  template <class Key>
  CacheSlot find(std::uint64_t hash, const Key& key) const {
    return index_.find(hash, [&](CacheSlot slot) { return equal_(entry(slot).key, key); });
  }
  const Value& value(CacheSlot slot) const { return entry(slot).value; }

  // The key must not be inside, the ledger not full. Returns its slot.
  CacheSlot put(std::uint64_t hash, K&& key, Value value, std::int64_t now_ns, std::int64_t ttl_ns,
                std::uint32_t chances) {
    const CacheSlot slot = ledger.add(now_ns, ttl_ns, chances);
    if (slot > entries_.size()) {
      entries_.push_back({hash, std::move(key), std::move(value)});
    } else {
      Entry& reused = entry(slot);
      reused.hash = hash;
      reused.key = std::move(key);
      reused.value = std::move(value);
    }
    index_.insert(hash, slot);
    return slot;
  }

  Removed take(CacheSlot slot, bool expired) {
    Entry& leaving = entry(slot);
    index_.erase(leaving.hash, slot);
    ledger.remove(slot);
    return {std::move(leaving.key), std::exchange(leaving.value, nullptr), expired};
  }

  // The flight of this key that can be joined, or one that this thread owns, whatever its state:
  // then the caller is inside the factory it would wait for. Null when there is neither.
  FlightPtr find_flight(std::uint64_t hash, const K& key) const {
    const std::thread::id self = std::this_thread::get_id();
    FlightPtr found;
    for (const FlightPtr& flight : flights_) {
      if (flight->hash != hash || !equal_(flight->key(), key)) continue;
      if (flight->owner == self) return flight;
      if (!flight->stale) found = flight;
    }
    return found;
  }
  FlightPtr start_flight(std::uint64_t hash, const K& key) {
    flights_.push_back(std::make_shared<Flight<K, Value>>(hash, key));
    return flights_.back();
  }
  void end_flight(const FlightPtr& flight) { std::erase(flights_, flight); }
  // Values that are being made for this key are out of date; false when there are none.
  bool outdate_flights(std::uint64_t hash, const K& key) {
    bool any = false;
    for (const FlightPtr& flight : flights_) {
      if (flight->stale || flight->hash != hash || !equal_(flight->key(), key)) continue;
      any = flight->stale = true;
    }
    return any;
  }
  void outdate_flights() {
    for (const FlightPtr& flight : flights_) flight->stale = true;
  }

  mutable ShardLock mutex;

  CacheLedger ledger;
  CacheSampler hit_sampler;
  CacheSampler miss_sampler;
  CacheSampler hot_sampler;
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t computed = 0;
  std::uint64_t evicted_expired = 0;
  std::uint64_t evicted_cold = 0;

 private:
  struct Entry {
    std::uint64_t hash;
    K key;
    Value value;  // null: the slot is free
  };
  // Slots count from 1.
  Entry& entry(CacheSlot slot) { return entries_[slot - 1]; }
  const Entry& entry(CacheSlot slot) const { return entries_[slot - 1]; }

  std::vector<Entry> entries_;
  SlotIndex index_;
  std::vector<FlightPtr> flights_;  // as many as threads run factories here: searched in order
  [[no_unique_address]] Equal equal_;
};

}  // namespace mayfly
