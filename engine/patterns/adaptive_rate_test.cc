#include "mayfly/patterns/adaptive_rate.h"

#include <doctest/doctest.h>

#include <atomic>

#include "mayfly/work/work_fixture.h"

namespace mayfly {
namespace {

using namespace std::chrono_literals;

TEST_CASE("adaptive rate: the retry-after of a signal's name") {
  CHECK(try_parse_retry_after("rate-limit:250ms") == std::chrono::nanoseconds(250ms));
  CHECK(try_parse_retry_after("rate-limit:0ms") == std::chrono::nanoseconds(0));
  for (const char* none : {"rate-limit", "rate-limit:", "rate-limit:ms", "rate-limit:250",
                           "rate-limit:-1ms", "rate-limit:1.5ms", "rate-limit:2s"}) {
    CAPTURE(none);
    CHECK_FALSE(try_parse_retry_after(none));
  }
}

TEST_CASE(
    "adaptive rate: nothing begins before the retry-after, then the item is tried again (P12)") {
  ManualClock clock;
  std::atomic<int> tries{0};
  AdaptiveRate<int> work(
      [&](int) {
        if (tries.fetch_add(1) == 0) throw RateLimitError("too many", 250ms);
      },
      {.max_concurrency = 1, .clock = &clock});
  for (int i = 0; i < 2; ++i) REQUIRE(work.enqueue(i).ok());
  // Not the signal: it is in the window before the pace hears of it.
  until([&] { return work.blocked_until_ns() == clock.now_ns() + 250 * kMillisecond; });
  CHECK(work.signals().detect("rate-limit:250ms"));
  CHECK(tries.load() == 1);
  clock.advance(249 * kMillisecond);
  CHECK(tries.load() == 1);
  clock.advance(kMillisecond);
  REQUIRE(work.drain().ok());
  CHECK(tries.load() == 3);
  CHECK(work.stats().completed == 2);
}

TEST_CASE("adaptive rate: signals of others block and cut it, and quiet time gives the rate back") {
  ManualClock clock;
  SignalSink sink(clock);
  AdaptiveRate<int> work(
      [](int) {},
      {.rate = 100, .step = 0.25, .quiet_ns = kSecond, .signals = &sink, .clock = &clock});
  CHECK(work.rate() == 100);
  sink.raise("rate-limit:10ms");
  CHECK(work.rate() == 50);
  // Of the same moment: said twice, counted once.
  sink.raise("rate-limit");
  CHECK(work.rate() == 50);
  clock.advance(2 * kSecond);
  REQUIRE(work.enqueue(1).ok());
  REQUIRE(work.drain().ok());
  CHECK(work.rate() == 100);
}

TEST_CASE("adaptive rate: items begin at the rate, and a burst at once") {
  ManualClock clock;
  std::atomic<int> ran{0};
  AdaptiveRate<int> work([&](int) { ran.fetch_add(1); },
                         {.max_concurrency = 1, .rate = 10, .burst = 3, .clock = &clock});
  for (int i = 0; i < 8; ++i) REQUIRE(work.enqueue(i).ok());
  until([&] { return ran.load() == 3; });
  for (int i = 4; i <= 8; ++i) {
    clock.advance(101 * kMillisecond);
    until([&] { return ran.load() == i; });
  }
  REQUIRE(work.drain().ok());
}

TEST_CASE("adaptive rate: an item that is always refused fails, and a cancelled one doesn't wait") {
  AdaptiveRate<int> work([](int) { throw RateLimitError("never", 0ms); }, {.max_tries = 3});
  REQUIRE(work.enqueue(1).ok());
  REQUIRE(work.drain().ok());
  REQUIRE(work.coordinator().failed().size() == 1);
  CHECK(work.coordinator().failed()[0].error == "never; tried 3 times");

  ManualClock clock;
  AdaptiveRate<int> waiting([](int) {}, {.max_concurrency = 1, .rate = 0.001, .clock = &clock});
  for (int i = 0; i < 2; ++i) REQUIRE(waiting.enqueue(i).ok());
  until([&] { return waiting.stats().completed == 1; });
  waiting.coordinator().cancel();
  REQUIRE(waiting.drain().ok());
  CHECK(waiting.stats().completed == 1);
}

TEST_CASE("adaptive rate: values out of range are refused") {
  const auto with = [](AdaptiveRateOptions options) {
    return refusal([&] { AdaptiveRate<int>([](int) {}, options); });
  };
  CHECK(with({.rate = -1}) == "adaptive rate: expected a rate of 0 (none) to 1,000,000 a second");
  CHECK(with({.max_tries = 0}) ==
        "adaptive rate: expected a retry-after of 0 or more and at least 1 try");
  CHECK(with({.rate = 1, .cut = 1}) != "");
}

}  // namespace
}  // namespace mayfly
