// CacheCallbacks: everything a cache tells the outside, and what the outside throws at it.
//
// The eviction hook, the retention scorer, the formatter of keys and the signals. None of them is
// called under a lock, and what they throw ends here, as a count.
//
// THREADS    Any, as the callbacks must be.
#pragma once

#include <atomic>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "mayfly/base/key_text.h"
#include "mayfly/cache/cache_shard.h"
#include "mayfly/cache/cache_signals.h"
#include "mayfly/cache/cache_types.h"
#include "mayfly/cache/user_error.h"
#include "mayfly/policy/cache_ledger.h"

namespace mayfly {

// What the two caches pass to their core, checked.
template <class K, class V>
struct CacheCoreOptions {
  std::string_view cache;  // the class's name, for messages
  CacheLedgerOptions ledger;
  std::int64_t ttl_ns = 0;
  std::uint32_t sample_rate = 1;
  std::size_t shards = 0;  // 0: default_shards()
  SignalSink* signals = nullptr;
  CacheSignalNames names{};
  KeyText<K> key_text;
  std::function<void(const K&, const V&)> on_evict;
  std::function<double(const K&, const V&)> retention_score;
};

template <class K, class V>
class CacheCallbacks {
 public:
  // `options` outlive this.
  explicit CacheCallbacks(const CacheCoreOptions<K, V>& options)
      : options_(options), signals_(options.signals, options.names) {
    if constexpr (!TextKey<K> && !NumberKey<K>) {
      if (signals_.on() && !options_.key_text) refuse_unnamed_keys(options_.cache);
    }
  }

  bool tells() const { return signals_.on(); }
  const CacheSignals& signals() const { return signals_; }
  std::uint64_t errors() const { return errors_.load(std::memory_order_relaxed); }

  void raise(CacheEvent event, const K& key, std::string_view detail = {}) {
    if (!signals_.on(event)) return;
    try {
      with_key_text(key, options_.key_text, [&](std::string_view text) {
        detail.empty() ? signals_.raise(event, text) : signals_.raise(event, text, detail);
      });
    } catch (...) {  // the formatter threw
      count_error();
    }
  }

  // The same of what is taken for a key (KeyedCache::find): of a text nothing is made.
  template <class Key>
  requires(!std::same_as<Key, K>) void raise(CacheEvent event, const Key& key) {
    if (!signals_.on(event)) return;
    try {
      if constexpr (TextKey<K> && TextKey<Key>) {
        if (!options_.key_text) return signals_.raise(event, std::string_view(key));
      }
      raise(event, K(key));
    } catch (...) {
      count_error();
    }
  }

  // Tells of what has left, and hands it to the hook.
  void settle(const std::vector<CacheRemoved<K, V>>& removed) {
    for (const CacheRemoved<K, V>& entry : removed) {
      raise(entry.expired ? CacheEvent::kEvictExpired : CacheEvent::kEvictCold, entry.key);
      if (options_.on_evict) hand_over(entry);
    }
  }

  // To the hook, which there must be.
  void hand_over(const CacheRemoved<K, V>& entry) {
    try {
      options_.on_evict(entry.key, *entry.value);
    } catch (...) {
      count_error();
      raise(CacheEvent::kHookError, entry.key, current_user_error("the eviction hook").type);
    }
  }

  // How often an entry is passed over (cache_ledger.h): its score, rounded up.
  std::uint32_t chances_of(const K& key, const V& value) {
    if (!options_.retention_score) return 0;
    try {
      const double score = options_.retention_score(key, value);
      if (!(score > 0)) return 0;  // nor what is no number
      return score >= CacheLedger::kChancesMax ? CacheLedger::kChancesMax
                                               : static_cast<std::uint32_t>(std::ceil(score));
    } catch (...) {
      count_error();
      return 0;
    }
  }

 private:
  void count_error() { errors_.fetch_add(1, std::memory_order_relaxed); }

  const CacheCoreOptions<K, V>& options_;
  const CacheSignals signals_;
  std::atomic<std::uint64_t> errors_{0};
};

}  // namespace mayfly
