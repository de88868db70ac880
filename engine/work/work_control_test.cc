// Limits, pauses, cancellation and the ends of coordinators.
#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "mayfly/base/clock.h"
#include "mayfly/work/work_coordinator.h"
#include "mayfly/work/work_fixture.h"

namespace mayfly {
namespace {

// C018, C025, C072
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

// C022
TEST_CASE("work: a drain before complete, and items after it, are refused") {
  WorkCoordinator<int> work({}, [](int) {});
  CHECK(work.drain().code() == Code::kUsage);
  work.complete();
  CHECK(work.enqueue(1).status().code() == Code::kUsage);
  CHECK(work.try_enqueue(1).status().code() == Code::kUsage);
  const std::vector<int> items{1, 2};
  CHECK(work.enqueue_many(std::vector<int>{1, 2}).count == 0);
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
