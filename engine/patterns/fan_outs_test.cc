// ControlledFanOut, DynamicConcurrency, KeyedPriorityFanOut, ReactiveFanOut.
#include <doctest/doctest.h>

#include <atomic>
#include <map>
#include <string>
#include <utility>

#include "mayfly/patterns/controlled_fan_out.h"
#include "mayfly/patterns/dynamic_concurrency.h"
#include "mayfly/patterns/keyed_priority_fan_out.h"
#include "mayfly/patterns/reactive_fan_out.h"
#include "mayfly/work/work_fixture.h"

namespace mayfly {
namespace {

using Keyed = std::pair<std::string, int>;
const auto kKeyOf = [](const Keyed& item) { return item.first; };

TEST_CASE("controlled fan-out: a global limit and one for each key, and both are reached (C140)") {
  std::map<std::string, Gate> gates;
  for (const char* key : {"a", "b", "c"}) gates[key];
  Gate all;
  ControlledFanOut<std::string, Keyed> work(kKeyOf,
                                            [&](const Keyed& item) {
                                              gates[item.first].enter();
                                              all.enter();
                                            },
                                            {.max_global = 2, .per_key = 1});
  for (auto& [key, gate] : gates) gate.open();
  for (const char* key : {"a", "a", "b", "b", "c"}) REQUIRE(work.enqueue(Keyed{key, 0}).ok());
  all.wait_for_inside(2);
  all.open();
  REQUIRE(work.drain().ok());
  CHECK(all.most_inside() == 2);
  for (auto& [key, gate] : gates) CHECK(gate.most_inside() == 1);
}

TEST_CASE("dynamic concurrency: follows signals up and down within its bounds (C141)") {
  ManualClock clock;
  SignalSink sink(clock);
  DynamicConcurrency<int> work([](int) {}, sink, {.min = 1, .max = 4, .clock = &clock});
  CHECK(work.current_max_concurrency() == 1);
  sink.raise("load.high");
  CHECK(work.current_max_concurrency() == 2);
  // Raised once it counts once, though it stays present.
  clock.advance(2 * kSecond);
  sink.raise("something.else");
  CHECK(work.current_max_concurrency() == 2);
  sink.raise("load.high");
  clock.advance(200 * kMillisecond);
  sink.raise("load.high");
  CHECK(work.current_max_concurrency() == 4);
  clock.advance(200 * kMillisecond);
  sink.raise("load.low");
  CHECK(work.current_max_concurrency() == 2);
  // Too soon: later.
  sink.raise("load.low");
  CHECK(work.current_max_concurrency() == 2);
  clock.advance(200 * kMillisecond);
  until([&] { return work.current_max_concurrency() == 1; });
}

TEST_CASE("dynamic concurrency: cycles of more and less never let more run than the limit (P10)") {
  ManualClock clock;
  SignalSink sink(clock);
  Gate gate;
  DynamicConcurrency<int> work([&](int) { gate.enter(); }, sink,
                               {.min = 2, .max = 8, .cooldown_ns = 0, .clock = &clock});
  for (int i = 0; i < 100; ++i) REQUIRE(work.enqueue(i).ok());
  for (int cycle = 0; cycle < 3; ++cycle) {
    for (int i = 0; i < 2; ++i) sink.raise("load.high");
    CHECK(work.current_max_concurrency() == 8);
    gate.wait_for_inside(8);
    for (int i = 0; i < 2; ++i) sink.raise("load.low");
    CHECK(work.current_max_concurrency() == 2);
    gate.let_pass(8);
    gate.wait_for_inside(2);
  }
  gate.open();
  REQUIRE(work.drain().ok());
  CHECK(gate.most_inside() == 8);
  CHECK(refusal([&] { DynamicConcurrency<int>([](int) {}, sink, {.min = 3, .max = 2}); }) ==
        "dynamic concurrency: expected 1 <= min <= max, found min 3 and max 2");
}

TEST_CASE("keyed priority fan-out: priority items overtake a backlog, each key in order") {
  Gate first;
  Seen<Keyed> order;
  KeyedPriorityFanOut<std::string, Keyed> work(kKeyOf,
                                               [&](const Keyed& item) {
                                                 if (item.first == "first") first.enter();
                                                 order.add(item);
                                               },
                                               {.max_concurrency = 1, .max_priority_depth = 2});
  REQUIRE(work.enqueue(Keyed{"first", 0}).ok());
  first.wait_for_inside(1);
  for (int i = 0; i < 3; ++i) REQUIRE(work.enqueue(Keyed{"n", i}).ok());
  CHECK(work.enqueue_priority(Keyed{"p", 0}));
  CHECK(work.enqueue_priority(Keyed{"p", 1}));
  CHECK_FALSE(work.enqueue_priority(Keyed{"p", 2}));
  CHECK(work.pending_counts().priority == 2);
  CHECK(work.pending_counts().normal == 3);
  first.open();
  REQUIRE(work.drain().ok());
  CHECK(order.all() ==
        std::vector<Keyed>{{"first", 0}, {"p", 0}, {"p", 1}, {"n", 0}, {"n", 1}, {"n", 2}});
}

TEST_CASE("keyed priority fan-out: a signal lets what waits in the priority lane be skipped") {
  SystemClock clock;
  SignalSink sink(clock);
  Gate first;
  Seen<std::string> ran;
  KeyedPriorityFanOut<std::string, Keyed> work(
      kKeyOf,
      [&](const Keyed& item) {
        if (item.first == "first") first.enter();
        ran.add(item.first);
      },
      {.max_concurrency = 1, .cancel_priority_on = {"priority.off"}, .signals = &sink});
  REQUIRE(work.enqueue(Keyed{"first", 0}).ok());
  first.wait_for_inside(1);
  CHECK(work.enqueue_priority(Keyed{"p", 0}));
  REQUIRE(work.enqueue(Keyed{"n", 0}).ok());
  sink.raise("priority.off");
  first.open();
  REQUIRE(work.drain().ok());
  CHECK(ran.all() == std::vector<std::string>{"first", "n"});
}

TEST_CASE("reactive fan-out: the first stage slows down while the second is behind (C142)") {
  ManualClock clock;
  Gate second;
  ReactiveFanOut<int> work([&](int) { second.enter(); }, {.stage1_max = 8,
                                                          .stage1_min = 1,
                                                          .stage2_max = 1,
                                                          .backpressure_threshold = 3,
                                                          .relief_threshold = 1,
                                                          .clock = &clock});
  CHECK(work.stage1_current_max_concurrency() == 8);
  for (int i = 0; i < 5; ++i) REQUIRE(work.enqueue(i).ok());
  until([&] { return work.stage1_current_max_concurrency() == 1; });
  until([&] { return work.signals().detect("stage2.backpressure"); });
  // All have come: those that come later would slow it down anew, and it waits for the clock again.
  second.wait_for_inside(1);
  until([&] { return work.stage2_pending() == 4; });
  clock.advance(kSecond);
  second.open();
  until([&] { return work.stage1_current_max_concurrency() == 8; });
  for (int i = 0; i < 2; ++i) REQUIRE(work.enqueue(i).ok());
  REQUIRE(work.drain().ok());
  CHECK(work.stage2_counts().succeeded == 7);
}

TEST_CASE("reactive fan-out: a drain in the middle of everything loses nothing") {
  std::atomic<int> done{0};
  ReactiveFanOut<int> work(
      [&](int item) {
        done.fetch_add(1);
        if (item % 10 == 0) throw std::runtime_error("tenth");
      },
      {.backpressure_threshold = 4, .relief_threshold = 1, .adjust_cooldown_ns = 0});
  for (int i = 0; i < 500; ++i) REQUIRE(work.enqueue(i).ok());
  REQUIRE(work.drain().ok());
  CHECK(done.load() == 500);
  CHECK(work.stage2_counts().failed == 50);
  CHECK(work.signals().count_exact("stage2.failed") == 50);
  CHECK(work.drain().ok());
}

TEST_CASE("reactive fan-out: thresholds and limits that contradict each other are refused") {
  const auto with = [](ReactiveFanOutOptions<int> options) {
    return refusal([&] { ReactiveFanOut<int>([](int) {}, options); });
  };
  CHECK(with({.stage1_max = 0}) == "reactive fan-out: expected maxima of 1 or more");
  CHECK(with({.stage1_max = 2, .stage1_min = 3}) ==
        "reactive fan-out: expected a stage1_min of 1 to stage1_max");
  CHECK(with({.backpressure_threshold = 4, .relief_threshold = 4}) ==
        "reactive fan-out: expected a relief of 0 or more, below the threshold");
}

TEST_CASE("stage pressure: is relieved only after its cooldown, and says when") {
  StagePressure pressure(10, 2, 100);
  CHECK_FALSE(pressure.look(9, 1000).slow);
  auto look = pressure.look(10, 1000);
  CHECK(look.slow);
  CHECK(look.raise);
  CHECK_FALSE(pressure.look(12, 1010).raise);
  look = pressure.look(2, 1050);
  CHECK(look.slow);
  CHECK(look.again_ns == 1100);
  CHECK(pressure.look(3, 1100).slow);
  CHECK_FALSE(pressure.look(2, 1100).slow);
}

}  // namespace
}  // namespace mayfly
