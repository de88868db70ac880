// Time as an argument. Production passes SystemClock, tests a ManualClock; nothing else reads a clock.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace mayfly {

constexpr std::int64_t kNanosecond = 1;
constexpr std::int64_t kMicrosecond = 1'000;
constexpr std::int64_t kMillisecond = 1'000'000;
constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kNever = INT64_MAX;

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual std::int64_t now_ns() const = 0;   // monotonic
  virtual std::int64_t wall_us() const = 0;  // microseconds since 1970, UTC
};

class SystemClock final : public Clock {
 public:
  std::int64_t now_ns() const override {
    return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
  }
  std::int64_t wall_us() const override {
    return std::chrono::system_clock::now().time_since_epoch() / std::chrono::microseconds(1);
  }
};

// Stands still until it is moved. Starts at 1 s, so that 0 can mean "none" where a header says so.
class ManualClock final : public Clock {
 public:
  std::int64_t now_ns() const override { return now_ns_.load(std::memory_order_relaxed); }
  std::int64_t wall_us() const override { return kEpochUs + now_ns() / kMicrosecond; }
  void advance(std::int64_t ns) { now_ns_.fetch_add(ns, std::memory_order_relaxed); }

 private:
  static constexpr std::int64_t kEpochUs = 1'700'000'000'000'000;
  std::atomic<std::int64_t> now_ns_{kSecond};
};

}  // namespace mayfly
