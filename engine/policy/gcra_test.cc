#include "mayfly/policy/gcra.h"

#include <doctest/doctest.h>

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

namespace mayfly {
namespace {

constexpr std::int64_t kStart = 1'000'000 * kSecond;

TEST_CASE("gcra: a burst at once, then one an interval") {
  Gcra gcra({.events = 10, .per_ns = kSecond, .burst = 3});
  for (int i = 0; i < 3; ++i) CHECK(gcra.try_acquire(kStart));
  CHECK_FALSE(gcra.try_acquire(kStart));
  CHECK(gcra.wait_ns(kStart) >= 100 * kMillisecond);
  CHECK(gcra.wait_ns(kStart) <= 100 * kMillisecond + 200 * kMicrosecond);
  CHECK_FALSE(gcra.try_acquire(kStart + 99 * kMillisecond));
  CHECK(gcra.try_acquire(kStart + gcra.wait_ns(kStart)));
  CHECK_FALSE(gcra.try_acquire(kStart + 101 * kMillisecond));
  // Idle: the burst is there again, and no more.
  CHECK(gcra.acquire_some(kStart + 3600 * kSecond, 100) == 3);
}

TEST_CASE("gcra: several events are allowed together or not at all") {
  Gcra gcra({.events = 1, .per_ns = kSecond, .burst = 5});
  CHECK(gcra.try_acquire(kStart, 4));
  CHECK_FALSE(gcra.try_acquire(kStart, 2));
  CHECK(gcra.acquire_some(kStart, 2) == 1);
  CHECK(gcra.acquire_some(kStart, 2) == 0);
}

TEST_CASE("gcra: over ten million decisions no interval is lost or won, whatever the rate") {
  for (const Rate rate : {Rate{.events = 3'000'000, .per_ns = kSecond, .burst = 2},
                          Rate{.events = 7, .per_ns = 3 * kMicrosecond, .burst = 100},
                          Rate{.events = 999'999'937, .per_ns = kSecond, .burst = 1000}}) {
    Gcra gcra(rate);
    constexpr std::uint64_t kDecisions = 10'000'000;
    // At a moment by which just so many emissions are over.
    const auto later =
        static_cast<std::int64_t>(static_cast<unsigned __int128>(kDecisions) *
                                  static_cast<std::uint64_t>(rate.per_ns) / rate.events);
    const std::int64_t begin = 100 * kSecond;
    std::uint64_t allowed = gcra.acquire_some(begin, rate.burst);
    // A look comes before the burst is full again: then every emission can be had.
    const auto step =
        static_cast<std::int64_t>(static_cast<unsigned __int128>(rate.burst) *
                                  static_cast<std::uint64_t>(rate.per_ns) / rate.events / 2);
    for (std::int64_t now = begin; now < begin + later; now += step) {
      allowed += gcra.acquire_some(now, rate.burst);
    }
    allowed += gcra.acquire_some(begin + later, rate.burst);
    const std::uint64_t wanted = kDecisions + rate.burst;
    CHECK(allowed + 1 >= wanted);
    CHECK(allowed <= wanted + 1);
  }
}

TEST_CASE("gcra: threads that decide at once are allowed what one would be") {
  // Interleaving aimed at: two threads load the same TAT, and one of the exchanges fails.
  Gcra gcra({.events = 1'000'000, .per_ns = kSecond, .burst = 1});
  std::atomic<std::int64_t> now{kStart};
  std::atomic<std::uint64_t> allowed{0};
  constexpr std::int64_t kEnd = kStart + kSecond / 4;
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      std::uint64_t mine = 0;
      for (std::int64_t at = 0; (at = now.fetch_add(100)) < kEnd;) mine += gcra.try_acquire(at);
      allowed.fetch_add(mine);
    });
  }
  threads.clear();
  // Time goes in steps of a tenth of an interval; a thread that comes late asks with an old time.
  CHECK(allowed.load() <= 250'001);
  CHECK(allowed.load() >= 225'000);
}

TEST_CASE("gcra: another rate counts from now on, and what was used stays used") {
  Gcra gcra({.events = 10, .per_ns = kSecond, .burst = 10});
  CHECK(gcra.acquire_some(kStart, 10) == 10);
  gcra.set_rate({.events = 100, .per_ns = kSecond, .burst = 10}, kStart);
  CHECK(gcra.acquire_some(kStart, 10) == 0);
  CHECK(gcra.acquire_some(kStart + 51 * kMillisecond, 10) == 5);
}

TEST_CASE("gcra: blocked until a time, it goes on one by one") {
  Gcra gcra({.events = 10, .per_ns = kSecond, .burst = 10});
  gcra.block_until(kStart + kSecond);
  CHECK(gcra.acquire_some(kStart + kSecond - kMillisecond, 10) == 0);
  CHECK(gcra.acquire_some(kStart + kSecond + kMillisecond, 10) == 1);
  // An earlier time doesn't unblock.
  gcra.block_until(kStart);
  CHECK(gcra.acquire_some(kStart + kSecond + 2 * kMillisecond, 10) == 0);
}

TEST_CASE(
    "gcra: a rate of any number of events is told to a hundredth, within what a rate can be") {
  const auto same = [](const Rate& rate, std::uint64_t events, std::int64_t per_ns) {
    return rate.events == events && rate.per_ns == per_ns && rate.burst == 7;
  };
  CHECK(same(rate_of(2.5, kSecond, 7), 250, 100 * kSecond));
  CHECK(same(rate_of(0.001, kSecond, 7), 1, 100 * kSecond));
  CHECK(same(rate_of(5e8, kSecond, 7), 500'000'000, kSecond));
  CHECK(same(rate_of(1e12, kSecond, 7), 1'000'000'000, kSecond));
  CHECK(same(rate_of(10, 2, 7), 200, 200));
  CHECK(same(rate_of(3, 300LL * 24 * 3600 * kSecond, 7), 3, 300LL * 24 * 3600 * kSecond));
  for (const double events : {1e-300, 0.0, 1e300}) Gcra(rate_of(events, 1, 0));
}

TEST_CASE("gcra: rates out of range are refused") {
  CHECK_THROWS_AS(Gcra({.events = 0}), std::invalid_argument);
  CHECK_THROWS_AS(Gcra({.events = 2, .per_ns = 1}), std::invalid_argument);
  CHECK_THROWS_AS(Gcra({.per_ns = 0}), std::invalid_argument);
  CHECK_THROWS_AS(Gcra({.burst = 0}), std::invalid_argument);
}

}  // namespace
}  // namespace mayfly
