#include <doctest/doctest.h>

#include <atomic>
#include <latch>
#include <string>
#include <thread>
#include <vector>

#include "mayfly/signal/pattern_set.h"
#include "mayfly/signal/signal_sink.h"

namespace mayfly {
namespace {

// P21. Aims at whoever would wait for a query: this one stands still in its visitor until all else
// has been done; with a lock held, the test would hang.
TEST_CASE("P21: a query that stands still hinders no raise, no query and no change of the window") {
  ManualClock clock;
  SignalSink sink(clock, {.capacity = 100});
  const PatternSet set(sink, "busy");
  sink.raise("first");
  sink.raise("second");
  std::latch inside(1);
  std::latch go_on(1);
  std::vector<std::string> seen;
  std::jthread reader([&] {
    sink.visit("*", [&](const SignalView& signal) {
      if (seen.empty()) inside.count_down();
      go_on.wait();
      seen.emplace_back(signal.name);
      return true;
    });
  });
  inside.wait();
  for (int i = 0; i < 90; ++i) sink.raise("busy");
  CHECK(sink.count("busy") == 90);
  CHECK(sink.sense("second").size() == 1);
  CHECK(set.any_present());
  CHECK(sink.retract("busy") == 90);
  CHECK(sink.clear_pattern("second").value() == 1);
  sink.resize(10'000, kSecond);
  for (int i = 0; i < 5'000; ++i) sink.raise("more");
  CHECK(sink.count("more") == 5'000);
  go_on.count_down();
  reader.join();
  // What was cleared meanwhile isn't shown any more; what came later belongs to later queries.
  CHECK(seen == std::vector<std::string>{"first"});
}

// P21. Aims at readers of every kind beside raising threads: each sees no more than the window
// holds, and what it counts is whole.
TEST_CASE("P21: queries of every kind run beside raises") {
  constexpr int kThreads = 3;
  constexpr int kRaises = 5'000;
  constexpr std::size_t kCapacity = 600;
  ManualClock clock;
  SignalSink sink(clock, {.capacity = kCapacity});
  const PatternSet set(sink, "tick.*:*9");
  std::atomic<int> running{kThreads};
  std::latch start(kThreads + 1);
  std::vector<std::jthread> raisers;
  for (int t = 0; t < kThreads; ++t) {
    raisers.emplace_back([&, t] {
      start.arrive_and_wait();
      for (int i = 0; i < kRaises; ++i) {
        sink.raise("tick.t" + std::to_string(t) + ":" + std::to_string(i),
                   static_cast<OperationId>(t + 1));
        clock.advance(1);
      }
      running.fetch_sub(1);
    });
  }
  start.arrive_and_wait();
  std::vector<Signal> buffer;
  while (running.load() > 0) {
    CHECK(sink.count("tick.*") <= kCapacity);
    CHECK(sink.count("*9") <= kCapacity);
    CHECK(set.count() <= kCapacity);
    set.any_present();
    std::int64_t last = 0;
    for (const Signal& signal : sink.sense_into(buffer, "tick.t?:*")) {
      REQUIRE(signal.name[6] - '0' == static_cast<int>(signal.operation) - 1);
      REQUIRE(signal.at_ns >= last);
      last = signal.at_ns;
    }
    for (const Signal& signal : sink.sense_operation(2)) REQUIRE(signal.operation == 2);
    const auto summary = sink.operation_summary(1);
    if (summary) {
      CHECK(summary->count <= kCapacity);
      CHECK(summary->first_ns <= summary->last_ns);
    }
  }
  CHECK(sink.count("tick.*") == kCapacity);
  CHECK(sink.count("tick.*:*9") == set.count());
}

}  // namespace
}  // namespace mayfly
