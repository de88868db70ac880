// Threads that are abandoned at a time limit: what they may still reach, what becomes of results,
// waiters and observers, and how many there can be.
#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "mayfly/base/clock.h"
#include "mayfly/signal/signal_sink.h"
#include "mayfly/work/result_coordinator.h"
#include "mayfly/work/work_coordinator.h"
#include "mayfly/work/work_fixture.h"

namespace mayfly {
namespace {

// What abandoned threads use outlives the test's frame with them.
struct World {
  ManualClock clock;
  SignalSink sink{clock};
  Gate gate;
  std::atomic<int> returned{0};
};

struct Fixture {
  std::shared_ptr<World> world = std::make_shared<World>();

  WorkOptions options(int concurrency) {
    return {.max_concurrency = concurrency,
            .signals = &world->sink,
            .clock = &world->clock,
            .keep_alive = world,
            .body_time_limit_ns = kSecond};
  }
  void pass_limit() { world->clock.advance(2 * kSecond); }
  ~Fixture() { world->gate.open(); }
};

TEST_CASE("abandoned: a body that hangs in a listener keeps no destructor waiting") {
  for (const bool own_listener : {true, false}) {
    Fixture f;
    WorkOptions options = f.options(1);
    World* const world = f.world.get();
    const auto hang = [world](const SignalEvent& event) {
      if (event.is("hang")) world->gate.enter();
    };
    SignalSubscription listener;
    if (own_listener) {
      options.on_signal = hang;
    } else {
      listener = f.world->sink.subscribe("hang", hang);
    }
    {
      WorkCoordinator<int> work(options, [world](int, Operation& operation) {
        operation.raise("hang");
        operation.raise("too.late");
        ++world->returned;
      });
      CHECK(work.enqueue(1).ok());
      f.world->gate.wait_for_inside(1);
      f.pass_limit();
      until([&] { return work.counts().timed_out == 1; });
    }
    f.world->gate.open();
    until([&] { return f.world->returned == 1; });
    CHECK(f.world->sink.count("too.late") == 0);
    listener.reset();
  }
}

// Aims at a body that returns its value between its limit and its being pushed out of the window.
TEST_CASE("abandoned: a value that comes too late isn't a result, in the window or beyond it") {
  Fixture f;
  WorkOptions options = f.options(1);
  options.max_tracked_operations = 1;
  World* const world = f.world.get();
  ResultCoordinator<int, int> work(options, [world](int item) {
    if (item == 0) world->gate.enter();
    return item;
  });
  const auto late = work.enqueue(0);
  f.world->gate.wait_for_inside(1);
  f.pass_limit();
  CHECK(work.wait_for_result(*late)->failed());
  f.world->gate.open();
  until([&] { return work.counts().abandoned_threads == 0; });
  CHECK(work.try_result(*late) == nullptr);
  CHECK(work.wait_for_result(*work.enqueue(1)).ok());  // the first one leaves the window
  CHECK_FALSE(work.find(*late));

  const auto answer = work.wait_for_result(*late);

  REQUIRE(answer.ok());
  CHECK_FALSE(answer->has_result());
  CHECK(answer->failed());
  CHECK(answer->error == "the body ran longer than its time limit of 1000 ms");
}

TEST_CASE("abandoned: observers and callbacks are told of the limit, once") {
  Fixture f;
  Seen<OperationState> finalized;
  Seen<OperationState> called;
  std::atomic<int> samples{0};
  WorkOptions options = f.options(1);
  options.max_tracked_operations = 1;
  options.on_finalized = [&](const OperationSnapshot& one) { finalized.add(one.state); };
  options.on_sample = [&](std::span<const OperationSnapshot>) { ++samples; };
  World* const world = f.world.get();
  WorkCoordinator<int> work(options, [world](int item) {
    if (item == 0) world->gate.enter();
  });
  const auto hung = work.enqueue(0);
  CHECK(work.on_done(*hung, [&](const OperationSnapshot& one) { called.add(one.state); }).ok());
  f.world->gate.wait_for_inside(1);
  f.pass_limit();
  until([&] { return called.all().size() == 1; });
  CHECK(work.enqueue(1).ok());
  CHECK(work.wait_until_idle().ok());
  f.world->gate.open();
  until([&] { return work.counts().abandoned_threads == 0; });
  finish(work);

  CHECK(called.all() == std::vector{OperationState::kFailed});
  CHECK(finalized.all() == std::vector{OperationState::kFailed});
  CHECK(samples == 2);
}

TEST_CASE(
    "abandoned: a callback of a time limit may destroy the coordinator, on the watch's thread") {
  Fixture f;
  World* const world = f.world.get();
  auto work = std::make_shared<std::unique_ptr<WorkCoordinator<int>>>();
  const auto destroyed = std::make_shared<std::atomic<bool>>(false);
  *work =
      std::make_unique<WorkCoordinator<int>>(f.options(1), [world](int) { world->gate.enter(); });
  const auto hung = (*work)->enqueue(0);
  CHECK((*work)
            ->on_done(*hung,
                      [work, destroyed](const OperationSnapshot&) {
                        work->reset();
                        *destroyed = true;
                      })
            .ok());
  f.world->gate.wait_for_inside(1);
  f.pass_limit();
  until([&] { return destroyed->load(); });
}

TEST_CASE("abandoned: there are never more threads than the limit and seven") {
  Fixture f;
  World* const world = f.world.get();
  WorkOptions options = f.options(3);
  options.queue_capacity = 100;
  WorkCoordinator<int> work(options, [world](int) { world->gate.enter(); });
  for (int i = 0; i < 50; ++i) CHECK(work.enqueue(i).ok());
  // The first four rounds of three would be twelve; after seven, three more run.
  int entered = 0;
  for (const int round : {3, 3, 3}) {
    entered += round;
    f.world->gate.wait_for_entered(entered);
    f.pass_limit();
    until([&] { return work.counts().timed_out == static_cast<std::uint64_t>(entered); });
  }
  // Nine are abandoned, none is left to run what waits, and nobody may come.
  CHECK(work.enqueue(99).status().code() == Code::kUnavailable);
  finish(work);
  const WorkCounts counts = work.counts();
  CHECK(counts.abandoned_threads == 9);
  CHECK(counts.abandoned_threads + counts.threads <= 3 + kAbandonedMax - 1);
  CHECK(counts.cancelled == 41);
}

TEST_CASE("abandoned: when threads return, what waits gets workers again") {
  Fixture f;
  World* const world = f.world.get();
  WorkCoordinator<int> work(f.options(2), [world](int item) {
    if (item < 9) world->gate.enter();
  });
  // Eight are abandoned; the ninth runs on, within its limit.
  for (int i = 0; i < 8; i += 2) {
    CHECK(work.enqueue(i).ok());
    CHECK(work.enqueue(i + 1).ok());
    f.world->gate.wait_for_entered(i + 2);
    if (i == 6) break;
    f.pass_limit();
    until([&] { return work.counts().timed_out == static_cast<std::uint64_t>(i + 2); });
  }
  CHECK(work.counts().abandoned_threads == 6);
  f.pass_limit();
  until([&] { return work.counts().abandoned_threads == 8; });
  CHECK(work.enqueue(9).status().code() == Code::kUnavailable);
  f.world->gate.open();
  until([&] { return work.counts().abandoned_threads == 0; });
  CHECK(work.enqueue(9).ok());
  finish(work);
  CHECK(work.counts().succeeded == 1);
}

// Aims at the moment at which there may be threads again: seven are abandoned, then the eighth
// while another body runs within its limit and an item waits, which nobody may be called for until
// one of the eight returns.
TEST_CASE("abandoned: a thread that returns makes room for what waits, at once") {
  struct Gates {
    Gate abandoned;
    Gate running;
  };
  Fixture f;
  const auto gates = std::make_shared<Gates>();
  std::atomic<bool> ran{false};
  WorkCoordinator<int> work(f.options(2), [gates, &ran](int item) {
    if (item == 9) {
      ran = true;
    } else {
      (item == 8 ? gates->running : gates->abandoned).enter();
    }
  });
  for (int i = 0; i < 7; ++i) {
    CHECK(work.enqueue(i).ok());
    gates->abandoned.wait_for_entered(i + 1);
    f.pass_limit();
    until([&] { return work.counts().timed_out == static_cast<std::uint64_t>(i + 1); });
  }
  CHECK(work.enqueue(7).ok());
  gates->abandoned.wait_for_entered(8);
  f.world->clock.advance(600 * kMillisecond);
  CHECK(work.enqueue(8).ok());
  gates->running.wait_for_entered(1);
  CHECK(work.enqueue(9).ok());
  f.world->clock.advance(600 * kMillisecond);
  until([&] { return work.counts().abandoned_threads == 8; });
  CHECK(work.pending_count() == 1);

  gates->abandoned.let_pass(1);

  until([&] { return ran.load(); });
  CHECK(work.active_count() + work.counts().succeeded >= 1);
  gates->running.open();
  gates->abandoned.open();
  finish(work);
  CHECK(work.counts().succeeded == 2);
}

// Aims at an enqueue between a worker's expiry and the moment at which others can see that a worker
// is wanted: the last one there is, time and again.
TEST_CASE("abandoned: nothing is left behind when the only worker expires while items come") {
  for (int round = 0; round < 100; ++round) {
    Fixture f;
    World* const world = f.world.get();
    WorkCoordinator<int> work(f.options(1), [world](int item) {
      if (item == 0) world->gate.enter();
    });
    CHECK(work.enqueue(0).ok());
    f.world->gate.wait_for_inside(1);
    std::jthread mover([&] { f.pass_limit(); });
    CHECK(work.enqueue(1).ok());
    CHECK(work.wait_until_idle().ok());
    CHECK(work.counts().timed_out == 1);
    CHECK(work.counts().succeeded == 1);
  }
}

}  // namespace
}  // namespace mayfly
