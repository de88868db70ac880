// Bodies that take longer than they may.
#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "mayfly/base/clock.h"
#include "mayfly/signal/signal_sink.h"
#include "mayfly/work/keyed_work_coordinator.h"
#include "mayfly/work/result_coordinator.h"
#include "mayfly/work/work_coordinator.h"
#include "mayfly/work/work_fixture.h"

namespace mayfly {
namespace {

struct Fixture {
  ManualClock clock;
  SignalSink sink{clock};
  // Bodies of abandoned threads may outlive a test's frame otherwise.
  std::shared_ptr<Gate> gate = std::make_shared<Gate>();

  WorkOptions options(int concurrency) {
    return {.max_concurrency = concurrency,
            .signals = &sink,
            .clock = &clock,
            .body_time_limit_ns = kSecond};
  }
  ~Fixture() { gate->open(); }
};

// C030
TEST_CASE("time limit: a body within it succeeds") {
  Fixture f;
  WorkCoordinator<int> work(f.options(1), [](int) {});
  CHECK(work.enqueue(1).ok());
  finish(work);
  CHECK(work.counts().succeeded == 1);
  CHECK(work.counts().failed == 0);
}

TEST_CASE("time limit: a hung body frees its slot, fails with a reason, and the next item runs") {
  Fixture f;
  std::atomic<bool> told{false};
  WorkCoordinator<int> work(f.options(1), [&told, gate = f.gate](int item, Operation& operation) {
    if (item != 0) return;
    gate->enter();
    told = operation.stop_requested();
    operation.raise("too.late");
  });
  const auto hung = work.enqueue(0);
  CHECK(work.enqueue(1).ok());
  f.gate->wait_for_inside(1);

  f.clock.advance(2 * kSecond);
  finish(work);

  const WorkCounts counts = work.counts();
  CHECK(counts.failed == 1);
  CHECK(counts.timed_out == 1);
  CHECK(counts.succeeded == 1);
  CHECK(counts.abandoned_threads == 1);
  const auto failed = work.find(*hung);
  REQUIRE(failed);
  CHECK(failed->error == "the body ran longer than its time limit of 1000 ms");
  CHECK(work.count_signals("coordinator.body.timeout") == 1);
  const auto timeouts = f.sink.sense("coordinator.body.timeout");
  REQUIRE(timeouts.size() == 1);
  CHECK(timeouts[0].operation == *hung);

  f.gate->open();
  until([&] { return work.counts().abandoned_threads == 0; });
  CHECK(told);
  CHECK(f.sink.count("too.late") == 0);
}

// C045
TEST_CASE("time limit: a hung body frees its key") {
  Fixture f;
  std::atomic<int> ran{0};
  KeyedWorkCoordinator<int, int> work(
      f.options(2), [](const int&) { return 7; },
      [&ran, gate = f.gate](int item) {
        if (item == 0)
          gate->enter();
        else
          ++ran;
      });
  for (int i = 0; i < 3; ++i) CHECK(work.enqueue(i).ok());
  f.gate->wait_for_inside(1);
  f.clock.advance(2 * kSecond);
  until([&] { return ran == 2; });
  finish(work);
}

TEST_CASE("time limit: who waits for a hung body's result learns of its failure") {
  Fixture f;
  ResultCoordinator<int, int> work(f.options(1), [gate = f.gate](int item) {
    gate->enter();
    return item;
  });
  const auto id = work.enqueue(1);
  f.gate->wait_for_inside(1);
  std::jthread mover([&] { f.clock.advance(2 * kSecond); });
  const auto ended = work.wait_for_result(*id);
  REQUIRE(ended.ok());
  CHECK_FALSE(ended->has_result());
  CHECK(ended->failed());
}

TEST_CASE("time limit: with eight threads abandoned new work is refused, and drain still ends") {
  Fixture f;
  WorkCoordinator<int> work(f.options(2), [gate = f.gate](int) { gate->enter(); });
  for (int i = 0; i < 20; ++i) CHECK(work.enqueue(i).ok());
  for (int round = 1; round <= 4; ++round) {
    f.gate->wait_for_entered(2 * round);
    f.clock.advance(2 * kSecond);
    until([&] { return work.counts().timed_out >= static_cast<std::uint64_t>(2 * round); });
  }

  CHECK(work.enqueue(99).status().code() == Code::kUnavailable);
  finish(work);
  CHECK(work.counts().abandoned_threads >= 8);
  CHECK(work.counts().timed_out + work.counts().cancelled == 20);
  f.gate->open();
}

TEST_CASE("time limit: an abandoned body may outlive its coordinator, and what it holds with it") {
  Fixture f;
  auto held = std::make_shared<std::atomic<int>>(1);
  auto work = std::make_unique<WorkCoordinator<std::shared_ptr<std::atomic<int>>>>(
      f.options(1), [gate = f.gate](std::shared_ptr<std::atomic<int>>& item, Operation& operation) {
        gate->enter();
        *item = operation.stop_requested() ? 2 : 3;
        operation.raise("nobody.hears");
      });
  CHECK(work->enqueue(held).ok());
  f.gate->wait_for_inside(1);
  f.clock.advance(2 * kSecond);
  until([&] { return work->counts().timed_out == 1; });

  work.reset();
  CHECK(held.use_count() == 2);
  f.gate->open();

  until([&] { return held.use_count() == 1; });
  CHECK(*held == 2);
}

// Aims at a body that returns at the moment its limit passes.
TEST_CASE("time limit: ends and limits that fall together are counted once") {
  Fixture f;
  WorkCoordinator<int> work(f.options(2), [&](int) { f.clock.advance(kSecond / 2); });
  std::uint64_t accepted = 0;
  for (int i = 0; i < 500; ++i) accepted += work.enqueue(i).ok();
  finish(work);
  const WorkCounts counts = work.counts();
  CHECK(counts.succeeded + counts.failed + counts.cancelled == accepted);
}

}  // namespace
}  // namespace mayfly
