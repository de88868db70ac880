// ConcurrencyScale: a limit between two bounds that is doubled when asked for more and halved when
// asked for less, at most once in a while.
//
// Asking is an event, not a state: each is acted on once, and of those that come while it waits the
// newest counts. (A "load is high" that goes on being seen would drive it to its bound, and no
// "load is low" could bring it back.)
//
// Arithmetic alone: time comes in.
// THREADS  One at a time.
#pragma once

#include <algorithm>
#include <cstdint>

#include "mayfly/base/clock.h"

namespace mayfly {

// The bounds of the limit, and how often it may change.
struct ScaleOptions {
  std::uint32_t min = 1;  // 1 to max
  std::uint32_t max = 32;
  std::int64_t cooldown_ns = 200 * kMillisecond;  // between two changes
};

class ConcurrencyScale {
 public:
  // Starts at the minimum.
  explicit ConcurrencyScale(const ScaleOptions& options) : options_(options), limit_(options.min) {}

  std::uint32_t limit() const { return limit_; }
  // Asks for more, or for less. True: the limit has changed.
  bool up(std::int64_t now_ns) { return ask(kUp, now_ns); }
  bool down(std::int64_t now_ns) { return ask(kDown, now_ns); }
  // Does what was asked for while it cooled down; at due_ns(), or later.
  bool advance(std::int64_t now_ns) {
    if (asked_ == kNothing || now_ns < next_ns_) return false;
    const std::uint32_t before = limit_;
    limit_ = asked_ == kUp
                 ? std::min(options_.max, limit_ > options_.max / 2 ? options_.max : limit_ * 2)
                 : std::max(options_.min, limit_ / 2);
    asked_ = kNothing;
    if (limit_ == before) return false;
    next_ns_ = deadline_after(now_ns, options_.cooldown_ns);
    return true;
  }
  std::int64_t due_ns() const { return asked_ == kNothing ? kNever : next_ns_; }
  // Within the bounds.
  void set(std::uint32_t limit) { limit_ = std::clamp(limit, options_.min, options_.max); }

 private:
  enum Asked : std::uint8_t { kNothing, kUp, kDown };

  bool ask(Asked what, std::int64_t now_ns) {
    asked_ = what;
    return advance(now_ns);
  }

  ScaleOptions options_;
  std::uint32_t limit_;
  Asked asked_ = kNothing;
  std::int64_t next_ns_ = 0;
};

}  // namespace mayfly
