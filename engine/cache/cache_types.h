// What the caches have in common on their faces: options of a call, statistics, checks of options.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "mayfly/base/clock.h"

namespace mayfly {

// Options of one get_or_add.
struct CacheGetOptions {
  // How long the entry lives without an access, if it is added by this call; the cache's own when
  // not given. Must be positive.
  std::optional<std::int64_t> ttl_ns;
  // When to give up waiting for another thread's factory, by the cache's clock. One's own factory
  // is never given up.
  std::int64_t deadline_ns = kNever;
};

// A cache's numbers. Collected shard by shard: exact while nobody changes the cache.
struct CacheStats {
  std::size_t total = 0;    // entries: valid + expired
  std::size_t valid = 0;    // that a read would find
  std::size_t expired = 0;  // not removed yet, and never served
  std::size_t hot = 0;      // valid ones with enough accesses
  std::size_t max_size = 0;

  std::uint64_t hits = 0;
  std::uint64_t misses = 0;           // including callers that waited for another's factory
  std::uint64_t computed = 0;         // factories that were run
  std::uint64_t shared = 0;           // callers that got the value of another's factory
  std::uint64_t evicted_expired = 0;  // left because their time was up
  std::uint64_t evicted_cold = 0;     // left for new ones
  std::uint64_t callback_errors = 0;  // hooks, scorers and key formatters that threw
  std::size_t waiting = 0;            // threads that wait for another's factory now
};

// Throws std::invalid_argument: "LruCache: max_size expected at least 1, found 0".
void require_positive(std::string_view cache, std::string_view option, std::int64_t found);
// The same for sizes, which must be in [1, max].
void require_size(std::string_view cache, std::string_view option, std::size_t found,
                  std::size_t max);
// For a sink without a way to name keys.
[[noreturn]] void refuse_unnamed_keys(std::string_view cache);

// Shards for a cache of max_size entries when none are asked for: one for a small cache, whose
// order is then exact, otherwise so many that each has kEntriesPerShard or more, up to 16.
std::size_t default_shards(std::size_t max_size);
constexpr std::size_t kEntriesPerShard = 64;
constexpr std::size_t kCacheShardsMax = 256;

}  // namespace mayfly
