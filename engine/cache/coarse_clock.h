// CoarseClock: the system's clock for caches, at an eighth of SystemClock's price.
//
// The time of the kernel's last tick, so up to about 4 ms old (10 on some kernels;
// CLOCK_MONOTONIC_COARSE, clock_gettime(2)). With it an entry may be served that much longer than
// its time, and a deadline passes that much later. The times are SystemClock's: both may be used
// together.
//
// THREADS    Any.
#pragma once

#include <time.h>

#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "mayfly/base/clock.h"

namespace mayfly {

class CoarseClock final : public Clock {
 public:
  // Ticks are at most so far apart.
  static constexpr std::int64_t kTickNs = 10 * kMillisecond;

  std::int64_t now_ns() const override {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return now.tv_sec * kSecond + now.tv_nsec;
  }
  std::int64_t wall_us() const override { return exact_.wall_us(); }
  void wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& wake,
                  std::int64_t deadline_ns) const override {
    // A tick later this clock has reached the deadline too: its callers needn't ask again.
    const bool never = deadline_ns >= kNever - kTickNs;
    exact_.wait_until(lock, wake, never ? kNever : deadline_ns + kTickNs);
  }

 private:
  SystemClock exact_;
};

}  // namespace mayfly
