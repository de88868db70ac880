// ReactiveLimit: how many may be out at a time, when what takes them may fall behind: `max`, but
// `min` from the moment when `backpressure` of them are pending until no more than `relief` are.
//
// Pending are those that have been out for longer than slow_after_ns: so a quick receiver that is
// always kept busy isn't taken for a slow one. (It is counted as if the oldest were answered first:
// exact when they are, else perhaps too few.) With slow_after_ns of 0 all that are out are pending.
//
// Relief is told at once; another drop comes no sooner than cooldown_ns after the last change, so
// that a limit that swings costs little.
//
// Arithmetic alone: time comes in, and never goes back.
// MEMORY   Fixed.
// THREADS  One at a time.
#pragma once

#include <algorithm>
#include <cstdint>

#include "mayfly/base/clock.h"
#include "mayfly/policy/sliding_count.h"

namespace mayfly {

// The two limits, and what moves between them.
struct ReactiveOptions {
  std::uint64_t min = 16;  // 1 to max
  std::uint64_t max = 1024;
  std::uint64_t backpressure = 256;  // up to max, or it is never reached
  std::uint64_t relief = 8;          // below backpressure; without slow_after_ns at least min
  std::int64_t slow_after_ns = 100 * kMillisecond;
  std::int64_t cooldown_ns = 200 * kMillisecond;
};

class ReactiveLimit {
 public:
  explicit ReactiveLimit(const ReactiveOptions& options)
      : options_(options), recent_(std::max<std::int64_t>(options.slow_after_ns, 1)) {}

  void passed(std::uint64_t count, std::int64_t now_ns) {
    out_ += count;
    if (options_.slow_after_ns > 0) recent_.add(now_ns, count);
  }
  void answered(std::uint64_t count) { out_ -= std::min(count, out_); }

  std::uint64_t pending(std::int64_t now_ns) {
    if (options_.slow_after_ns == 0) return out_;
    return out_ - std::min(out_, recent_.count(now_ns));
  }

  // Looks at what is pending: after each of the above, and at due_ns(). True: the limit changed.
  bool update(std::int64_t now_ns) {
    const std::uint64_t pending_now = pending(now_ns);
    const bool before = behind_;
    if (behind_) {
      behind_ = pending_now > std::min(options_.relief, options_.backpressure - 1);
    } else {
      behind_ = pending_now >= options_.backpressure && now_ns >= next_drop_ns_;
    }
    if (behind_ != before) next_drop_ns_ = deadline_after(now_ns, options_.cooldown_ns);
    due_ns_ = behind_ || out_ < options_.backpressure
                  ? kNever
                  : std::max(next_drop_ns_, deadline_after(now_ns, look_after_ns()));
    return behind_ != before;
  }
  // When time alone may change the limit; kNever: it can't.
  std::int64_t due_ns() const { return due_ns_; }

  std::uint64_t limit() const { return behind_ ? options_.min : options_.max; }
  bool behind() const { return behind_; }
  void set_backpressure(std::uint64_t pending) {
    options_.backpressure = std::max<std::uint64_t>(pending, 1);
  }

 private:
  // Often enough that a drop comes within an eighth of slow_after_ns.
  std::int64_t look_after_ns() const {
    return std::max<std::int64_t>(options_.slow_after_ns / 8, 1);
  }

  ReactiveOptions options_;
  SlidingCount recent_;  // passed within the last slow_after_ns
  std::uint64_t out_ = 0;
  bool behind_ = false;
  std::int64_t next_drop_ns_ = 0;
  std::int64_t due_ns_ = kNever;
};

}  // namespace mayfly
