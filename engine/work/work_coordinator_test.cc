// Items and bodies of coordinators.
#include "mayfly/work/work_coordinator.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "mayfly/base/clock.h"
#include "mayfly/work/work_fixture.h"

namespace mayfly {
namespace {

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

  CHECK(work.enqueue_many(items).count == 1'000);
  finish(work);

  CHECK(seen.all() == items);
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

TEST_CASE("work: a time that never ends is no time limit, for producers and for bodies") {
  Gate gate;
  WorkCoordinator<int> work(
      {.max_concurrency = 1, .queue_capacity = 1, .body_time_limit_ns = kNever - 1},
      [&](int) { gate.enter(); });
  CHECK(work.enqueue(1).ok());
  gate.wait_for_entered(1);
  CHECK(work.enqueue(2).ok());
  std::thread waits([&] { CHECK(work.enqueue_for(3, kNever).ok()); });
  gate.open();
  waits.join();
  finish(work);
  CHECK(work.counts().succeeded == 3);
}

TEST_CASE("work: a callback that throws is counted, also where it is called at once") {
  WorkCoordinator<int> work({.max_concurrency = 1}, [](int) {});
  const OperationId id = *work.enqueue(1);
  CHECK(work.wait_until_idle().ok());
  CHECK(work.on_done(id, [](const OperationSnapshot&) { throw std::runtime_error("x"); }).ok());
  CHECK(work.counts().observer_failures == 1);
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
// C071: the second turn doesn't wait for anything but the first one's end.
TEST_CASE("work: a limit of one lets one item run after the other") {
  WorkCoordinator<int> work({.max_concurrency = 1}, [](int) {});
  CHECK(work.wait(*work.enqueue(1)).ok());
  CHECK(work.wait(*work.enqueue(2)).ok());
}

TEST_CASE("work: what is enqueued in bulk says how many, their ids, and why no more") {
  WorkCoordinator<int> work({.max_concurrency = 1, .queue_capacity = 7}, [](int) {});
  std::vector<int> items(100);
  std::vector<OperationId> ids;
  const EnqueuedMany all = work.enqueue_many(items, &ids);
  CHECK(all.count == 100);
  CHECK(all.status.ok());
  REQUIRE(ids.size() == 100);
  CHECK(std::is_sorted(ids.begin(), ids.end()));
  CHECK(work.wait_until_idle().ok());
  CHECK(work.find(ids.back())->state == OperationState::kSucceeded);
  work.complete();
  const EnqueuedMany none = work.enqueue_many(items, &ids);
  CHECK(none.count == 0);
  CHECK(none.status.code() == Code::kUsage);
  CHECK(ids.size() == 100);
}

// An item whose move into its slot does what a user's may: `moved` counts its moves.
struct Odd {
  Odd(int given, std::function<void(int)> call) : value(given), when_moved(std::move(call)) {}
  Odd(Odd&& other) : value(other.value), when_moved(other.when_moved), moved(other.moved + 1) {
    if (when_moved) when_moved(moved);
  }
  int value;
  std::function<void(int)> when_moved;
  int moved = 0;
};

TEST_CASE("work: an item's move into its slot may throw or enqueue: it runs under no lock") {
  std::atomic<int> sum{0};
  WorkCoordinator<Odd> work({.max_concurrency = 1, .queue_capacity = 8},
                            [&](Odd& item) { sum += item.value; });
  CHECK(work.enqueue(Odd(1,
                         [&](int moved) {
                           if (moved == 1) CHECK(work.enqueue(Odd(10, nullptr)).ok());
                         }))
            .ok());
  const auto refused = work.enqueue(Odd(100, [](int moved) {
    if (moved == 1) throw std::runtime_error("can't be moved");
  }));
  CHECK(refused.status().code() == Code::kUsage);
  CHECK(refused.status().message() == "the item wasn't enqueued: can't be moved");
  // Completed while it was made.
  const auto late = work.enqueue(Odd(1'000, [&](int moved) {
    if (moved == 1) work.complete();
  }));
  CHECK(late.status().code() == Code::kUsage);
  CHECK(work.drain().ok());
  CHECK(sum == 11);
  CHECK(work.counts().enqueued == 2);
}

}  // namespace
}  // namespace mayfly
