#include "mayfly/policy/retry_policy.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace mayfly {
namespace {

constexpr std::int64_t kMs = kMillisecond;

TEST_CASE("retry policy: delays grow by the multiplier up to the cap") {
  const RetryPolicy policy({.initial_delay_ns = 100 * kMs, .max_delay_ns = 2 * kSecond});
  CHECK(policy.delay_ns(0) == 100 * kMs);
  CHECK(policy.delay_ns(1) == 200 * kMs);
  CHECK(policy.delay_ns(4) == 1600 * kMs);
  CHECK(policy.delay_ns(5) == 2 * kSecond);
  CHECK(policy.delay_ns(1'000'000'000) == 2 * kSecond);
  const RetryPolicy constant({.initial_delay_ns = 50 * kMs, .multiplier = 1});
  CHECK(constant.delay_ns(1'000'000) == 50 * kMs);
  const RetryPolicy forever({.max_delay_ns = kNever});
  CHECK(forever.delay_ns(4000) == kNever);
}

TEST_CASE("retry policy: three retries make four attempts") {
  const RetryPolicy policy({});
  Rng rng(1);
  for (std::uint32_t retry = 0; retry < 3; ++retry) CHECK(policy.next_delay_ns(retry, 0, rng));
  CHECK_FALSE(policy.next_delay_ns(3, 0, rng));
  const RetryPolicy none({.max_retries = 0});
  CHECK_FALSE(none.next_delay_ns(0, 0, rng));
  const RetryPolicy unlimited({.max_retries = RetryOptions::kUnlimited});
  CHECK(unlimited.next_delay_ns(UINT32_MAX, 0, rng));
}

TEST_CASE("retry policy: jitter stays within its share and under the cap, and uses all of both") {
  constexpr std::uint64_t kSeed = 20261121;
  CAPTURE(kSeed);
  Rng rng(kSeed);
  const RetryPolicy policy({.max_retries = 20});
  std::int64_t least = kNever;
  std::int64_t most = 0;
  for (int i = 0; i < 10'000; ++i) {
    const std::int64_t delay = *policy.next_delay_ns(1, 0, rng);
    least = std::min(least, delay);
    most = std::max(most, delay);
    REQUIRE(*policy.next_delay_ns(9, 0, rng) <= 2 * kSecond);
    REQUIRE(*policy.next_delay_ns(9, 0, rng) >= 1500 * kMs);
  }
  CHECK(least >= 150 * kMs);
  CHECK(least < 151 * kMs);
  CHECK(most <= 250 * kMs);
  CHECK(most > 249 * kMs);
  const RetryPolicy exact({.jitter = 0});
  CHECK(exact.next_delay_ns(2, 0, rng) == 400 * kMs);
}

TEST_CASE("retry policy: the last attempt begins at the deadline, and none after it") {
  const RetryPolicy policy({.max_retries = RetryOptions::kUnlimited,
                            .initial_delay_ns = 100 * kMs,
                            .jitter = 0,
                            .deadline_ns = kSecond});
  Rng rng(1);
  CHECK(policy.next_delay_ns(0, 0, rng) == 100 * kMs);
  CHECK(policy.next_delay_ns(3, 900 * kMs, rng) == 100 * kMs);
  CHECK(policy.next_delay_ns(3, 999 * kMs, rng) == 1 * kMs);
  CHECK_FALSE(policy.next_delay_ns(3, kSecond, rng));
  CHECK_FALSE(policy.next_delay_ns(0, kNever, rng));
}

TEST_CASE("retry policy: delays, multipliers and jitters that mean nothing are refused") {
  for (const RetryOptions& options :
       {RetryOptions{.initial_delay_ns = -1}, RetryOptions{.multiplier = 0.5},
        RetryOptions{.multiplier = std::nan("")},
        RetryOptions{.multiplier = std::numeric_limits<double>::infinity()},
        RetryOptions{.max_delay_ns = -1}, RetryOptions{.jitter = -0.1}, RetryOptions{.jitter = 1.5},
        RetryOptions{.deadline_ns = -1}}) {
    CHECK_THROWS_AS(RetryPolicy{options}, std::invalid_argument);
  }
  CHECK_THROWS_WITH(RetryPolicy({.jitter = 2}),
                    "retry: expected a jitter of 0 to 1, found 2.000000");
}

}  // namespace
}  // namespace mayfly
