#include "mayfly/work/priority_work_coordinator.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "mayfly/base/clock.h"
#include "mayfly/signal/signal_sink.h"
#include "mayfly/work/work_fixture.h"

namespace mayfly {
namespace {

using Texts = std::vector<std::string>;

// Runs one at a time; "block" waits at the gate.
struct Fixture {
  explicit Fixture(std::vector<PriorityLane> lanes)
      : work({.max_concurrency = 1, .signals = &sink, .clock = &clock}, std::move(lanes),
             [this](const std::string& item) {
               if (item == "block") {
                 gate.enter();
               } else {
                 seen.add(item);
               }
             }) {
    CHECK(work.enqueue("block", work.pending_by_lane().back().name).ok());
    gate.wait_for_inside(1);
  }

  ManualClock clock;
  SignalSink sink{clock};
  Gate gate;
  Seen<std::string> seen;
  PriorityWorkCoordinator<std::string> work;
};

TEST_CASE("P9: a critical item overtakes a backlog of lower lanes, however it got there") {
  Fixture f({{.name = "critical"}, {.name = "high"}, {.name = "normal"}});
  for (int i = 0; i < 100; ++i) CHECK(f.work.enqueue("n" + std::to_string(i)).ok());
  CHECK(f.work.enqueue("h", "high").ok());
  CHECK(f.work.enqueue("c", "critical").ok());
  CHECK(f.work.pending_by_lane()[2].pending == 100);

  f.gate.open();
  finish(f.work);

  const Texts seen = f.seen.all();
  CHECK(Texts(seen.begin(), seen.begin() + 4) == Texts{"c", "h", "n0", "n1"});
  CHECK(seen.size() == 102);
}

// C060
TEST_CASE("priority: a full lane refuses, and so do lanes that aren't there") {
  Fixture f({{.name = "critical", .max_depth = 2}, {.name = "normal"}});
  CHECK(f.work.enqueue("1", "critical").ok());
  CHECK(f.work.enqueue("2", "critical").ok());

  const auto third = f.work.enqueue("3", "critical");

  CHECK(third.status().code() == Code::kTryAgain);
  CHECK(third.status().message() == "lane critical is full: 2 operations are in it (max_depth)");
  CHECK(f.work.enqueue("4", "urgent").status().message() ==
        "expected a lane of critical, normal, found \"urgent\"");
  f.gate.open();
  finish(f.work);
  CHECK(f.work.enqueue("5", "critical").status().code() == Code::kUsage);
}

TEST_CASE("priority: of many items the one that isn't taken is left as it was") {
  PriorityWorkCoordinator<std::unique_ptr<int>> work({.max_concurrency = 1},
                                                     {{.name = "low", .max_depth = 2}},
                                                     [](const std::unique_ptr<int>&) {});
  work.pause();
  std::vector<std::unique_ptr<int>> items;
  for (int i = 0; i < 4; ++i) items.push_back(std::make_unique<int>(i));
  const EnqueuedMany taken = work.enqueue_many(items, "low");
  CHECK(taken.count == 2);
  CHECK(taken.status.code() == Code::kTryAgain);
  CHECK(items[1] == nullptr);
  REQUIRE(items[2] != nullptr);
  CHECK(*items[2] == 2);
  CHECK(items[3] != nullptr);
  finish(work);
}

TEST_CASE("priority: a backlog in one lane keeps nobody out of another") {
  Gate gate;
  PriorityWorkCoordinator<int> work({.max_concurrency = 1, .queue_capacity = 3},
                                    {{.name = "critical"}, {.name = "normal"}},
                                    [&](int) { gate.enter(); });
  CHECK(work.enqueue(0).ok());
  gate.wait_for_inside(1);
  for (int i = 0; i < 3; ++i) CHECK(work.try_enqueue(i).ok());
  CHECK(work.try_enqueue(4).status().code() == Code::kTryAgain);
  CHECK(work.try_enqueue(5, "critical").ok());
  gate.open();
  finish(work);
}

// Intended interleaving: a producer sleeps for room in a full lane while an item of that lane ends.
TEST_CASE("priority: a producer waits for room in its own lane") {
  Gate gate;
  PriorityWorkCoordinator<int> work({.max_concurrency = 1, .queue_capacity = 1},
                                    {{.name = "critical"}, {.name = "normal"}},
                                    [&](int) { gate.enter(); });
  CHECK(work.enqueue(0).ok());
  gate.wait_for_inside(1);
  CHECK(work.enqueue(1).ok());
  std::atomic<bool> in{false};
  std::jthread producer([&] { in = work.enqueue(2).ok(); });
  gate.let_pass(1);
  until([&] { return in.load(); });
  gate.open();
  finish(work);
  CHECK(work.counts().succeeded == 3);
}

// C060
TEST_CASE(
    "priority: lanes without a name, or with another's, and rules without a sink are refused") {
  ManualClock clock;
  SignalSink sink(clock);
  const auto with = [&](std::vector<PriorityLane> lanes, SignalSink* signals) {
    PriorityWorkCoordinator<int> work({.signals = signals}, std::move(lanes), [](int) {});
  };
  CHECK_THROWS_AS(with({{.name = " "}}, &sink), std::invalid_argument);
  CHECK_THROWS_AS(with({{.name = "a"}, {.name = "a"}}, &sink), std::invalid_argument);
  CHECK_THROWS_AS(with({{.name = "a", .max_depth = -1}}, &sink), std::invalid_argument);
  CHECK_THROWS_AS(with({{.name = "a", .defer_check_interval_ns = 0}}, &sink),
                  std::invalid_argument);
  CHECK_THROWS_AS(with({{.name = "a", .cancel_on_signals = {"x"}}}, nullptr),
                  std::invalid_argument);
  PriorityWorkCoordinator<int> plain({}, {}, [](int) {});
  CHECK(plain.enqueue(1).ok());
  finish(plain);
}

// C063
TEST_CASE("priority: a lane that a signal cancels loses its items, counted; others go on") {
  Fixture f({{.name = "bulk", .cancel_on_signals = {"no.bulk"}}, {.name = "normal"}});
  for (int i = 0; i < 5; ++i) CHECK(f.work.enqueue("b", "bulk").ok());
  CHECK(f.work.enqueue("n").ok());
  f.sink.raise("no.bulk");
  f.gate.open();
  finish(f.work);
  CHECK(f.seen.all() == Texts{"n"});
  CHECK(f.work.counts().skipped == 5);
}

TEST_CASE("priority: a deferred lane lets lower ones go on, and goes on when it may") {
  Fixture f({{.name = "bulk", .defer_on_signals = {"slow"}}, {.name = "normal"}});
  f.sink.raise("slow");
  CHECK(f.work.enqueue("b", "bulk").ok());
  CHECK(f.work.enqueue("n").ok());
  f.gate.open();
  until([&] { return f.seen.all().size() == 1; });
  CHECK(f.seen.all() == Texts{"n"});

  f.sink.retract("slow");

  until([&] { return f.seen.all().size() == 2; });
  finish(f.work);
}

// Intended interleaving: drain() waits while the only lane with items is deferred and time passes.
TEST_CASE("priority: a deferred lane doesn't keep drain for ever, with nothing enqueued any more") {
  Fixture f({{.name = "bulk",
              .defer_on_signals = {"slow"},
              .defer_check_interval_ns = kSecond,
              .max_defer_attempts = 3},
             {.name = "normal"}});
  f.sink.raise("slow");
  CHECK(f.work.enqueue("b", "bulk").ok());
  f.gate.open();
  std::atomic<bool> drained{false};
  std::jthread mover([&] {
    while (!drained) f.clock.advance(100 * kMillisecond);
  });
  finish(f.work);
  drained = true;
  CHECK(f.seen.all() == Texts{"b"});
}

struct Job {
  std::string key;
  std::string name;
};

TEST_CASE(
    "priority with keys: a key's limit holds over all lanes, and its higher items come first") {
  Gate gate;
  Seen<std::string> seen;
  PriorityKeyedWorkCoordinator<Job, std::string> work(
      {.max_concurrency = 2}, {{.name = "critical"}, {.name = "normal"}},
      [](const Job& job) { return job.key; },
      [&](Job& job) {
        if (job.name == "block")
          gate.enter();
        else
          seen.add(job.name);
      });
  CHECK(work.enqueue({"A", "block"}).ok());
  gate.wait_for_inside(1);
  CHECK(work.enqueue({"A", "a1"}).ok());
  CHECK(work.enqueue({"A", "a2"}).ok());
  CHECK(work.enqueue({"A", "ac"}, "critical").ok());
  CHECK(work.enqueue({"B", "b1"}).ok());
  until([&] { return seen.all() == Texts{"b1"}; });

  gate.open();
  finish(work);

  CHECK(seen.all() == Texts{"b1", "ac", "a1", "a2"});
}

// The key's head is in the deferred lane, and came there by way of the key's own line: the first
// item of the key holds the key while the others come.
TEST_CASE("priority: a deferred lane holds up nothing of its keys in lower lanes") {
  for (const bool fair : {false, true}) {
    ManualClock clock;
    SignalSink sink(clock);
    Gate gate;
    Seen<std::string> seen;
    PriorityKeyedWorkCoordinator<std::string, char> work(
        {.max_concurrency = 2, .fair_scheduling = fair, .signals = &sink, .clock = &clock},
        {{.name = "high", .defer_on_signals = {"hold"}}, {.name = "normal"}},
        [](const std::string& item) { return item[0]; },
        [&](const std::string& item) {
          if (item == "a:block") {
            gate.enter();
          } else {
            seen.add(item);
          }
        });
    CHECK(work.enqueue("a:block").ok());
    gate.wait_for_inside(1);
    CHECK(work.enqueue("a:high", "high").ok());
    CHECK(work.enqueue("a:one").ok());
    CHECK(work.enqueue("a:two").ok());
    CHECK(work.enqueue("b").ok());  // until it runs, the others have been looked at
    until([&] { return seen.all() == Texts{"b"}; });
    sink.raise("hold");
    gate.open();

    until([&] { return seen.all() == Texts{"b", "a:one", "a:two"}; });
    CHECK(work.pending_by_lane()[0].pending == 1);
    sink.retract("hold");
    finish(work);
    CHECK(seen.all().back() == "a:high");
  }
}

TEST_CASE("priority: fair turns between keys are taken within each lane, higher lanes first") {
  Seen<std::string> seen;
  PriorityKeyedWorkCoordinator<std::string, char> work(
      {.max_concurrency = 1, .fair_scheduling = true, .fair_scheduling_threshold = 3},
      {{.name = "high"}, {.name = "normal"}}, [](const std::string& item) { return item[0]; },
      [&](const std::string& item) { seen.add(item); });
  work.pause();
  for (const char* item : {"a1", "a2", "a3", "a4", "b1", "b2"}) CHECK(work.enqueue(item).ok());
  for (const char* item : {"aH", "cH"}) CHECK(work.enqueue(item, "high").ok());
  work.resume();
  finish(work);

  const Texts all = seen.all();
  REQUIRE(all.size() == 8);
  CHECK(Texts(all.begin(), all.begin() + 2) == Texts{"aH", "cH"});
  // `a` is hot, so it waits for `b` most of the time, and each key keeps its order.
  const auto at = [&](const char* item) { return std::ranges::find(all, item) - all.begin(); };
  CHECK(at("b2") < at("a3"));
  CHECK(at("a1") < at("a2"));
  CHECK(at("a3") < at("a4"));
}

// What knows nothing of lanes would put items into the first, past its bound.
static_assert(!std::is_convertible_v<PriorityWorkCoordinator<int>*, ItemCoordinator<int>*>);
static_assert(!std::is_convertible_v<PriorityKeyedWorkCoordinator<int, int>*,
                                     ItemCoordinator<int, KeyedArrivals<int, int>>*>);
static_assert(std::is_convertible_v<PriorityWorkCoordinator<int>*, const Coordinator*>);

TEST_CASE("priority: a full lane without a bound of its own says how many are in it") {
  PriorityWorkCoordinator<int> work({.max_concurrency = 1, .queue_capacity = 2},
                                    {{.name = "high", .max_depth = 5}, {.name = "normal"}},
                                    [](int) {});
  work.pause();
  CHECK(work.enqueue(1).ok());
  CHECK(work.enqueue(2).ok());
  const auto refused = work.try_enqueue(3);
  CHECK(refused.status().code() == Code::kTryAgain);
  CHECK(refused.status().message() ==
        "lane normal is full: 2 operations are in it (queue_capacity)");
  CHECK(work.try_enqueue(3, "high").ok());
}

}  // namespace
}  // namespace mayfly
