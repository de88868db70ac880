#include <doctest/doctest.h>

#include <atomic>
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "mayfly/signal/signal_sink.h"

namespace mayfly {
namespace {

// Aims at a reset() that comes between the start and the end of a call on another thread: with a
// shard of its own, and without.
void end_while_listener_runs(SignalSinkOptions options) {
  ManualClock clock;
  SignalSink sink(clock, options);
  std::latch entered(1);
  std::latch may_leave(1);
  std::atomic<bool> finished{false};
  const auto held = std::make_shared<int>(0);
  auto subscription = sink.subscribe("x", [&, held](const SignalEvent&) {
    entered.count_down();
    may_leave.wait();
    finished.store(true);
  });
  std::jthread raiser([&] { sink.raise("x"); });
  entered.wait();
  std::latch ending(1);
  std::jthread ender([&] {
    ending.count_down();
    subscription.reset();
    CHECK(finished.load());
    CHECK(held.use_count() == 1);
  });
  ending.wait();
  sink.raise("y");  // nobody is in the way of others meanwhile
  may_leave.count_down();
}

TEST_CASE("subscription threads: ending one waits for its call on another thread") {
  end_while_listener_runs({});
  end_while_listener_runs({.shards_max = 0});
}

// Aims at a reset() of a subscription that isn't called, while another's call never ends: it must
// not wait for that.
TEST_CASE("subscription threads: ending one doesn't wait for the calls of others") {
  ManualClock clock;
  SignalSink sink(clock);
  std::latch entered(1);
  std::latch may_leave(1);
  int calls = 0;
  const auto slow = sink.subscribe("x", [&](const SignalEvent&) {
    entered.count_down();
    may_leave.wait();
  });
  auto other = sink.subscribe("x", [&](const SignalEvent&) { ++calls; });
  std::jthread raiser([&] { sink.raise("x"); });
  entered.wait();
  other.reset();
  may_leave.count_down();
  raiser.join();
  CHECK(calls == 0);  // it was ended before its turn
}

// Aims at two listeners that run at once, each of which ends the other's subscription.
TEST_CASE("subscription threads: two listeners that end each other don't wait for each other") {
  ManualClock clock;
  SignalSink sink(clock);
  std::latch both(2);
  const auto held = std::make_shared<int>(0);
  SignalSubscription a;
  SignalSubscription b;
  a = sink.subscribe("a", [&, held](const SignalEvent&) {
    both.arrive_and_wait();
    b.reset();
  });
  b = sink.subscribe("b", [&, held](const SignalEvent&) {
    both.arrive_and_wait();
    a.reset();
  });
  std::jthread raise_a([&] { sink.raise("a"); });
  std::jthread raise_b([&] { sink.raise("b"); });
  raise_a.join();
  raise_b.join();
  CHECK_FALSE(a);
  CHECK_FALSE(b);
  sink.raise("a");
  sink.raise("b");
}

// Aims at tables that are replaced between a raiser's look at the pointer and its call, and at
// tables that are freed while a slot still names them. A listener whose subscription has ended is
// poisoned.
void churn(SignalSinkOptions options) {
  constexpr int kRounds = 1'500;
  ManualClock clock;
  SignalSink sink(clock, options);
  std::atomic<bool> done{false};
  std::atomic<std::uint64_t> steady{0};
  std::atomic<std::uint64_t> raised{0};
  const auto always = sink.subscribe("tick*", [&](const SignalEvent&) { steady.fetch_add(1); });
  std::vector<std::jthread> raisers;
  for (int t = 0; t < 3; ++t) {
    raisers.emplace_back([&, t] {
      for (int i = 0; !done.load(); ++i) {
        if (i % 64 == 0) sink.raise("new." + std::to_string(t) + '.' + std::to_string(i % 9'000));
        sink.raise("tick");
        sink.raise("tick:7");
        raised.fetch_add(2);
      }
    });
  }
  for (int round = 0; round < kRounds; ++round) {
    struct Guarded {
      std::atomic<bool> alive{true};
    };
    auto guarded = std::make_unique<Guarded>();
    auto subscription =
        sink.subscribe(round % 2 == 0 ? "tick" : "*:7", [&state = *guarded](const SignalEvent&) {
          if (!state.alive.load()) throw 0;
        });
    if (round % 8 == 0) std::this_thread::yield();
    subscription.reset();
    guarded->alive.store(false);
    guarded.reset();  // asan and tsan see whoever comes later
  }
  done.store(true);
  raisers.clear();
  CHECK(steady.load() == raised.load());
  CHECK(sink.listener_failures() == 0);
}

TEST_CASE("subscription threads: subscribing and ending while others raise") {
  churn({});
  churn({.shards_max = 1});
}

// Aims at a raise that happens after a subscription: it is told, whatever thread it is on.
TEST_CASE("subscription threads: a raise that happens after subscribe is heard") {
  ManualClock clock;
  SignalSink sink(clock);
  for (int i = 0; i < 200; ++i) {
    std::atomic<int> calls{0};
    std::latch subscribed(1);
    std::jthread raiser([&] {
      subscribed.wait();
      sink.raise("x");
    });
    const auto subscription = sink.subscribe("x", [&](const SignalEvent&) { calls.fetch_add(1); });
    subscribed.count_down();
    raiser.join();
    REQUIRE(calls.load() == 1);
  }
}

// Aims at the last of two calls that end at once, of a subscription that was ended from within.
TEST_CASE("subscription threads: the last call to end destroys a listener that ended itself") {
  for (int i = 0; i < 50; ++i) {
    ManualClock clock;
    SignalSink sink(clock);
    const auto held = std::make_shared<int>(0);
    std::latch both(2);
    std::mutex ending;
    SignalSubscription subscription;
    subscription = sink.subscribe("x", [&, held](const SignalEvent&) {
      both.arrive_and_wait();
      const std::lock_guard lock(ending);
      subscription.reset();
    });
    std::jthread first([&] { sink.raise("x"); });
    std::jthread second([&] { sink.raise("x"); });
    first.join();
    second.join();
    CHECK_FALSE(subscription);
    sink.raise("x");
  }
}

// Aims at tables that threads which raise no more still name: each keeps one at most.
TEST_CASE(
    "subscription threads: superseded tables are freed, but one for each thread that raised") {
  constexpr int kThreads = 4;
  ManualClock clock;
  const StemTable stems(1'000);
  SignalDelivery delivery(stems);
  const auto change = [&] {
    delivery.add(std::make_shared<Subscriber>(
        "*", [](const SignalEvent&) {}, false));
  };
  change();
  for (std::uint32_t slot = 0; slot < kThreads; ++slot) {
    CHECK_FALSE(delivery.find(slot, StemId{0}, false).empty());
    change();
  }
  for (int i = 0; i < 100; ++i) change();
  CHECK(delivery.superseded_tables() == kThreads);
  for (std::uint32_t slot = 0; slot < kThreads; ++slot) {
    CHECK_FALSE(delivery.find(slot, StemId{0}, false).empty());
  }
  change();
  CHECK(delivery.superseded_tables() == 1);
}

}  // namespace
}  // namespace mayfly
