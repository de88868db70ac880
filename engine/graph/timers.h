// Timers: the 64 timers of one node; each is off or due once.
//
// THREADS  The node's activation, and the driver between activations. Times are the engine clock's,
//          in nanoseconds.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "mayfly/base/clock.h"

namespace mayfly {

class Timers {
 public:
  static constexpr std::uint32_t kCount = 64;

  bool none() const { return set_ == 0; }
  // timer < kCount. A timer that is set already becomes due at the new time.
  void set(std::uint32_t timer, std::int64_t due_ns) {
    due_ns_[timer] = due_ns;
    set_ |= 1ull << timer;
  }
  void cancel(std::uint32_t timer) { set_ &= ~(1ull << timer); }

  // Those that are due, a bit each; they are off from now on.
  std::uint64_t take_due(std::int64_t now_ns) {
    std::uint64_t due = 0;
    for (std::uint64_t left = set_; left != 0; left &= left - 1) {
      const int timer = std::countr_zero(left);
      if (due_ns_[static_cast<std::size_t>(timer)] <= now_ns) due |= 1ull << timer;
    }
    set_ &= ~due;
    return due;
  }
  // kNever when all are off.
  std::int64_t next_due_ns() const {
    std::int64_t next_ns = kNever;
    for (std::uint64_t left = set_; left != 0; left &= left - 1) {
      next_ns = std::min(next_ns, due_ns_[static_cast<std::size_t>(std::countr_zero(left))]);
    }
    return next_ns;
  }

 private:
  std::array<std::int64_t, kCount> due_ns_{};
  std::uint64_t set_ = 0;
};

}  // namespace mayfly
