#include "mayfly/patterns/retry.h"

#include <doctest/doctest.h>

#include <atomic>
#include <stdexcept>

#include "mayfly/work/work_fixture.h"

namespace mayfly {
namespace {

constexpr RetryOptions kAtOnce{.initial_delay_ns = 0, .jitter = 0};

std::string told(SignalSink& sink) {
  std::string names;
  for (const Signal& signal : sink.sense("retry.*")) names += signal.name + " ";
  return names;
}

TEST_CASE("retry work: calls again until it succeeds (C128, P14)") {
  std::atomic<int> calls{0};
  RetryWork<int> work(
      [&](int) {
        if (calls.fetch_add(1) < 2) throw std::runtime_error("not yet");
      },
      {.retry = kAtOnce});
  CHECK(work.execute(1).ok());
  CHECK(calls.load() == 3);
  CHECK(work.stats().completed == 1);
  CHECK(work.stats().retries == 2);
  CHECK(told(work.signals()) ==
        "retry.attempt.failed retry.attempt.failed retry.succeeded.after.retry ");
}

TEST_CASE("retry work: three retries make four attempts, and then it has failed") {
  std::atomic<int> calls{0};
  RetryWork<int> work(
      [&](int) -> Status {
        calls.fetch_add(1);
        return {Code::kIo, "the line is dead"};
      },
      {.retry = kAtOnce});
  const Status failed = work.execute(1);
  CHECK(failed.message() == "the line is dead");
  CHECK(calls.load() == 4);
  CHECK(work.stats().failed == 1);
  CHECK(told(work.signals()).ends_with("retry.attempt.failed retry.exhausted "));
}

TEST_CASE("retry work: while an item waits for its next attempt, others have its place") {
  ManualClock clock;
  std::atomic<int> others{0};
  std::atomic<int> calls{0};
  RetryWork<int> work(
      [&](int item) {
        if (item == 0 && calls.fetch_add(1) == 0) throw std::runtime_error("later");
        if (item > 0) others.fetch_add(1);
      },
      {.retry = {.initial_delay_ns = kSecond, .jitter = 0}, .max_concurrency = 1, .clock = &clock});
  REQUIRE(work.enqueue(0).ok());
  until([&] { return work.stats().retries == 1; });
  for (int i = 1; i <= 5; ++i) REQUIRE(work.enqueue(i).ok());
  until([&] { return others.load() == 5; });
  CHECK(calls.load() == 1);
  clock.advance(kSecond);
  REQUIRE(work.drain().ok());
  CHECK(calls.load() == 2);
  CHECK(work.stats().completed == 6);
  CHECK(work.drain().ok());
  CHECK(work.enqueue(9).status().code() == Code::kUsage);
}

TEST_CASE("retry work: an open breaker refuses, and the body isn't called (C131)") {
  ManualClock clock;
  CircuitBreaker breaker({.threshold = 1, .open_ns = 10 * kSecond}, clock);
  std::atomic<int> calls{0};
  RetryWork<int> work(
      [&](int) {
        calls.fetch_add(1);
        throw std::runtime_error("down");
      },
      {.retry = {.max_retries = 0}, .breaker = &breaker, .clock = &clock});
  CHECK_FALSE(work.execute(1).ok());
  const auto refused = work.enqueue(2);
  CHECK(refused.status().code() == Code::kUnavailable);
  CHECK(refused.status().message() ==
        "the circuit is open after too many failures; try again in 10000 ms");
  CHECK(calls.load() == 1);
}

TEST_CASE("retry work: attempts that a breaker doesn't let begin are made later, and not counted") {
  ManualClock clock;
  CircuitBreaker breaker({.threshold = 1, .open_ns = kSecond}, clock);
  std::atomic<bool> works{false};
  std::atomic<int> calls{0};
  RetryWork<int> work(
      [&](int) {
        calls.fetch_add(1);
        if (!works.load()) throw std::runtime_error("down");
      },
      {.retry = {.max_retries = 1, .initial_delay_ns = 0, .jitter = 0},
       .breaker = &breaker,
       .clock = &clock});
  REQUIRE(work.enqueue(1).ok());
  until([&] { return work.stats().retries == 1; });
  works.store(true);
  CHECK(calls.load() == 1);
  until([&] {
    clock.advance(100 * kMillisecond);
    return work.stats().pending == 0;
  });
  CHECK(work.stats().completed == 1);
  CHECK(calls.load() == 2);
}

TEST_CASE("retry work: what is refused") {
  CHECK(refusal([] { RetryWork<int>([](int) {}, {.capacity = 0}); }) ==
        "retry: expected a capacity of 1 or more, found 0");
  CHECK(refusal([] { RetryWork<int>([](int) {}, {.retry = {.multiplier = 0.5}}); }) != "");
}

}  // namespace
}  // namespace mayfly
