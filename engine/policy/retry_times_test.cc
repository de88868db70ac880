#include "mayfly/policy/retry_times.h"

#include <doctest/doctest.h>

#include <limits>
#include <stdexcept>

namespace mayfly {
namespace {

using namespace std::chrono_literals;

TEST_CASE("retry times: the defaults are those of the options") {
  const RetryOptions made = RetryTimes{};
  const RetryOptions own;
  CHECK(made.max_retries == own.max_retries);
  CHECK(made.initial_delay_ns == own.initial_delay_ns);
  CHECK(made.multiplier == own.multiplier);
  CHECK(made.max_delay_ns == own.max_delay_ns);
  CHECK(made.jitter == own.jitter);
  CHECK(made.deadline_ns == own.deadline_ns);
}

TEST_CASE("retry times: seconds, their parts and whatever else is a duration become nanoseconds") {
  const RetryOptions made =
      RetryTimes{.max_retries = 5, .initial_delay = 150ms, .max_delay = 2.5s, .deadline = 1min};
  CHECK(made.max_retries == 5);
  CHECK(made.initial_delay_ns == 150 * kMillisecond);
  CHECK(made.max_delay_ns == 2'500 * kMillisecond);
  CHECK(made.deadline_ns == 60 * kSecond);
  CHECK(RetryOptions(RetryTimes{.max_delay = 1.001s}).max_delay_ns == 1'001 * kMillisecond);
  CHECK(RetryOptions(RetryTimes{.max_delay = 1e300s}).max_delay_ns == kNever);
}

TEST_CASE("retry times: what is negative, or no number, is refused by the policy") {
  CHECK_THROWS_AS(RetryPolicy(RetryTimes{.initial_delay = -1s}), std::invalid_argument);
  CHECK_THROWS_AS(RetryPolicy(RetryTimes{.initial_delay = RetryTimes::Seconds(
                                             std::numeric_limits<double>::quiet_NaN())}),
                  std::invalid_argument);
}

}  // namespace
}  // namespace mayfly
