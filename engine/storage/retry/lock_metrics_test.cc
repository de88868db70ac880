#include "mayfly/storage/retry/lock_metrics.h"

#include <doctest/doctest.h>

namespace mayfly {
namespace {

TEST_CASE("lock metrics: the rate is of the last five minutes, a minute's share") {
  ManualClock clock;
  DatabaseLockMetrics metrics(clock);
  CHECK(metrics.get().error_rate_per_minute == 0);
  CHECK(metrics.get().last_lock_error.empty());
  for (int i = 0; i < 7; ++i) metrics.on_lock_error();
  CHECK(metrics.get().error_rate_per_minute == 1.4);
  clock.advance(299 * kSecond);
  metrics.on_lock_error();
  CHECK(metrics.get().error_rate_per_minute == 1.6);
  clock.advance(1 * kSecond);
  CHECK(metrics.get().error_rate_per_minute == 0.2);
  // Its slot is another second's now.
  metrics.on_lock_error();
  CHECK(metrics.get().error_rate_per_minute == 0.4);
  clock.advance(1000 * kSecond);
  CHECK(metrics.get().error_rate_per_minute == 0);
  CHECK(metrics.get().total_lock_errors == 9);
}

TEST_CASE("lock metrics: the last error's time is the wall's, and a reset forgets everything") {
  ManualClock clock;
  DatabaseLockMetrics metrics(clock);
  metrics.on_lock_error();
  metrics.on_retry();
  metrics.on_failure();
  metrics.on_success_after_retry();
  const LockMetrics before = metrics.get();
  CHECK(before.last_lock_error == "2023-11-14T22:13:21.000000Z");
  CHECK(before.total_retries == 1);
  CHECK(before.total_failures == 1);
  CHECK(before.total_successes_after_retry == 1);
  metrics.reset();
  const LockMetrics after = metrics.get();
  CHECK(after.total_lock_errors == 0);
  CHECK(after.total_retries == 0);
  CHECK(after.total_failures == 0);
  CHECK(after.total_successes_after_retry == 0);
  CHECK(after.last_lock_error.empty());
  CHECK(after.error_rate_per_minute == 0);
}

}  // namespace
}  // namespace mayfly
