// Items, limits, control and the ends of coordinators.
#include "mayfly/work/work_coordinator.h"

#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "mayfly/base/clock.h"
#include "mayfly/work/work_fixture.h"

namespace mayfly {
namespace {

using testing::Gate;
using testing::Seen;
using testing::until;

template <class Work>
void finish(Work& work) {
  work.complete();
  REQUIRE(work.drain().ok());
}

// C010
TEST_CASE("work: every item is processed once, and counted") {
  Seen<int> seen;
  WorkCoordinator<int> work({.max_concurrency = 2}, [&](int item) { seen.add(item); });

  for (int i = 1; i <= 3; ++i) CHECK(work.enqueue(i).ok());
  finish(work);

  CHECK(seen.sorted() == std::vector<int>{1, 2, 3});
  const WorkCounts counts = work.counts();
  CHECK(counts.enqueued == 3);
  CHECK(counts.succeeded == 3);
  CHECK(counts.pending + counts.active + counts.failed == 0);
}

// C011
TEST_CASE("work: at most max_concurrency bodies run at once, and as many do") {
  Gate gate;
  WorkCoordinator<int> work({.max_concurrency = 2}, [&](int) { gate.enter(); });
  for (int i = 0; i < 10; ++i) CHECK(work.enqueue(i).ok());

  gate.wait_for_inside(2);
  CHECK(work.active_count() == 2);
  CHECK(work.pending_count() == 8);
  gate.open();
  finish(work);

  CHECK(gate.most_inside() == 2);
}

// Aims at producers that meet a full queue while workers empty it, at workers that fall asleep
// while items come, and at slots that return to producers.
TEST_CASE("work: nothing is lost between many producers, a small queue and several workers") {
  std::atomic<std::uint64_t> sum{0};
  WorkCoordinator<std::uint64_t> work({.max_concurrency = 4, .queue_capacity = 16},
                                      [&](std::uint64_t item) { sum += item; });
  constexpr std::uint64_t kItems = 20'000;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&] {
        for (std::uint64_t i = 0; i < kItems; ++i) {
          if (!work.enqueue(i).ok()) return;
        }
      });
    }
  }
  finish(work);

  CHECK(sum == 3 * kItems * (kItems - 1) / 2);
  CHECK(work.counts().succeeded == 3 * kItems);
}

TEST_CASE("work: items enqueued in bulk start in their order, however small the queue") {
  Seen<int> seen;
  std::vector<int> items(1'000);
  for (int i = 0; i < 1'000; ++i) items[static_cast<std::size_t>(i)] = i;
  WorkCoordinator<int> work({.max_concurrency = 1, .queue_capacity = 7},
                            [&](int item) { seen.add(item); });

  CHECK(work.enqueue_many(items) == 1'000);
  finish(work);

  CHECK(seen.all() == items);
}

// C018, C025
TEST_CASE("work: the limit changes while it runs, if it is dynamic") {
  WorkCoordinator<int> work({.max_concurrency = 1, .dynamic_concurrency = true}, [](int) {});
  CHECK(work.max_concurrency() == 1);
  CHECK(work.set_max_concurrency(4).ok());
  CHECK(work.max_concurrency() == 4);
  CHECK(work.set_max_concurrency(2).ok());
  CHECK(work.max_concurrency() == 2);
  CHECK(work.set_max_concurrency(0).code() == Code::kUsage);
  WorkCoordinator<int> fixed({}, [](int) {});
  CHECK(fixed.set_max_concurrency(2).code() == Code::kUsage);
}

// C019, C070: waiting items start as soon as there is room.
TEST_CASE("work: a higher limit starts waiting items at once") {
  Gate gate;
  WorkCoordinator<int> work({.max_concurrency = 2, .dynamic_concurrency = true},
                            [&](int) { gate.enter(); });
  for (int i = 0; i < 50; ++i) CHECK(work.enqueue(i).ok());
  gate.wait_for_inside(2);

  CHECK(work.set_max_concurrency(8).ok());

  gate.wait_for_inside(8);
  gate.open();
  finish(work);
  CHECK(work.counts().succeeded == 50);
}

TEST_CASE("P10: a lower limit really lowers what runs, cycle after cycle, and leaks no permits") {
  Gate gate;
  WorkCoordinator<int> work({.max_concurrency = 8, .dynamic_concurrency = true},
                            [&](int) { gate.enter(); });
  for (int i = 0; i < 60; ++i) CHECK(work.enqueue(i).ok());
  for (int cycle = 0; cycle < 3; ++cycle) {
    CHECK(work.set_max_concurrency(8).ok());
    gate.wait_for_inside(8);
    CHECK(work.set_max_concurrency(2).ok());
    // Of those inside six leave, and nobody takes their place.
    gate.let_pass(6);
    gate.wait_for_inside(2);
    until([&] { return work.active_count() == 2; });
    gate.let_pass(1);  // one leaves, and one takes its place
    gate.wait_for_entered(8 + cycle * 7 + 1);
    gate.wait_for_inside(2);
    CHECK(work.active_count() == 2);
  }
  CHECK(gate.most_inside() == 8);
  gate.open();
  finish(work);
}

// C021
TEST_CASE("work: nothing starts while it is paused, and all does afterwards") {
  std::atomic<int> ran{0};
  WorkCoordinator<int> work({.max_concurrency = 2}, [&](int) { ++ran; });
  work.pause();
  CHECK(work.paused());
  for (int i = 0; i < 5; ++i) CHECK(work.enqueue(i).ok());
  CHECK(work.pending_count() == 5);
  CHECK(ran == 0);

  work.resume();
  CHECK_FALSE(work.paused());

  finish(work);
  CHECK(ran == 5);
}

TEST_CASE("work: a drain ends a pause, so that it can't wait for ever") {
  WorkCoordinator<int> work({}, [](int) {});
  work.pause();
  CHECK(work.enqueue(1).ok());
  finish(work);
  CHECK(work.counts().succeeded == 1);
}

TEST_CASE("work: a drain ends a pause also when a source waits for room") {
  int next = 0;
  WorkCoordinator<int> work(
      {.max_concurrency = 1, .queue_capacity = 2},
      [&next]() -> std::optional<int> {
        return ++next <= 20 ? std::optional<int>(next) : std::nullopt;
      },
      [](int) {});
  work.pause();
  until([&] { return work.pending_count() == 2; });
  CHECK(work.drain().ok());
  CHECK(work.counts().succeeded + work.counts().cancelled == 20);
}

TEST_CASE("work: a producer that waits gets in as soon as there is room for one") {
  Gate gate;
  WorkCoordinator<int> work({.max_concurrency = 1, .queue_capacity = 10},
                            [&](int) { gate.enter(); });
  for (int i = 0; i < 11; ++i) {
    CHECK(work.enqueue(i).ok());
    gate.wait_for_inside(1);
  }
  std::atomic<bool> in{false};
  std::jthread producer([&] { in = work.enqueue(11).ok(); });
  gate.let_pass(1);
  until([&] { return in.load(); });
  gate.open();
  finish(work);
}

// C022
TEST_CASE("work: a drain before complete, and items after it, are refused") {
  WorkCoordinator<int> work({}, [](int) {});
  CHECK(work.drain().code() == Code::kUsage);
  work.complete();
  CHECK(work.enqueue(1).status().code() == Code::kUsage);
  CHECK(work.try_enqueue(1).status().code() == Code::kUsage);
  const std::vector<int> items{1, 2};
  CHECK(work.enqueue_many(std::vector<int>{1, 2}) == 0);
  CHECK(work.drain().ok());
}

// C023
TEST_CASE("work: complete, drain and cancel may come any number of times, in any order") {
  WorkCoordinator<int> work({}, [](int) {});
  CHECK(work.enqueue(1).ok());
  work.complete();
  work.complete();
  CHECK(work.drain().ok());
  CHECK(work.drain().ok());
  work.cancel();
  work.cancel();
  CHECK(work.drain().ok());
  CHECK(work.drained());
  CHECK(work.counts().cancelled == 0);
}

// C026
TEST_CASE("work: what throws fails its own operation, with the exception's text") {
  WorkCoordinator<int> work({.max_concurrency = 2}, [](int item) {
    if (item % 2 == 1) throw std::runtime_error("odd " + std::to_string(item));
  });
  for (int i = 1; i <= 10; ++i) CHECK(work.enqueue(i).ok());
  finish(work);

  CHECK(work.counts().succeeded == 5);
  CHECK(work.counts().failed == 5);
  const auto failed = work.failed();
  REQUIRE(failed.size() == 5);
  CHECK(failed[0].error == "odd 1");
}

TEST_CASE("work: a body may return a Status, and may throw anything") {
  WorkCoordinator<int> work({.max_concurrency = 1}, [](int item) -> Status {
    if (item == 1) return {Code::kIo, "disk"};
    if (item == 2) throw 7;
    return {};
  });
  for (int i = 1; i <= 3; ++i) CHECK(work.enqueue(i).ok());
  finish(work);

  const auto failed = work.failed();
  REQUIRE(failed.size() == 2);
  CHECK(failed[0].error == "disk");
  CHECK(failed[1].error.find("no std::exception") != std::string::npos);
}

// C027
TEST_CASE("work: observers that throw are counted and change nothing else") {
  WorkOptions options{.max_concurrency = 2, .max_tracked_operations = 3};
  options.on_sample = [](std::span<const OperationSnapshot>) { throw std::runtime_error("s"); };
  options.on_finalized = [](const OperationSnapshot&) { throw 1; };
  options.on_signal = [](const SignalEvent&) { throw 2; };
  WorkCoordinator<int> work(options, [](int, Operation& operation) { operation.raise("done"); });
  for (int i = 0; i < 100; ++i) CHECK(work.enqueue(i).ok());
  finish(work);

  CHECK(work.counts().succeeded == 100);
  CHECK(work.counts().observer_failures >= 100 + 97 + 100);
}

TEST_CASE("work: options out of range and null bodies are refused at construction") {
  const auto with = [](WorkOptions options) { WorkCoordinator<int>(options, [](int) {}); };
  CHECK_THROWS_WITH_AS(with({.max_concurrency = 0}),
                       "max_concurrency: expected at least 1, found 0", std::invalid_argument);
  CHECK_THROWS_AS(with({.max_concurrency_per_key = -1}), std::invalid_argument);
  CHECK_THROWS_AS(with({.max_tracked_operations = 0}), std::invalid_argument);
  CHECK_THROWS_AS(with({.max_operation_lifetime_ns = 0}), std::invalid_argument);
  CHECK_THROWS_AS(with({.queue_capacity = -1}), std::invalid_argument);
  CHECK_THROWS_AS(with({.queue_capacity = 10'000'000}), std::invalid_argument);
  CHECK_THROWS_AS(with({.fair_scheduling_threshold = 0}), std::invalid_argument);
  CHECK_THROWS_AS(with({.max_concurrent_signal_handlers = 0}), std::invalid_argument);
  CHECK_THROWS_AS(with({.max_queued_signals = 0}), std::invalid_argument);
  CHECK_THROWS_AS(with({.cancel_on_signals = {" "}}), std::invalid_argument);
  CHECK_THROWS_AS(with({.defer_on_signals = {"a", ","}}), std::invalid_argument);
  CHECK_THROWS_AS(with({.defer_check_interval_ns = 0}), std::invalid_argument);
  CHECK_THROWS_AS(with({.max_defer_attempts = -1}), std::invalid_argument);
  CHECK_THROWS_AS(with({.body_time_limit_ns = 0}), std::invalid_argument);
  CHECK_THROWS_AS(with({.echo_capacity = 0}), std::invalid_argument);
  CHECK_THROWS_AS(WorkCoordinator<int>({}, std::function<void(int)>()), std::invalid_argument);
  CHECK_THROWS_AS(WorkCoordinator<int>({}, static_cast<void (*)(int)>(nullptr)),
                  std::invalid_argument);
}

TEST_CASE("work: a full queue says so to those who don't wait") {
  Gate gate;
  const ManualClock clock;
  WorkCoordinator<int> work({.max_concurrency = 1, .queue_capacity = 2, .clock = &clock},
                            [&](int) { gate.enter(); });
  CHECK(work.enqueue(0).ok());
  gate.wait_for_inside(1);
  CHECK(work.try_enqueue(1).ok());
  CHECK(work.try_enqueue(2).ok());

  CHECK(work.try_enqueue(3).status().code() == Code::kTryAgain);
  CHECK(work.enqueue_for(3, 0).status().code() == Code::kTryAgain);
  CHECK(work.pending_count() == 2);
  gate.open();
  finish(work);
  CHECK(work.counts().succeeded == 3);
}

TEST_CASE("work: a producer that waits for room is told when there will be none") {
  Gate gate;
  WorkCoordinator<int> work({.max_concurrency = 1, .queue_capacity = 1},
                            [&](int) { gate.enter(); });
  CHECK(work.enqueue(0).ok());
  gate.wait_for_inside(1);
  CHECK(work.enqueue(1).ok());
  std::atomic<bool> refused{false};
  std::jthread producer([&] { refused = work.enqueue(2).status().code() == Code::kUsage; });

  work.complete();
  producer.join();

  CHECK(refused);
  gate.open();
  CHECK(work.drain().ok());
}

TEST_CASE("work: cancel counts what waits, tells what runs, and loses neither") {
  Gate gate;
  std::atomic<int> told{0};
  WorkCoordinator<int> work({.max_concurrency = 2}, [&](int, Operation& operation) {
    gate.enter();
    told += operation.stop_requested();
  });
  for (int i = 0; i < 10; ++i) CHECK(work.enqueue(i).ok());
  gate.wait_for_inside(2);

  work.cancel();

  CHECK(work.counts().cancelled == 8);
  CHECK(work.pending_count() == 0);
  gate.open();
  CHECK(work.drain().ok());
  CHECK(told == 2);
  CHECK(work.counts().succeeded == 2);
}

TEST_CASE("work: a stop token asks the body that waits on it") {
  std::atomic<bool> waiting{false};
  WorkCoordinator<int> work({}, [&](int, Operation& operation) {
    const std::stop_token token = operation.stop_token();
    waiting = true;
    until([&] { return token.stop_requested(); });
  });
  CHECK(work.enqueue(1).ok());
  until([&] { return waiting.load(); });
  work.cancel();
  CHECK(work.drain().ok());
  CHECK(work.counts().succeeded == 1);
}

TEST_CASE("work: destruction cancels what waits, and waits for what runs") {
  Gate gate;
  std::atomic<int> ended{0};
  auto work = std::make_unique<WorkCoordinator<std::shared_ptr<int>>>(
      WorkOptions{.max_concurrency = 1}, [&](const std::shared_ptr<int>&) {
        gate.enter();
        ++ended;
      });
  const auto item = std::make_shared<int>(1);
  for (int i = 0; i < 5; ++i) CHECK(work->enqueue(item).ok());
  gate.wait_for_inside(1);
  std::jthread opener([&] {
    until([&] { return item.use_count() == 2; });  // those that waited are gone
    gate.open();
  });

  work.reset();

  CHECK(ended == 1);
  CHECK(item.use_count() == 1);
}

TEST_CASE("work: a destruction that waits for a body for ten seconds says so") {
  ManualClock clock;
  SignalSink sink(clock);
  Gate gate;
  auto work = std::make_unique<WorkCoordinator<int>>(WorkOptions{.signals = &sink, .clock = &clock},
                                                     [&](int) { gate.enter(); });
  CHECK(work->enqueue(1).ok());
  gate.wait_for_inside(1);
  std::jthread mover([&] {
    while (!sink.detect("coordinator.destroy.waiting")) clock.advance(kSecond);
    gate.open();
  });

  work.reset();

  CHECK(sink.count("coordinator.destroy.waiting") >= 1);
}

// C032
TEST_CASE("work: a source is emptied, and its failure is told by drain") {
  Seen<int> seen;
  int next = 0;
  WorkCoordinator<int> work(
      {.max_concurrency = 2},
      [&next]() -> std::optional<int> {
        if (++next > 3) throw std::runtime_error("source broke");
        return next;
      },
      [&](int item) { seen.add(item); });

  const Status status = work.drain();

  CHECK(status.message() == "source broke");
  CHECK(seen.sorted() == std::vector<int>{1, 2, 3});
}

TEST_CASE("work: a source without an end ends with the coordinator") {
  std::atomic<int> ran{0};
  {
    WorkCoordinator<int> work(
        {.queue_capacity = 4}, [] { return std::optional<int>(1); }, [&](int) { ++ran; });
    until([&] { return ran > 100; });
  }
  CHECK(ran > 100);
}

TEST_CASE("work: a queue that drops its oldest item counts it, and never waits") {
  Gate gate;
  Seen<int> seen;
  WorkCoordinator<int> work({.max_concurrency = 1, .queue_capacity = 2}, [&](int item) {
    gate.enter();
    seen.add(item);
  });
  CHECK(work.enqueue(0).ok());
  gate.wait_for_inside(1);

  for (int i = 1; i <= 5; ++i) CHECK(work.enqueue_dropping_oldest(i).ok());

  gate.open();
  finish(work);
  CHECK(seen.all() == std::vector<int>{0, 4, 5});
  CHECK(work.counts().cancelled == 3);
}

// Aims at the last body ending while drain looks, at a worker that falls asleep while complete
// comes, and at the destructor behind both.
TEST_CASE("work: no drain hangs, however it falls together with the last item's end") {
  for (int round = 0; round < 300; ++round) {
    std::atomic<int> ran{0};
    WorkCoordinator<int> work({.max_concurrency = 2}, [&](int) { ++ran; });
    for (int i = 0; i < round % 4; ++i) CHECK(work.enqueue(i).ok());
    std::jthread other([&] {
      work.complete();
      CHECK(work.drain().ok());
    });
    work.complete();
    CHECK(work.drain().ok());
    CHECK(ran == round % 4);
  }
}

// Aims at pauses, limits and cancel changing while workers take turns.
TEST_CASE("work: control from several threads at once leaves every item accounted for") {
  std::atomic<std::uint64_t> ran{0};
  WorkCoordinator<int> work(
      {.max_concurrency = 3, .dynamic_concurrency = true, .queue_capacity = 50},
      [&](int) { ++ran; });
  std::atomic<bool> stop{false};
  {
    std::jthread pauser([&] {
      while (!stop) {
        work.pause();
        work.resume();
      }
    });
    std::jthread resizer([&] {
      for (int i = 0; !stop; ++i) CHECK(work.set_max_concurrency(1 + i % 4).ok());
    });
    std::jthread looker([&] {
      while (!stop) {
        for (const auto& one : work.snapshot()) work.pin(one.id);
        for (const auto& one : work.snapshot()) work.unpin(one.id);
      }
    });
    for (int i = 0; i < 3'000; ++i) CHECK(work.enqueue(i).ok());
    work.cancel();
    stop = true;
  }
  CHECK(work.drain().ok());
  const WorkCounts counts = work.counts();
  CHECK(counts.succeeded == ran);
  CHECK(counts.succeeded + counts.cancelled == 3'000);
  CHECK(work.snapshot().size() <= 200);
}

}  // namespace
}  // namespace mayfly
