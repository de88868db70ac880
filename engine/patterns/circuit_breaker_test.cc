#include "mayfly/patterns/circuit_breaker.h"

#include <doctest/doctest.h>

#include <thread>
#include <vector>

#include "mayfly/work/work_coordinator.h"

namespace mayfly {
namespace {

using namespace std::chrono_literals;

TEST_CASE("signal breaker: closed, open with a time until it closes, closed again (C149)") {
  ManualClock clock;
  SignalSink sink(clock);
  const SignalBasedCircuitBreaker breaker(
      {.failure_signal = "api.failure", .threshold = 5, .window = 30s});
  for (int i = 0; i < 4; ++i) sink.raise("api.failure");
  CHECK_FALSE(breaker.is_open(sink));
  CHECK_FALSE(breaker.time_until_close(sink));
  clock.advance(10 * kSecond);
  sink.raise("api.failure");
  CHECK(breaker.is_open(sink));
  CHECK(breaker.failure_count(sink) == 5);
  CHECK(breaker.time_until_close(sink) == std::chrono::nanoseconds(20s));
  CHECK(breaker.is_open_matching(sink, "api.*"));
  CHECK_FALSE(breaker.is_open_matching(sink, "db.*"));
  clock.advance(20 * kSecond - 1);
  CHECK(breaker.is_open(sink));
  clock.advance(1);
  CHECK_FALSE(breaker.is_open(sink));
}

TEST_CASE("signal breaker: opens on what a coordinator's own operations raise (P11)") {
  ManualClock clock;
  WorkCoordinator<int> work({.max_concurrency = 1, .clock = &clock}, [](int& item, Operation& op) {
    if (item % 2 == 1) op.raise("api.failure");
  });
  const SignalBasedCircuitBreaker breaker({.failure_signal = "api.failure", .threshold = 3});
  for (int i = 0; i < 4; ++i) REQUIRE(work.enqueue(i).ok());
  REQUIRE(work.wait_until_idle().ok());
  CHECK_FALSE(breaker.is_open(work));
  REQUIRE(work.enqueue(5).ok());
  REQUIRE(work.wait_until_idle().ok());
  CHECK(breaker.is_open(work));
  CHECK(breaker.time_until_close(work) == std::chrono::nanoseconds(30s));
  // Others of the same sink aren't its operations'.
  clock.advance(30 * kSecond);
  for (int i = 0; i < 3; ++i) work.sink().raise("api.failure");
  CHECK_FALSE(breaker.is_open(work));
}

TEST_CASE("signal breaker: a blank signal, no threshold and no window are refused") {
  CHECK_THROWS_AS(SignalBasedCircuitBreaker({.failure_signal = " "}), std::invalid_argument);
  CHECK_THROWS_AS(SignalBasedCircuitBreaker({.threshold = 0}), std::invalid_argument);
  CHECK_THROWS_AS(SignalBasedCircuitBreaker({.window = 0ns}), std::invalid_argument);
}

TEST_CASE("circuit breaker: an open one doesn't call, and says when to come again (C131)") {
  ManualClock clock;
  SignalSink sink(clock);
  CircuitBreaker breaker({.threshold = 2, .open_ns = 10 * kSecond}, clock, &sink, "api");
  int calls = 0;
  const auto call = [&]() -> int { throw std::runtime_error(std::to_string(++calls)); };
  CHECK_THROWS_WITH(breaker.execute(call), "1");
  CHECK_THROWS_WITH(breaker.execute(call), "2");
  try {
    breaker.execute(call);
    FAIL("expected CircuitOpenError");
  } catch (const CircuitOpenError& error) {
    CHECK(error.retry_after() == std::chrono::nanoseconds(10s));
    CHECK(std::string(error.what()) == "api: the circuit is open after too many failures");
  }
  CHECK(calls == 2);
  CHECK(sink.detect("circuit-open:api"));

  clock.advance(10 * kSecond);
  CHECK(breaker.execute([] { return 7; }) == 7);
  CHECK(breaker.state() == BreakerState::kClosed);
  CHECK_FALSE(sink.detect("circuit-open:api"));
  std::string told;
  for (const Signal& signal : sink.sense("circuit-*")) told += signal.name + " ";
  CHECK(told ==
        "circuit-failure:api circuit-failure:api circuit-half-open:api circuit-closed:api ");
}

TEST_CASE("circuit breaker: a permit that is dropped says nothing, and frees the probe's place") {
  ManualClock clock;
  CircuitBreaker breaker({.threshold = 1, .open_ns = kSecond}, clock);
  breaker.try_begin().failed();
  CHECK(breaker.is_open());
  clock.advance(kSecond);
  {
    const auto probe = breaker.try_begin();
    CHECK(probe);
    CHECK_FALSE(breaker.try_begin());
  }
  auto probe = breaker.try_begin();
  CHECK(probe);
  probe.succeeded();
  CHECK(breaker.state() == BreakerState::kClosed);
  breaker.force(BreakerState::kForcedOpen);
  CHECK_FALSE(breaker.try_begin());
  CHECK_FALSE(breaker.retry_after());
  breaker.release();
  CHECK(breaker.try_begin());
}

TEST_CASE("circuit breaker: each failure is told once, also slow calls and probes that are lost") {
  ManualClock clock;
  SignalSink sink(clock);
  CircuitBreaker breaker({.threshold = 1,
                          .open_ns = 10 * kSecond,
                          .probe_timeout_ns = 5 * kSecond,
                          .slow_call_ns = kSecond},
                         clock, &sink);
  breaker.execute([&] { clock.advance(2 * kSecond); });
  CHECK(sink.count("circuit-failure") == 1);
  clock.advance(10 * kSecond);
  const auto lost = breaker.try_begin();
  CHECK(lost);
  clock.advance(5 * kSecond);
  CHECK(breaker.is_open());
  CHECK(breaker.is_open());
  CHECK(sink.count("circuit-failure") == 2);
}

TEST_CASE("circuit breaker: of many threads that meet it half-open, one is the probe") {
  // Interleaving aimed at: all ask at once just when it becomes half-open.
  ManualClock clock;
  CircuitBreaker breaker({.threshold = 1, .open_ns = kSecond}, clock);
  for (int round = 0; round < 200; ++round) {
    breaker.try_begin().failed();
    REQUIRE(breaker.is_open());
    clock.advance(kSecond);
    std::atomic<int> begun{0};
    std::vector<std::jthread> threads;
    std::vector<CircuitBreaker::Permit> kept;
    std::mutex mutex;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&] {
        auto permit = breaker.try_begin();
        if (!permit) return;
        begun.fetch_add(1);
        const std::lock_guard lock(mutex);
        kept.push_back(std::move(permit));
      });
    }
    threads.clear();
    REQUIRE(begun.load() == 1);
    kept.front().succeeded();
  }
}

}  // namespace
}  // namespace mayfly
