#include "mayfly/policy/aimd_rate.h"

#include <doctest/doctest.h>

#include <limits>

#include "mayfly/policy/retry_after.h"

namespace mayfly {
namespace {

AimdRate hundred() {
  return AimdRate({.max = 100,
                   .min = 20,
                   .factor = 0.5,
                   .step = 0.1,
                   .quiet_ns = 5 * kSecond,
                   .cooldown_ns = kSecond});
}

TEST_CASE("aimd: a cut halves the rate, down to the minimum") {
  AimdRate rate = hundred();
  CHECK(rate.rate() == 100);
  CHECK(rate.cut(10 * kSecond));
  CHECK(rate.rate() == 50);
  CHECK(rate.cut(12 * kSecond));
  CHECK(rate.rate() == 25);
  CHECK(rate.cut(14 * kSecond));
  CHECK(rate.rate() == 20);
  CHECK_FALSE(rate.cut(16 * kSecond));
}

TEST_CASE("aimd: cuts that come together are one, and put the increase off") {
  AimdRate rate = hundred();
  CHECK(rate.cut(10 * kSecond));
  CHECK_FALSE(rate.cut(11 * kSecond - 1));
  CHECK(rate.rate() == 50);
  CHECK(rate.due_ns() == 16 * kSecond - 1);
}

TEST_CASE("aimd: each quiet time adds a step, until the rate is back") {
  AimdRate rate = hundred();
  rate.cut(10 * kSecond);
  CHECK(rate.due_ns() == 15 * kSecond);
  CHECK_FALSE(rate.advance(15 * kSecond - 1));
  CHECK(rate.advance(15 * kSecond));
  CHECK(rate.rate() == 60);
  CHECK(rate.due_ns() == 20 * kSecond);
  // Who looks late finds as much as who looked in time.
  CHECK(rate.advance(31 * kSecond));
  CHECK(rate.rate() == 90);
  CHECK(rate.advance(1000 * kSecond));
  CHECK(rate.rate() == 100);
  CHECK(rate.due_ns() == kNever);
}

TEST_CASE("aimd: another maximum counts at once, what was cut stays cut") {
  AimdRate rate = hundred();
  CHECK(rate.set_max(200));
  CHECK(rate.rate() == 200);
  rate.cut(10 * kSecond);
  CHECK_FALSE(rate.set_max(400));
  CHECK(rate.rate() == 100);
  CHECK(rate.advance(15 * kSecond));
  CHECK(rate.rate() == 140);
  CHECK(rate.set_max(10));
  CHECK(rate.rate() == 10);  // though the minimum is above
  CHECK(rate.due_ns() == kNever);
}

TEST_CASE("aimd: values out of range are refused") {
  CHECK_THROWS_AS(AimdRate({.max = 0}), std::invalid_argument);
  CHECK_THROWS_AS(AimdRate({.min = 0}), std::invalid_argument);
  CHECK_THROWS_AS(AimdRate({.factor = 1}), std::invalid_argument);
  CHECK_THROWS_AS(AimdRate({.factor = std::numeric_limits<double>::quiet_NaN()}),
                  std::invalid_argument);
  CHECK_THROWS_AS(AimdRate({.step = 0}), std::invalid_argument);
  CHECK_THROWS_AS(AimdRate({.quiet_ns = 0}), std::invalid_argument);
}

TEST_CASE("retry after: a signal says for how long behind its first colon, in ms") {
  CHECK(parse_retry_after_ns("rate-limit:250ms") == 250 * kMillisecond);
  CHECK(parse_retry_after_ns("rate-limit:0ms") == 0);
  CHECK(parse_retry_after_ns("rate-limit:99999999999999999999ms") == kNever);
  for (const char* none : {"rate-limit", "rate-limit:", "rate-limit:ms", "rate-limit:250",
                           "rate-limit:-1ms", "rate-limit:2.5ms", "rate-limit:a:250ms"}) {
    CAPTURE(none);
    CHECK_FALSE(parse_retry_after_ns(none));
  }
}

}  // namespace
}  // namespace mayfly
