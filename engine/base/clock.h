// Time as an argument. Production passes SystemClock, tests a ManualClock; nothing else reads a
// clock.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace mayfly {

constexpr std::int64_t kNanosecond = 1;
constexpr std::int64_t kMicrosecond = 1'000;
constexpr std::int64_t kMillisecond = 1'000'000;
constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kNever = INT64_MAX;

// When a time that begins then is over; kNever stays kNever. Neither is negative.
constexpr std::int64_t deadline_after(std::int64_t begin_ns, std::int64_t time_ns) {
  return time_ns > kNever - begin_ns ? kNever : begin_ns + time_ns;
}

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual std::int64_t now_ns() const = 0;   // monotonic
  virtual std::int64_t wall_us() const = 0;  // microseconds since 1970, UTC
  // Sleeps on `wake` until it is notified or deadline_ns (of now_ns; kNever) is reached. May return
  // early for no reason: look again, and call again. `lock` is held before and after.
  virtual void wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& wake,
                          std::int64_t deadline_ns) const = 0;
};

// The machine's clocks.
class SystemClock final : public Clock {
 public:
  std::int64_t now_ns() const override {
    return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
  }
  std::int64_t wall_us() const override {
    return std::chrono::system_clock::now().time_since_epoch() / std::chrono::microseconds(1);
  }
  void wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& wake,
                  std::int64_t deadline_ns) const override {
    if (deadline_ns == kNever) {
      wake.wait(lock);
    } else {
      using Time = std::chrono::steady_clock::time_point;
      wake.wait_until(lock, Time(std::chrono::nanoseconds(deadline_ns)));
    }
  }
};

// Stands still until it is moved. Starts at 1 s, so that 0 can mean "none" where a header says so.
class ManualClock final : public Clock {
 public:
  std::int64_t now_ns() const override { return now_ns_.load(std::memory_order_relaxed); }
  std::int64_t wall_us() const override { return kEpochUs + now_ns() / kMicrosecond; }
  void advance(std::int64_t ns) { now_ns_.fetch_add(ns, std::memory_order_relaxed); }
  // Whoever moves the time doesn't know who waits for it: a waiter looks again every millisecond.
  void wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& wake,
                  std::int64_t deadline_ns) const override {
    if (deadline_ns == kNever) {
      wake.wait(lock);
    } else if (now_ns() < deadline_ns) {
      wake.wait_for(lock, std::chrono::milliseconds(1));
    }
  }

 private:
  static constexpr std::int64_t kEpochUs = 1'700'000'000'000'000;
  std::atomic<std::int64_t> now_ns_{kSecond};
};

}  // namespace mayfly
