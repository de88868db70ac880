// RetryTimes: RetryOptions whose times are durations, and stand wherever those do.
//
//   using namespace std::chrono_literals;
//   with_db_retry(save, {.retry = RetryTimes{.initial_delay = 100ms, .max_delay = 2.5s}});
//
// Durations become the nearest whole nanosecond; those beyond 292 years are as long as that.
// THREADS  Any.
#pragma once

#include <chrono>
#include <cstdint>

#include "mayfly/policy/retry_policy.h"

namespace mayfly {

struct RetryTimes {
  using Seconds = std::chrono::duration<double>;

  std::uint32_t max_retries = RetryOptions{}.max_retries;
  Seconds initial_delay = std::chrono::nanoseconds(RetryOptions{}.initial_delay_ns);
  double multiplier = RetryOptions{}.multiplier;
  Seconds max_delay = std::chrono::nanoseconds(RetryOptions{}.max_delay_ns);
  double jitter = RetryOptions{}.jitter;
  Seconds deadline = std::chrono::nanoseconds(RetryOptions{}.deadline_ns);

  constexpr operator RetryOptions() const {
    return {.max_retries = max_retries,
            .initial_delay_ns = whole_ns(initial_delay),
            .multiplier = multiplier,
            .max_delay_ns = whole_ns(max_delay),
            .jitter = jitter,
            .deadline_ns = whole_ns(deadline)};
  }

 private:
  // What is no number is refused by RetryPolicy as a negative one is.
  static constexpr std::int64_t whole_ns(Seconds time) {
    constexpr double kMost = 9.2e18;
    const double ns = time.count() * 1e9;
    if (ns != ns) return -1;
    if (ns <= -kMost) return INT64_MIN;
    return ns >= kMost ? INT64_MAX : static_cast<std::int64_t>(ns < 0 ? ns - 0.5 : ns + 0.5);
  }
};

}  // namespace mayfly
