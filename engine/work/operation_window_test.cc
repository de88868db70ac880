// The window of a coordinator: snapshots, pins, evictions, finalization, waiting.
#include <doctest/doctest.h>

#include <atomic>
#include <coroutine>
#include <memory>
#include <string>
#include <vector>

#include "mayfly/base/clock.h"
#include "mayfly/work/work_coordinator.h"
#include "mayfly/work/work_fixture.h"

namespace mayfly {
namespace {

std::vector<OperationId> ids_of(const std::vector<OperationSnapshot>& snapshots) {
  std::vector<OperationId> ids;
  for (const auto& one : snapshots) ids.push_back(one.id);
  return ids;
}

// C012
TEST_CASE("window: running operations have no end yet, waiting ones no beginning") {
  ManualClock clock;
  Gate gate;
  WorkCoordinator<int> work({.max_concurrency = 2, .clock = &clock}, [&](int) { gate.enter(); });
  for (int i = 0; i < 3; ++i) CHECK(work.enqueue(i).ok());
  gate.wait_for_inside(2);

  const auto running = work.running();
  REQUIRE(running.size() == 2);
  CHECK(running[0].state == OperationState::kRunning);
  CHECK(running[0].enqueued_ns == kSecond);
  CHECK(running[0].started_ns == kSecond);
  CHECK(running[0].finished_ns == 0);
  CHECK(running[0].duration_ns() == 0);
  const auto pending = work.pending();
  REQUIRE(pending.size() == 1);
  CHECK(pending[0].started_ns == 0);
  CHECK(work.snapshot().size() == 2);

  clock.advance(kSecond);
  gate.open();
  finish(work);
  CHECK(work.completed_operations().size() == 3);
  CHECK(work.find(running[0].id)->duration_ns() == kSecond);
  CHECK(work.find(pending[0].id)->waited_ns() == kSecond);
}

// C014
TEST_CASE("window: the id that enqueue returns is the operation's") {
  WorkCoordinator<int> work({.max_tracked_operations = 4}, [](int) {});
  const auto id = work.enqueue(1);
  REQUIRE(id.ok());
  finish(work);
  CHECK(ids_of(work.snapshot()) == std::vector<OperationId>{*id});
}

// C017
TEST_CASE("window: an operation that leaves it is finalized, once") {
  Seen<OperationId> finalized;
  WorkOptions options{.max_concurrency = 1, .max_tracked_operations = 1};
  options.on_finalized = [&](const OperationSnapshot& one) { finalized.add(one.id); };
  WorkCoordinator<int> work(options, [](int) {});
  const auto first = work.enqueue(1);
  const auto second = work.enqueue(2);
  finish(work);

  CHECK(finalized.all() == std::vector<OperationId>{*first});
  CHECK(ids_of(work.snapshot()) == std::vector<OperationId>{*second});
}

// C016
TEST_CASE("window: age takes what isn't pinned, also behind something older that is") {
  ManualClock clock;
  WorkCoordinator<int> work({.max_concurrency = 1,
                             .max_tracked_operations = 2,
                             .max_operation_lifetime_ns = 30 * kMillisecond,
                             .clock = &clock},
                            [](int) {});
  const auto first = work.enqueue(1);
  CHECK(work.wait(*first).ok());
  CHECK(work.pin(*first));
  const auto second = work.enqueue(2);
  CHECK(work.wait(*second).ok());
  clock.advance(31 * kMillisecond);
  // Without anything happening, what is too old isn't shown.
  CHECK(ids_of(work.snapshot()) == std::vector<OperationId>{*first});
  const auto third = work.enqueue(3);
  CHECK(work.wait(*third).ok());

  CHECK(ids_of(work.snapshot()) == std::vector<OperationId>{*first, *third});
  CHECK_FALSE(work.pin(*second));
}

TEST_CASE("window: pins alone make it larger than its limit, and unpinned ones go first") {
  WorkCoordinator<int> work(
      {.max_concurrency = 1, .max_tracked_operations = 2, .queue_capacity = 4}, [](int) {});
  std::vector<OperationId> ids;
  work.pause();
  for (int i = 0; i < 4; ++i) {
    ids.push_back(*work.enqueue(i));
    CHECK(work.pin(ids.back()));
  }
  work.resume();
  CHECK(work.wait(ids.back()).ok());
  CHECK(work.snapshot().size() == 4);
  CHECK(work.find(ids[0])->pinned);

  CHECK(work.unpin(ids[3]));
  CHECK(work.unpin(ids[0]));

  CHECK(ids_of(work.snapshot()) == std::vector<OperationId>{ids[1], ids[2]});
}

TEST_CASE("window: what is pinned while it waits or runs stays afterwards") {
  Gate gate;
  WorkCoordinator<int> work({.max_concurrency = 1, .max_tracked_operations = 1},
                            [&](int) { gate.enter(); });
  const auto first = work.enqueue(1);
  const auto second = work.enqueue(2);
  gate.wait_for_inside(1);
  CHECK(work.pin(*first));
  CHECK(work.pin(*second));
  gate.open();
  const auto third = work.enqueue(3);
  finish(work);
  CHECK(work.snapshot().size() == 2);
  CHECK_FALSE(work.find(*third));
}

// C031
TEST_CASE("window: evict and try_kill take out pinned operations, and know no others") {
  Seen<OperationId> finalized;
  WorkOptions options{.max_concurrency = 1};
  options.on_finalized = [&](const OperationSnapshot& one) { finalized.add(one.id); };
  WorkCoordinator<int> work(options, [](int) {});
  const auto first = work.enqueue(1);
  const auto second = work.enqueue(2);
  CHECK(work.wait(*second).ok());
  CHECK(work.pin(*first));
  CHECK(work.pin(*second));

  CHECK(work.evict(*first));
  CHECK(work.try_kill(*second));

  CHECK(work.snapshot().empty());
  CHECK(finalized.all() == std::vector<OperationId>{*second});
  CHECK_FALSE(work.evict(*first));
  CHECK_FALSE(work.try_kill(*second));
  CHECK_FALSE(work.pin(0));
}

TEST_CASE("window: a running operation that is killed is told to stop, and leaves at its end") {
  Gate gate;
  std::atomic<bool> told{false};
  WorkCoordinator<int> work({.max_concurrency = 1}, [&](int, Operation& operation) {
    gate.enter();
    told = operation.stop_requested();
  });
  const auto first = work.enqueue(1);
  const auto second = work.enqueue(2);
  gate.wait_for_inside(1);

  CHECK_FALSE(work.evict(*first));
  CHECK(work.try_kill(*first));
  CHECK(work.try_kill(*second));  // it waits
  CHECK(work.find(*second)->state == OperationState::kCancelled);

  gate.open();
  finish(work);
  CHECK(told);
  CHECK(work.snapshot().empty());
  CHECK(work.counts().succeeded == 1);
  CHECK(work.counts().cancelled == 1);
}

TEST_CASE("window: on_sample sees the window after each end") {
  std::vector<std::size_t> sizes;
  WorkOptions options{.max_concurrency = 1, .max_tracked_operations = 2};
  options.on_sample = [&](std::span<const OperationSnapshot> window) {
    sizes.push_back(window.size());
  };
  WorkCoordinator<int> work(options, [](int) {});
  for (int i = 0; i < 3; ++i) CHECK(work.wait(*work.enqueue(i)).ok());
  finish(work);
  CHECK(sizes == std::vector<std::size_t>{1, 2, 2});
}

TEST_CASE("window: its bound holds while thousands of operations pass") {
  std::atomic<bool> within{true};
  std::atomic<bool> stop{false};
  WorkCoordinator<int> work({.max_concurrency = 4, .max_tracked_operations = 64}, [](int) {});
  std::jthread looker([&] {
    while (!stop) within = within && work.snapshot().size() <= 64;
  });
  for (int i = 0; i < 5'000; ++i) CHECK(work.enqueue(i).ok());
  finish(work);
  stop = true;
  looker.join();
  CHECK(within);
  CHECK(work.snapshot().size() == 64);
  CHECK(work.counts().succeeded == 5'000);
}

TEST_CASE("P21: snapshots and counts are read while operations come and go, without tearing") {
  WorkCoordinator<int> work({.max_concurrency = 2, .max_tracked_operations = 8}, [](int item) {
    if (item % 3 == 0) throw std::runtime_error(std::string(100, 'e'));
  });
  std::atomic<bool> stop{false};
  std::atomic<bool> sane{true};
  std::jthread reader([&] {
    while (!stop) {
      for (const OperationSnapshot& one : work.snapshot()) {
        const bool failed_well =
            one.state != OperationState::kFailed || one.error == std::string(100, 'e');
        const bool times = !one.finished() ||
                           (one.enqueued_ns <= one.started_ns && one.started_ns <= one.finished_ns);
        if (!failed_well || !times) sane = false;
      }
      const WorkCounts counts = work.counts();
      if (counts.pending > 200 || counts.active > 2) sane = false;
    }
  });
  for (int i = 0; i < 20'000; ++i) CHECK(work.enqueue(i).ok());
  finish(work);
  stop = true;
  reader.join();
  CHECK(sane);
}

TEST_CASE("waiting: for an operation that ended, for one that will, for none") {
  Gate gate;
  WorkCoordinator<int> work({.max_concurrency = 1}, [&](int item) {
    if (item == 2) gate.enter();
  });
  const auto first = work.enqueue(1);
  CHECK(work.wait(*first)->state == OperationState::kSucceeded);
  CHECK(work.wait(*first).ok());
  const auto second = work.enqueue(2);
  std::jthread opener([&] {
    gate.wait_for_inside(1);
    gate.open();
  });
  CHECK(work.wait(*second)->state == OperationState::kSucceeded);
  CHECK(work.wait(*second + 1000).status().code() == Code::kUsage);
  CHECK(work.on_done(*first, nullptr).code() == Code::kUsage);
}

TEST_CASE("waiting: a callback may wait for another operation while workers are free") {
  Gate gate;
  std::atomic<bool> waited{false};
  WorkCoordinator<int> work({.max_concurrency = 2}, [&](int item) {
    if (item == 1) gate.enter();
  });
  const auto first = work.enqueue(1);
  gate.wait_for_inside(1);
  work.pause();  // so that the second one is still waiting when the first one's callback begins
  const auto second = work.enqueue(2);
  CHECK(work.on_done(*first,
                     [&](const OperationSnapshot&) {
                       work.resume();
                       waited = work.wait(*second).ok();
                     })
            .ok());
  gate.open();
  until([&] { return waited.load(); });
  finish(work);
}

TEST_CASE("waiting: callbacks come once, also for operations that are cancelled") {
  Gate gate;
  Seen<OperationState> states;
  WorkCoordinator<int> work({.max_concurrency = 1}, [&](int) { gate.enter(); });
  const auto first = work.enqueue(1);
  const auto second = work.enqueue(2);
  gate.wait_for_inside(1);
  const auto note = [&](const OperationSnapshot& one) { states.add(one.state); };
  CHECK(work.on_done(*first, note).ok());
  CHECK(work.on_done(*first, note).ok());
  CHECK(work.on_done(*second, note).ok());

  work.cancel();
  gate.open();
  CHECK(work.drain().ok());

  CHECK(states.all() == std::vector<OperationState>{OperationState::kCancelled,
                                                    OperationState::kSucceeded,
                                                    OperationState::kSucceeded});
}

Detached await_both(WorkCoordinator<int>& work, OperationId slow, OperationId none,
                    std::atomic<int>& steps) {
  const auto ended = co_await work.done(slow);
  if (ended.ok() && ended->state == OperationState::kSucceeded) ++steps;
  const auto missing = co_await work.done(none);
  if (missing.status().code() == Code::kUsage) ++steps;
}

TEST_CASE("waiting: co_await gives the end, or why there is none") {
  Gate gate;
  std::atomic<int> steps{0};
  WorkCoordinator<int> work({.max_concurrency = 1}, [&](int) { gate.enter(); });
  const auto slow = work.enqueue(1);
  await_both(work, *slow, *slow + 1000, steps);
  CHECK(steps == 0);
  gate.open();
  finish(work);
  CHECK(steps == 2);
}

TEST_CASE("window: a waiting operation that is killed has ended, before its turn comes") {
  Gate gate;
  WorkCoordinator<std::shared_ptr<int>> work({.max_concurrency = 1},
                                             [&](const std::shared_ptr<int>&) { gate.enter(); });
  const auto item = std::make_shared<int>(1);
  const auto running = work.enqueue(item);
  gate.wait_for_inside(1);
  const auto first = work.enqueue(item);
  const auto second = work.enqueue(item);
  Seen<OperationState> told;
  CHECK(work.on_done(*first, [&](const OperationSnapshot& one) { told.add(one.state); }).ok());

  CHECK(work.try_kill(*first));

  CHECK(told.all() == std::vector{OperationState::kCancelled});
  CHECK(work.wait(*first)->state == OperationState::kCancelled);
  CHECK(work.counts().cancelled == 1);
  CHECK(work.pending_count() == 1);
  CHECK(work.pending().size() == 1);
  CHECK(work.try_kill(*second));
  CHECK(work.pending_count() == 0);
  gate.open();
  finish(work);
  CHECK(work.counts().succeeded == 1);
  CHECK(work.counts().cancelled == 2);
  CHECK(item.use_count() == 1);
}

TEST_CASE("window: killed operations keep nobody waiting while nothing may start") {
  WorkCoordinator<int> work({.max_concurrency = 1, .queue_capacity = 4}, [](int) {});
  work.pause();
  for (int i = 0; i < 4; ++i) CHECK(work.try_kill(*work.enqueue(i)));
  CHECK(work.try_enqueue(5).status().code() == Code::kTryAgain);  // their places are still taken
  CHECK(work.enqueue_dropping_oldest(6).ok());
  CHECK(work.pending_count() == 1);
  CHECK(work.wait_until_idle().ok());
  CHECK(work.counts().cancelled == 4);
  CHECK(work.counts().succeeded == 1);
}

TEST_CASE("window: places of killed operations are free once something may start again") {
  std::atomic<int> gone{0};
  WorkCoordinator<std::shared_ptr<int>> work(
      {.max_concurrency = 1,
       .queue_capacity = 2,
       .on_finalized = [&](const OperationSnapshot&) { ++gone; }},
      [](const std::shared_ptr<int>&) {});
  const auto item = std::make_shared<int>(1);
  work.pause();
  for (int i = 0; i < 2; ++i) CHECK(work.try_kill(*work.enqueue(item)));
  CHECK(work.pending_count() == 0);
  work.resume();
  CHECK(work.enqueue(item).ok());  // waits until their places are free
  work.pause();
  CHECK(work.try_kill(*work.enqueue(item)));
  work.resume();
  finish(work);
  // What was killed is gone as well: item and all.
  CHECK(gone >= 3);
  CHECK(item.use_count() == 1);
}

// State aimed at: the only worker sleeps, since nothing may start but what was killed.
TEST_CASE("window: a killed operation gives its place back though signals hold up all others") {
  ManualClock clock;
  SignalSink sink(clock);
  sink.raise("stop");
  WorkCoordinator<int> work({.max_concurrency = 1,
                             .queue_capacity = 2,
                             .signals = &sink,
                             .clock = &clock,
                             .defer_on_signals = {"stop"},
                             .max_defer_attempts = 1'000'000},
                            [](int) {});
  const OperationId first = *work.enqueue(1);
  const OperationId second = *work.enqueue(2);
  CHECK(work.try_kill(first));
  CHECK(work.enqueue(3).ok());
  CHECK(work.try_kill(second));
  sink.retract("stop");
  finish(work);
  CHECK(work.counts().succeeded == 1);
  CHECK(work.counts().cancelled == 2);
}

// Aims at kills that meet their operation's turn.
TEST_CASE("window: every operation ends once, however kills fall together with turns") {
  for (int round = 0; round < 50; ++round) {
    std::atomic<int> told{0};
    WorkCoordinator<int> work({.max_concurrency = 2, .max_tracked_operations = 4}, [](int) {});
    std::vector<OperationId> ids;
    for (int i = 0; i < 100; ++i) {
      ids.push_back(*work.enqueue(i));
      static_cast<void>(work.on_done(ids.back(), [&](const OperationSnapshot&) { ++told; }));
      work.try_kill(ids[ids.size() / 2]);
    }
    finish(work);
    const WorkCounts counts = work.counts();
    CHECK(counts.succeeded + counts.cancelled == 100);
    CHECK(counts.pending == 0);
  }
}

TEST_CASE("window: an id tells where its operation is, so unknown ones are found missing at once") {
  OperationTable table(1, 1);
  const OperationSlot first = table.grow();
  table.begin(first + 3, 1);
  const OperationId id = operation_id(77, first + 3);
  CHECK(table.find(id) == kNoOperationSlot);  // not published yet
  table.publish(first + 3, id);
  CHECK(table.find(id) == first + 3);
  CHECK(table.find(operation_id(78, first + 3)) == kNoOperationSlot);
  CHECK(table.find(operation_id(77, OperationTable::kChunk)) == kNoOperationSlot);
  CHECK(table.find(0) == kNoOperationSlot);
  table.end(first + 3);
  CHECK(table.find(id) == kNoOperationSlot);
}

}  // namespace
}  // namespace mayfly
