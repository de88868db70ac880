// DatabaseLockMetrics: how often callers met another connection's lock, and what became of them.
//
// One retried at most as often as it met a lock, so total_retries <= total_lock_errors.
// THREADS  Any; a mutex, taken only when a lock was met.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <string>

#include "mayfly/base/clock.h"

namespace mayfly {

// The seed's figures.
struct LockMetrics {
  std::uint64_t total_lock_errors = 0;
  std::uint64_t total_retries = 0;
  std::uint64_t total_failures = 0;  // calls that gave up over a lock
  std::uint64_t total_successes_after_retry = 0;
  std::string last_lock_error;       // ISO 8601; empty: none
  double error_rate_per_minute = 0;  // of the last five minutes, two decimals
};

class DatabaseLockMetrics {
 public:
  explicit DatabaseLockMetrics(const Clock& clock) : clock_(clock) {}
  DatabaseLockMetrics(const DatabaseLockMetrics&) = delete;
  DatabaseLockMetrics& operator=(const DatabaseLockMetrics&) = delete;

  void on_lock_error();
  void on_retry();
  void on_failure();
  void on_success_after_retry();

  LockMetrics get() const;
  void reset();

 private:
  static constexpr std::int64_t kMinutes = 5;
  static constexpr std::size_t kSeconds = kMinutes * 60;

  // The lock errors of one second; a slot is used again when its second has gone by.
  struct Second {
    std::int64_t number = -1;
    std::uint64_t errors = 0;
  };

  const Clock& clock_;
  mutable std::mutex mutex_;
  LockMetrics totals_;  // without the rate
  std::int64_t last_error_us_ = 0;
  std::array<Second, kSeconds> seconds_;
};

// Where calls count that name no other: one a process, as the seed has it.
DatabaseLockMetrics& process_lock_metrics();

}  // namespace mayfly
