#include "mayfly/policy/circuit_breaker_policy.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <vector>

#include "mayfly/base/rng.h"

namespace mayfly {
namespace {

constexpr std::int64_t kStart = 100 * kSecond;

TEST_CASE("breaker: opens at the threshold's failure within the window, and not before (C149)") {
  CircuitBreakerPolicy breaker({.threshold = 5, .window_ns = 30 * kSecond});
  for (int i = 0; i < 4; ++i) breaker.failed(kStart + i * kSecond);
  CHECK(breaker.state(kStart + 4 * kSecond) == BreakerState::kClosed);
  CHECK(breaker.retry_after_ns(kStart + 4 * kSecond) == 0);
  breaker.failed(kStart + 4 * kSecond);
  CHECK(breaker.state(kStart + 4 * kSecond) == BreakerState::kOpen);
  CHECK(breaker.retry_after_ns(kStart + 4 * kSecond) == 30 * kSecond);
  CHECK_FALSE(breaker.try_begin(kStart + 5 * kSecond));
  CHECK(breaker.failures(kStart + 5 * kSecond) == 5);
}

TEST_CASE("breaker: failures that have left the window don't count") {
  CircuitBreakerPolicy breaker({.threshold = 2, .window_ns = 10 * kSecond});
  breaker.failed(kStart);
  breaker.failed(kStart + 10 * kSecond);
  CHECK(breaker.state(kStart + 10 * kSecond) == BreakerState::kClosed);
  breaker.failed(kStart + 20 * kSecond - 1);
  CHECK(breaker.state(kStart + 20 * kSecond - 1) == BreakerState::kOpen);
}

TEST_CASE("breaker: half-open lets a bounded number of probes out, and their success closes it") {
  CircuitBreakerPolicy breaker(
      {.threshold = 1, .open_ns = kSecond, .probes = 2, .probes_to_close = 3});
  breaker.failed(kStart);
  CHECK_FALSE(breaker.try_begin(kStart + kSecond - 1));
  const std::int64_t now = kStart + kSecond;
  CHECK(breaker.try_begin(now));
  CHECK(breaker.try_begin(now));
  CHECK_FALSE(breaker.try_begin(now));
  breaker.succeeded(now);
  breaker.succeeded(now);
  CHECK(breaker.state(now) == BreakerState::kHalfOpen);
  CHECK(breaker.try_begin(now));
  breaker.succeeded(now);
  CHECK(breaker.state(now) == BreakerState::kClosed);
  // What made it open is forgotten.
  CHECK(breaker.failures(now) == 0);
}

TEST_CASE("breaker: one failed probe opens it for as long again") {
  CircuitBreakerPolicy breaker({.threshold = 1, .open_ns = kSecond, .probes = 2});
  breaker.failed(kStart);
  CHECK(breaker.try_begin(kStart + kSecond));
  breaker.failed(kStart + kSecond);
  CHECK(breaker.state(kStart + kSecond) == BreakerState::kOpen);
  CHECK(breaker.next_change_ns() == kStart + 2 * kSecond);
}

TEST_CASE("breaker: a probe without an answer can't keep it half-open for ever") {
  CircuitBreakerPolicy breaker(
      {.threshold = 1, .open_ns = kSecond, .probe_timeout_ns = 5 * kSecond});
  breaker.failed(kStart);
  CHECK(breaker.try_begin(kStart + kSecond));
  CHECK(breaker.next_change_ns() == kStart + 6 * kSecond);
  CHECK_FALSE(breaker.try_begin(kStart + 6 * kSecond - 1));
  CHECK(breaker.state(kStart + 6 * kSecond) == BreakerState::kOpen);
  CHECK(breaker.try_begin(kStart + 7 * kSecond));
  // One that ended without a word frees its place.
  breaker.abandoned(kStart + 7 * kSecond);
  CHECK(breaker.probes_out() == 0);
  CHECK(breaker.try_begin(kStart + 7 * kSecond));
}

TEST_CASE("breaker: consecutive failures are those without a success between them") {
  CircuitBreakerPolicy breaker(
      {.mode = BreakerOptions::Mode::kConsecutive, .threshold = 3, .window_ns = kSecond});
  for (int i = 0; i < 2; ++i) breaker.failed(kStart);
  breaker.succeeded(kStart);
  for (int i = 0; i < 2; ++i) breaker.failed(kStart + i * kSecond);
  CHECK(breaker.state(kStart + 2 * kSecond) == BreakerState::kClosed);
  breaker.failed(kStart + 3 * kSecond);
  CHECK(breaker.state(kStart + 3 * kSecond) == BreakerState::kOpen);
}

TEST_CASE("breaker: a ratio counts once there are enough calls") {
  CircuitBreakerPolicy breaker(
      {.mode = BreakerOptions::Mode::kRatio, .ratio = 0.5, .min_calls = 10});
  for (int i = 0; i < 5; ++i) breaker.failed(kStart);
  for (int i = 0; i < 4; ++i) breaker.succeeded(kStart);
  CHECK(breaker.state(kStart) == BreakerState::kClosed);
  breaker.failed(kStart);
  CHECK(breaker.state(kStart) == BreakerState::kOpen);
}

TEST_CASE("breaker: a success that took too long is a failure") {
  CircuitBreakerPolicy breaker({.threshold = 1, .slow_call_ns = kSecond});
  breaker.succeeded(kStart, kSecond);
  CHECK(breaker.state(kStart) == BreakerState::kClosed);
  breaker.succeeded(kStart, kSecond + 1);
  CHECK(breaker.state(kStart) == BreakerState::kOpen);
}

TEST_CASE("breaker: a forced state stays, whatever happens, until it is released") {
  CircuitBreakerPolicy breaker({.threshold = 1, .open_ns = kSecond});
  breaker.force(BreakerState::kForcedClosed);
  breaker.failed(kStart);
  CHECK(breaker.try_begin(kStart));
  breaker.force(BreakerState::kForcedOpen);
  CHECK_FALSE(breaker.try_begin(kStart + 1000 * kSecond));
  CHECK(breaker.retry_after_ns(kStart + 1000 * kSecond) == kNever);
  breaker.release();
  CHECK(breaker.try_begin(kStart + 1000 * kSecond));
  CHECK_THROWS_AS(breaker.force(BreakerState::kOpen), std::invalid_argument);
}

TEST_CASE("breaker: failures that are restored count by their own age") {
  CircuitBreakerPolicy breaker({.threshold = 3, .window_ns = 30 * kSecond});
  breaker.note_failure(kStart - 31 * kSecond, kStart);
  breaker.note_failure(kStart - 29 * kSecond, kStart);
  breaker.note_failure(kStart - 1 * kSecond, kStart);
  CHECK(breaker.failures(kStart) == 2);
  breaker.failed(kStart);
  CHECK(breaker.state(kStart) == BreakerState::kOpen);
}

TEST_CASE("breaker: another threshold counts at once") {
  CircuitBreakerPolicy breaker({.threshold = 5, .window_ns = 30 * kSecond});
  for (int i = 0; i < 3; ++i) breaker.failed(kStart);
  breaker.set_threshold(4, kStart);
  CHECK(breaker.state(kStart) == BreakerState::kClosed);
  breaker.set_threshold(3, kStart);
  CHECK(breaker.state(kStart) == BreakerState::kOpen);
}

// Fails each probe that it lets out from `now` to `end`, asking as often as a driver may. When the
// probes were.
std::vector<std::int64_t> failed_probes(CircuitBreakerPolicy& breaker, std::int64_t now,
                                        std::int64_t end) {
  std::vector<std::int64_t> probes;
  for (; now < end; now += kMillisecond) {
    breaker.drain(now, end);
    if (!breaker.try_begin(now)) continue;
    breaker.failed(now);
    probes.push_back(now);
  }
  return probes;
}

TEST_CASE("breaker: a drain tries at once, then after pauses that double, up to a second") {
  CircuitBreakerPolicy breaker({.threshold = 1, .open_ns = 30 * kSecond});
  breaker.failed(kStart);
  const auto probes = failed_probes(breaker, kStart, kStart + 10 * kSecond);
  REQUIRE(probes.size() > 9);
  std::int64_t at = kStart;
  for (std::size_t i = 0; i < 9; ++i) {
    CHECK(probes[i] == at);
    at += std::min((10 * kMillisecond) << i, kSecond);
  }
  // The last ones come closer to each other, so that what is let go can still be written.
  CHECK(probes.size() < 30);
  CHECK(probes.back() >= kStart + 10 * kSecond - 20 * kMillisecond);
}

TEST_CASE("breaker: a drain pauses no longer than it would be open, and than what is left") {
  CircuitBreakerPolicy hasty({.threshold = 1, .open_ns = 2 * kMillisecond});
  hasty.failed(kStart);
  hasty.drain(kStart, kStart + kSecond);
  CHECK(hasty.try_begin(kStart));
  hasty.failed(kStart);
  CHECK(hasty.next_change_ns() == kStart + 2 * kMillisecond);

  CircuitBreakerPolicy late({.threshold = 1, .open_ns = 30 * kSecond});
  late.failed(kStart);
  late.drain(kStart, kStart + 4 * kMillisecond);
  CHECK(late.try_begin(kStart));
  late.failed(kStart);
  CHECK(late.next_change_ns() == kStart + 4 * kMillisecond);
  // Nobody asks it any more, or it would have to wait all the same.
  CHECK(late.try_begin(kStart + 4 * kMillisecond));
  late.failed(kStart + 4 * kMillisecond);
  CHECK(late.next_change_ns() == kStart + 24 * kMillisecond);
}

TEST_CASE("breaker: what closes it in a drain lets the next failure be tried soon again") {
  CircuitBreakerPolicy breaker({.threshold = 1, .open_ns = 30 * kSecond});
  breaker.drain(kStart, kStart + 60 * kSecond);
  breaker.failed(kStart);
  std::int64_t now = kStart;
  for (int i = 0; i < 5; ++i) {
    now = breaker.next_change_ns();
    CHECK(breaker.try_begin(now));
    breaker.failed(now);
  }
  now = breaker.next_change_ns();
  CHECK(breaker.try_begin(now));
  breaker.succeeded(now);
  breaker.failed(now);
  CHECK(breaker.next_change_ns() == now + 10 * kMillisecond);
  CHECK_FALSE(breaker.try_begin(now));
}

TEST_CASE("breaker: a probe that is lost counts as a failure, once") {
  CircuitBreakerPolicy breaker(
      {.threshold = 3, .open_ns = kSecond, .probes = 2, .probe_timeout_ns = 5 * kSecond});
  for (int i = 0; i < 3; ++i) breaker.failed(kStart);
  CHECK(breaker.try_begin(kStart + kSecond));
  CHECK(breaker.try_begin(kStart + kSecond));
  CHECK(breaker.failures(kStart + 6 * kSecond) == 3);  // the newest
  CHECK(breaker.probes_lost() == 1);
  breaker.set_threshold(4, kStart + 6 * kSecond);
  breaker.note_failure(kStart + 6 * kSecond, kStart + 6 * kSecond);
  CHECK(breaker.failures(kStart + 6 * kSecond) == 4);
  CHECK(breaker.probes_lost() == 1);
  // Not what the three failures left behind, which are out of the window by now.
  CHECK(breaker.failures(kStart + 31 * kSecond) == 2);
}

TEST_CASE("breaker: options out of range are refused") {
  const auto refused = [](const BreakerOptions& options) {
    CHECK_THROWS_AS(CircuitBreakerPolicy{options}, std::invalid_argument);
  };
  refused({.threshold = 0});
  refused({.ratio = 0});
  refused({.ratio = 1.01});
  refused({.ratio = std::numeric_limits<double>::quiet_NaN()});
  refused({.min_calls = 0});
  refused({.window_ns = 0});
  refused({.open_ns = -1});
  refused({.probes = 0});
  refused({.probes_to_close = 0});
  refused({.probe_timeout_ns = 0});
  refused({.slow_call_ns = -1});
}

TEST_CASE("breaker: whatever happens, some call may begin within the times that it names") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Rng rng(seed);
    CircuitBreakerPolicy breaker({.mode = static_cast<BreakerOptions::Mode>(seed % 3),
                                  .threshold = 3,
                                  .min_calls = 4,
                                  .open_ns = kSecond,
                                  .probes = 1 + static_cast<std::uint32_t>(seed % 4),
                                  .probes_to_close = 1 + static_cast<std::uint32_t>(seed % 5),
                                  .probe_timeout_ns = 3 * kSecond});
    std::int64_t now = kStart;
    std::int64_t last_begun = now;
    for (int i = 0; i < 20'000; ++i) {
      now += static_cast<std::int64_t>(rng.below(200 * kMillisecond));
      const bool begun = breaker.try_begin(now);
      if (begun) last_begun = now;
      CHECK(breaker.probes_out() <= breaker.options().probes);
      // Open for 1 s; or half-open, full of probes that are lost, for 3 s, and open for 1 s more.
      REQUIRE(now - last_begun <= 4 * kSecond + 400 * kMillisecond);
      if (!begun) continue;
      switch (rng.below(4)) {
        case 0:
          breaker.failed(now);
          break;
        case 1:
          breaker.succeeded(now);
          break;
        case 2:
          breaker.abandoned(now);
          break;
        default:
          break;  // lost
      }
    }
  }
}

TEST_CASE("newest times: kept in order, though they come out of order") {
  NewestTimes times(3, 10);
  for (const std::int64_t at : {5, 3, 4}) times.add(at);
  CHECK(times.full(12));
  CHECK(times.full_until_ns() == 13);
  CHECK_FALSE(times.full(13));
  times.add(2);  // older than all, and there is no room
  CHECK(times.full(12));
  times.add(9);
  CHECK(times.count(13) == 3);
  CHECK(times.count(14) == 2);
  times.resize(2);
  CHECK(times.full(14));
  CHECK(times.full_until_ns() == 15);
}

TEST_CASE("sliding count: what has left the window is forgotten, slice by slice") {
  SlidingCount count(64);
  count.add(100, 3);
  count.add(130);
  CHECK(count.count(163) == 4);
  CHECK(count.count(164) == 1);
  CHECK(count.count(194) == 0);
  count.add(1000);
  CHECK(count.count(1'000'000) == 0);
}

}  // namespace
}  // namespace mayfly
