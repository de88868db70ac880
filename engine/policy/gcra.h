// Gcra: so many events a time, with a burst: the generic cell rate algorithm, without a lock.
//
// An event may happen when the theoretical arrival time (TAT) of the next one isn't further ahead
// than the burst. Allowing one moves the TAT by one emission interval: one compare-exchange.
//
// EXACT    The TAT is counted in 1/1024 of an emission, not in nanoseconds, so that a rate whose
//          interval is no whole number of them (3 a second) loses nothing from one decision to the
//          next; now_ns is converted with a relative error of 2^-61.
// THREADS  try_acquire, wait_ns: any, at once. set_rate: nothing else meanwhile.
// TIME     Passed in, in any order.
// SOURCE   ITU-T I.371, annex A (virtual scheduling).
#pragma once

#include <atomic>
#include <cstdint>

#include "mayfly/base/clock.h"

namespace mayfly {

// `events` in every `per_ns`, of which `burst` may come at once.
struct Rate {
  std::uint64_t events = 1;       // 1 to 10^9
  std::int64_t per_ns = kSecond;  // 1 ns to 365 days; not more than one event a nanosecond
  std::uint64_t burst = 1;        // 1 to 10^9
};

// A rate of any number of events (above 0) in every per_ns, to a hundredth where that can be said;
// what is out of Rate's range is its nearest end.
Rate rate_of(double events, std::int64_t per_ns, std::uint64_t burst);

class Gcra {
 public:
  // std::invalid_argument: out of range.
  explicit Gcra(const Rate& rate);

  // Whether `events` (at most the burst) may happen now; then they have.
  bool try_acquire(std::int64_t now_ns, std::uint64_t events = 1) {
    const std::int64_t now = units_at(now_ns);
    const auto cost = static_cast<std::int64_t>(events) * kUnits;
    std::int64_t arrival = arrival_.load(std::memory_order_relaxed);
    for (;;) {
      const std::int64_t next = (arrival > now ? arrival : now) + cost;
      if (next - now > burst_units_) return false;
      if (arrival_.compare_exchange_weak(arrival, next, std::memory_order_relaxed)) return true;
    }
  }
  // As many of `events` as may happen now; then they have.
  std::uint64_t acquire_some(std::int64_t now_ns, std::uint64_t events);
  // How long until `events` might be allowed; 0: now. Rounded up: waiting for it is enough.
  std::int64_t wait_ns(std::int64_t now_ns, std::uint64_t events = 1) const;

  const Rate& rate() const { return rate_; }
  // From now on. What the burst has left is scaled, so that a lower rate forgives nothing.
  void set_rate(const Rate& rate, std::int64_t now_ns);
  // None before then, and not as a burst after it.
  void block_until(std::int64_t until_ns);

 private:
  static constexpr std::int64_t kUnits = 1024;  // of one emission

  void apply(const Rate& rate);
  std::int64_t units_at(std::int64_t now_ns) const {
    return static_cast<std::int64_t>(
        (static_cast<unsigned __int128>(now_ns < 0 ? 0 : now_ns) * multiplier_) >> shift_);
  }

  Rate rate_;
  std::uint64_t multiplier_ = 0;  // units a nanosecond, times 2^shift_
  unsigned shift_ = 0;
  std::int64_t burst_units_ = 0;
  std::atomic<std::int64_t> arrival_{0};
};

}  // namespace mayfly
