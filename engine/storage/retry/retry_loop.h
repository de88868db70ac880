// RetryLoop: one call's attempts: counts them, waits between them, says when to give up.
//
// THREADS  The caller's. Another may request a stop, which ends a wait.
#pragma once

#include <cstdint>
#include <stop_token>

#include "mayfly/base/clock.h"
#include "mayfly/base/rng.h"
#include "mayfly/policy/retry_policy.h"
#include "mayfly/storage/db_error.h"
#include "mayfly/storage/retry/lock_metrics.h"

namespace mayfly {

class RetryLoop {
 public:
  // All of them outlive the loop. seed: of the jitter; 0: another one for each loop.
  RetryLoop(const RetryPolicy& policy, const Clock& clock, DatabaseLockMetrics& metrics,
            std::uint64_t seed, std::stop_token stop);

  // After an attempt that failed: whether to try again, once this has waited.
  bool again(const DbError& error);
  // After one that didn't.
  void succeeded();
  // The last attempt's error, with what was tried: `error` itself if it isn't about a lock.
  DbError given_up(DbError error) const;

 private:
  bool wait(std::int64_t delay_ns);

  const RetryPolicy& policy_;
  const Clock& clock_;
  DatabaseLockMetrics& metrics_;
  Rng rng_;
  const std::stop_token stop_;
  const std::int64_t began_ns_;
  std::uint32_t retries_ = 0;
  std::int64_t waited_ns_ = 0;
};

}  // namespace mayfly
