// KeyedCache: the calls that all caches have in common. What a cache does with them its own header
// says: lru_cache.h, sliding_cache.h.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "mayfly/base/clock.h"
#include "mayfly/base/status.h"
#include "mayfly/cache/cache_core.h"

namespace mayfly {

// Base of LruCache and SlidingCache; not a type to hold a cache by.
template <class K, class V, class Hash, class Equal>
class KeyedCache {
 public:
  using Value = std::shared_ptr<const V>;

  // The key's value, which the factory makes if there is none.
  template <class Factory>
  Result<Value> get_or_add(const K& key, Factory&& factory, const CacheGetOptions& get = {}) {
    return core_.get_or_add(key, factory, get);
  }
  // The value that get_or_add would find, or null, of which nothing is counted: for who calls
  // get_or_add then, and makes a key for it only then. `key` is a K, or what Hash and Equal take
  // for one and a K can be made of.
  template <class Key>
  Value find(const Key& key) {
    return core_.find(key);
  }
  // The key's value, or null; an access like any other.
  Value try_get(const K& key) { return core_.try_get(key); }
  // The key's entry leaves, and a value being made for it isn't kept. False when there was neither.
  bool invalidate(const K& key) { return core_.invalidate(key); }
  // The same of all keys. Returns how many entries left.
  std::size_t clear() { return core_.clear(); }
  // All entries leave as when the cache is destroyed: the eviction hook has them, and no signal
  // says so. For an owner whose parts the values use as they go, and once nobody else uses it.
  void end() noexcept { core_.end(); }
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

 protected:
  KeyedCache(const Clock& clock, CacheCoreOptions<K, V> options)
      : core_(clock, std::move(options)) {}
  ~KeyedCache() = default;

  CacheCore<K, V, Hash, Equal> core_;
};

template <class K, class V, class Hash, class Equal>
std::vector<Signal> KeyedCache<K, V, Hash, Equal>::get_signals(std::string_view glob) const {
  return core_.signals().sense(glob);
}

}  // namespace mayfly
