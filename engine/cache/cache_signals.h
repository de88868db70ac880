// CacheSignals: a cache's events under the names that people query, raised on a sink or on nobody.
//
// The two caches have different names for the same events (CacheSignalNames); an empty name isn't
// raised. An event's argument is the key's text, as long as it is.
//
// OWNERSHIP  The sink is the caller's and outlives this.
// THREADS    Any. Never called under a lock of a cache: a sink may have listeners.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mayfly {

class SignalSink;
struct Signal;

// What happens in a cache.
enum class CacheEvent : std::uint8_t {
  kHit,             // a live entry was found by get_or_add
  kPeek,            // a live entry was found by try_get
  kMiss,            // none was found
  kHot,             // an access made an entry hot
  kShared,          // a caller got the value that another's factory made
  kComputeStarted,  // a factory is about to run
  kComputeDone,     // it gave a value
  kError,           // it failed: key:type
  kSet,             // a value was stored
  kInvalidate,      // an entry, or a factory's coming value, was invalidated
  kClear,           // all were: their number
  kEvictExpired,    // an entry left because its time was up
  kEvictCold,       // an entry left for a new one
  kHookError,       // the eviction hook threw: key:type
};
constexpr std::size_t kCacheEvents = 14;

// A stem for each event, in the order of CacheEvent; string literals.
using CacheSignalNames = std::array<const char*, kCacheEvents>;

// What LruCache raises.
inline constexpr CacheSignalNames kLruSignalNames = {
    "cache.hit",        "cache.hit",   "cache.miss",  "cache.hot",   "", "", "", "", "cache.set",
    "cache.invalidate", "cache.clear", "cache.evict", "cache.evict", ""};
// What SlidingCache raises.
inline constexpr CacheSignalNames kSlidingSignalNames = {"cache.hit",
                                                         "cache.peek",
                                                         "cache.miss",
                                                         "",
                                                         "cache.hit.dedup",
                                                         "cache.compute.start",
                                                         "cache.compute.done",
                                                         "cache.error",
                                                         "",
                                                         "cache.invalidate",
                                                         "cache.clear",
                                                         "cache.evict.expired",
                                                         "cache.evict.cold",
                                                         "cache.evict.callback.error"};

class CacheSignals {
 public:
  // A null sink: nothing is raised.
  CacheSignals(SignalSink* sink, const CacheSignalNames& names);

  bool on() const { return sink_ != nullptr; }
  bool on(CacheEvent event) const { return on() && *names_[index(event)] != '\0'; }
  // "name:text".
  void raise(CacheEvent event, std::string_view text) const;
  // "name:text:detail".
  void raise(CacheEvent event, std::string_view text, std::string_view detail) const;
  // What the sink has that matches (glob.h), oldest first; nothing without a sink.
  std::vector<Signal> sense(std::string_view glob) const;

 private:
  static std::size_t index(CacheEvent event) { return static_cast<std::size_t>(event); }

  SignalSink* sink_;
  CacheSignalNames names_;
  std::array<std::uint32_t, kCacheEvents> stems_{};  // of the sink, in the order of names_
};

// One of every `rate` events, the first included. Guarded by its owner's lock.
class CacheSampler {
 public:
  explicit CacheSampler(std::uint32_t rate = 1) : rate_(rate) {}
  bool due() {
    if (--left_ > 0) return false;
    left_ = rate_;
    return true;
  }

 private:
  std::uint32_t rate_;
  std::uint32_t left_ = 1;
};

}  // namespace mayfly
