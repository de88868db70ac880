// RetryPolicy: whether to try again, and when: exponential backoff with jitter that never exceeds
// the cap, a number of retries, a deadline for all of it.
//
// Arithmetic alone: time comes in as what has passed, chance as a generator of the caller's.
// THREADS  Immutable, so any thread may ask; a generator belongs to one thread at a time.
// SOURCE   M. Brooker, "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015), in the form
//          with a share of jitter to both sides.
#pragma once

#include <cstdint>
#include <optional>

#include "mayfly/base/clock.h"
#include "mayfly/base/rng.h"

namespace mayfly {

// The defaults are the seed's.
struct RetryOptions {
  static constexpr std::uint32_t kUnlimited = UINT32_MAX;

  std::uint32_t max_retries = 3;  // after the first attempt
  std::int64_t initial_delay_ns = 100 * kMillisecond;
  double multiplier = 2;  // of each delay to the one before; at least 1
  std::int64_t max_delay_ns = 2 * kSecond;
  // A delay is chosen within this share of itself to both sides, and then capped; 0 to 1. Callers
  // that met once shouldn't meet again.
  double jitter = 0.25;
  // From the beginning of the first attempt. The last attempt begins when it is reached; none does
  // afterwards. 0: none.
  std::int64_t deadline_ns = 0;
};

class RetryPolicy {
 public:
  // std::invalid_argument: a delay that is negative, a multiplier below 1, a jitter outside 0 to 1.
  explicit RetryPolicy(const RetryOptions& options);

  const RetryOptions& options() const { return options_; }

  // Before retry number `retry` (from 0), without jitter.
  std::int64_t delay_ns(std::uint32_t retry) const;
  // How long to wait before that retry, when elapsed_ns have passed since the first attempt began.
  // nullopt: no more attempts.
  std::optional<std::int64_t> next_delay_ns(std::uint32_t retry, std::int64_t elapsed_ns,
                                            Rng& rng) const;

 private:
  RetryOptions options_;
};

}  // namespace mayfly
