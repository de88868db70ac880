// How many events a moving window holds: exactly up to a number, or by slices without a limit.
//
// Arithmetic alone: time comes in and never goes back (an earlier time counts as the latest one).
// MEMORY   Fixed at construction.
// THREADS  One at a time.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "mayfly/base/clock.h"

namespace mayfly {

// The times of the newest `capacity` events: whether that many are in the window, exactly.
class NewestTimes {
 public:
  // capacity >= 1, window_ns >= 1
  NewestTimes(std::size_t capacity, std::int64_t window_ns)
      : times_(capacity), window_ns_(window_ns) {}

  void add(std::int64_t at_ns) {
    // Kept in order, though a restored one may be older than those that came meanwhile.
    if (size_ == times_.size()) {
      if (at_ns <= at(0)) return;
      first_ = (first_ + 1) % times_.size();
      --size_;
    }
    std::size_t i = size_++;
    for (; i > 0 && at(i - 1) > at_ns; --i) at(i) = at(i - 1);
    at(i) = at_ns;
  }
  void clear() { size_ = 0; }
  // The newest stay; allocates.
  void resize(std::size_t capacity) {
    std::vector<std::int64_t> times(capacity);
    const std::size_t kept = std::min(capacity, size_);
    for (std::size_t i = 0; i < kept; ++i) times[i] = at(size_ - kept + i);
    times_.swap(times);
    first_ = 0;
    size_ = kept;
  }
  // An event leaves the window when it is window_ns old.
  bool full(std::int64_t now_ns) const { return size_ == times_.size() && in_window(0, now_ns); }
  std::size_t count(std::int64_t now_ns) const {
    std::size_t left = 0;
    while (left < size_ && !in_window(left, now_ns)) ++left;
    return size_ - left;
  }
  // When full() turns false; only meant while it is true.
  std::int64_t full_until_ns() const { return deadline_after(at(0), window_ns_); }

 private:
  std::int64_t& at(std::size_t i) { return times_[(first_ + i) % times_.size()]; }
  std::int64_t at(std::size_t i) const { return times_[(first_ + i) % times_.size()]; }
  bool in_window(std::size_t i, std::int64_t now_ns) const { return now_ns - at(i) < window_ns_; }

  std::vector<std::int64_t> times_;
  std::int64_t window_ns_;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

// Counts by 64 slices of the window: what it says is that of a window between 63/64 and 1 of its
// length.
class SlidingCount {
 public:
  explicit SlidingCount(std::int64_t window_ns)
      : slice_ns_(std::max<std::int64_t>(window_ns / kSlices, 1)) {}

  void add(std::int64_t now_ns, std::uint64_t events = 1) {
    advance(now_ns);
    counts_[slot_] += events;
    total_ += events;
  }
  std::uint64_t count(std::int64_t now_ns) {
    advance(now_ns);
    return total_;
  }
  void clear() {
    counts_.fill(0);
    total_ = 0;
  }

 private:
  static constexpr std::size_t kSlices = 64;

  void advance(std::int64_t now_ns) {
    const std::int64_t slice = now_ns / slice_ns_;
    if (slice <= slice_) return;
    const auto passed = static_cast<std::uint64_t>(slice - slice_);
    slice_ = slice;
    if (passed >= kSlices) {
      clear();
      return;
    }
    for (std::uint64_t i = 0; i < passed; ++i) {
      slot_ = (slot_ + 1) % kSlices;
      total_ -= counts_[slot_];
      counts_[slot_] = 0;
    }
  }

  std::int64_t slice_ns_;
  std::int64_t slice_ = 0;
  std::size_t slot_ = 0;
  std::array<std::uint64_t, kSlices> counts_{};
  std::uint64_t total_ = 0;
};

}  // namespace mayfly
