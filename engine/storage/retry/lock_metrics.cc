#include "mayfly/storage/retry/lock_metrics.h"

#include <cmath>

#include "mayfly/storage/machine_clock.h"
#include "mayfly/storage/timestamp.h"

namespace mayfly {

void DatabaseLockMetrics::on_lock_error() {
  const std::int64_t second = clock_.now_ns() / kSecond;
  const std::int64_t wall_us = clock_.wall_us();
  const std::lock_guard lock(mutex_);
  ++totals_.total_lock_errors;
  last_error_us_ = wall_us;
  Second& slot = seconds_[static_cast<std::size_t>(second) % kSeconds];
  if (slot.number != second) slot = {second, 0};
  ++slot.errors;
}

void DatabaseLockMetrics::on_retry() {
  const std::lock_guard lock(mutex_);
  ++totals_.total_retries;
}

void DatabaseLockMetrics::on_failure() {
  const std::lock_guard lock(mutex_);
  ++totals_.total_failures;
}

void DatabaseLockMetrics::on_success_after_retry() {
  const std::lock_guard lock(mutex_);
  ++totals_.total_successes_after_retry;
}

LockMetrics DatabaseLockMetrics::get() const {
  const std::int64_t now = clock_.now_ns() / kSecond;
  const std::lock_guard lock(mutex_);
  LockMetrics metrics = totals_;
  if (last_error_us_ != 0) metrics.last_lock_error = iso8601(last_error_us_);
  std::uint64_t recent = 0;
  for (const Second& slot : seconds_) {
    if (slot.number > now - static_cast<std::int64_t>(kSeconds)) recent += slot.errors;
  }
  metrics.error_rate_per_minute = std::round(static_cast<double>(recent) * 100 / kMinutes) / 100;
  return metrics;
}

void DatabaseLockMetrics::reset() {
  const std::lock_guard lock(mutex_);
  totals_ = {};
  last_error_us_ = 0;
  seconds_.fill({});
}

DatabaseLockMetrics& process_lock_metrics() {
  // Never destroyed: a call may be made after main().
  static auto& metrics = *new DatabaseLockMetrics(machine_clock());
  return metrics;
}

}  // namespace mayfly
