// Signals that operations raise, and signals that steer coordinators.
#include <doctest/doctest.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "mayfly/base/clock.h"
#include "mayfly/signal/signal_sink.h"
#include "mayfly/work/work_coordinator.h"
#include "mayfly/work/work_fixture.h"

namespace mayfly {
namespace {

struct Fixture {
  explicit Fixture(SignalSinkOptions options = {}) : sink(clock, options) {}

  ManualClock clock;
  SignalSink sink;

  WorkOptions options() { return {.max_concurrency = 1, .signals = &sink, .clock = &clock}; }
};

// C033
TEST_CASE("P1, P2: operations raise signals, which the coordinator and the shared sink know") {
  Fixture f;
  OperationId id = 0;
  WorkCoordinator<int> work(f.options(), [&](int, Operation& operation) {
    id = operation.id();
    operation.raise("progress:1");
    operation.raise("error.io");
  });
  f.sink.raise("error.of.somebody.else");
  CHECK(work.enqueue(1).ok());
  finish(work);

  CHECK(work.has_signal("error.io"));
  CHECK(work.count_signals("error.io") == 1);
  CHECK(work.signals("error.*").size() == 1);
  CHECK(work.count_signals() == 2);
  CHECK_FALSE(work.has_signal("error.of.*"));
  const auto shared = f.sink.sense("progress*");
  REQUIRE(shared.size() == 1);
  CHECK(shared[0].operation == id);
  CHECK(work.signals_of(id).size() == 2);
  CHECK(work.signals_since(f.clock.now_ns() + 1).empty());
}

TEST_CASE("work signals: an operation takes back its own signals, not those of others") {
  Fixture f;
  WorkCoordinator<int> work(f.options(), [&](int, Operation& operation) {
    operation.raise("busy");
    operation.raise("stage:1");
    operation.raise("stage:2");
    CHECK(operation.retract("busy") == 1);
    CHECK(operation.retract_matching("stage:*") == 2);
  });
  f.sink.raise("busy");
  CHECK(work.enqueue(1).ok());
  finish(work);

  CHECK(work.count_signals() == 0);
  CHECK(f.sink.count("busy") == 1);
}

// C106
TEST_CASE("P3: items are skipped and counted while a cancelling signal is present") {
  Fixture f;
  std::atomic<int> ran{0};
  WorkOptions options = f.options();
  options.cancel_on_signals = {"circuit-open", "shutting-*"};
  WorkCoordinator<int> work(options, [&](int) { ++ran; });
  f.sink.raise("circuit-open");
  for (int i = 0; i < 5; ++i) CHECK(work.enqueue(i).ok());
  until([&] { return work.counts().skipped == 5; });
  CHECK(ran == 0);
  CHECK(work.completed_operations().size() == 5);

  f.sink.retract("circuit-open");
  CHECK(work.enqueue(6).ok());
  finish(work);

  CHECK(ran == 1);
  CHECK(work.counts().failed == 0);
}

TEST_CASE("P3: a signal that an operation of the coordinator raises cancels what comes after it") {
  Fixture f;
  WorkOptions options{.max_concurrency = 1, .clock = &f.clock};  // a sink of its own
  options.cancel_on_signals = {"poison"};
  WorkCoordinator<int> work(options, [&](int, Operation& operation) { operation.raise("poison"); });
  for (int i = 0; i < 3; ++i) CHECK(work.enqueue(i).ok());
  finish(work);

  CHECK(work.counts().succeeded == 1);
  CHECK(work.counts().skipped == 2);
}

TEST_CASE("work signals: a cancelling signal ages out by the clock alone") {
  Fixture f;
  WorkOptions options = f.options();
  options.cancel_on_signals = {"circuit-open"};
  WorkCoordinator<int> work(options, [](int) {});
  f.sink.raise("circuit-open");
  f.clock.advance(61 * kSecond);
  CHECK(work.enqueue(1).ok());
  finish(work);
  CHECK(work.counts().succeeded == 1);
}

// A time that stands still, and how often somebody waited for it to move.
class StandingClock final : public Clock {
 public:
  std::int64_t now_ns() const override { return clock_.now_ns(); }
  std::int64_t wall_us() const override { return clock_.wall_us(); }
  void wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& wake,
                  std::int64_t deadline_ns) const override {
    ++waits_;
    clock_.wait_until(lock, wake, deadline_ns);
  }
  int waits() const { return waits_; }

 private:
  const ManualClock clock_;
  mutable std::atomic<int> waits_{0};
};

TEST_CASE("P5: deferred items go on as soon as the signal is retracted, without time passing") {
  StandingClock clock;
  SignalSink sink(clock);
  std::atomic<int> ran{0};
  WorkOptions options{.max_concurrency = 1, .signals = &sink, .clock = &clock};
  options.defer_on_signals = {"backpressure*"};
  WorkCoordinator<int> work(options, [&](int) { ++ran; });
  sink.raise("backpressure.downstream");
  for (int i = 0; i < 10; ++i) CHECK(work.enqueue(i).ok());
  // The one worker has looked since, and waits for a time that doesn't come.
  const int before = clock.waits();
  until([&] { return clock.waits() >= before + 2; });
  CHECK(ran == 0);
  CHECK(work.pending_count() == 10);

  CHECK(sink.retract("backpressure.downstream") == 1);

  until([&] { return ran == 10; });
  CHECK(work.counts().deferrals_exhausted == 0);
  finish(work);
}

TEST_CASE("work signals: deferred items run anyway after the last attempt, all of them at once") {
  Fixture f({.max_age_ns = kNever});  // or the signal would grow too old first
  std::atomic<int> ran{0};
  WorkOptions options = f.options();
  options.defer_on_signals = {"rate-limited"};
  options.defer_check_interval_ns = 100 * kMillisecond;
  options.max_defer_attempts = 50;
  WorkCoordinator<int> work(options, [&](int) { ++ran; });
  f.sink.raise("rate-limited");
  for (int i = 0; i < 4; ++i) CHECK(work.enqueue(i).ok());
  std::jthread mover([&] {
    while (ran < 4) f.clock.advance(50 * kMillisecond);
  });
  finish(work);

  CHECK(work.counts().deferrals_exhausted == 4);
  CHECK(f.sink.count("coordinator.defer.exhausted") == 4);
}

TEST_CASE("work signals: a resuming signal overrides a deferring one") {
  Fixture f;
  std::atomic<int> ran{0};
  WorkOptions options = f.options();
  options.defer_on_signals = {"preload"};
  options.resume_on_signals = {"preload.done"};
  WorkCoordinator<int> work(options, [&](int) { ++ran; });
  f.sink.raise("preload");
  std::vector<int> items(20);
  CHECK(work.enqueue_many(items).count == 20);
  CHECK(ran == 0);

  f.sink.raise("preload.done");

  finish(work);
  CHECK(ran == 20);
}

TEST_CASE("work signals: a resuming signal that has aged out overrides nothing any more") {
  Fixture f;
  std::atomic<int> ran{0};
  WorkOptions options = f.options();
  options.defer_on_signals = {"slow"};
  options.resume_on_signals = {"go.on"};
  WorkCoordinator<int> work(options, [&](int) { ++ran; });
  f.sink.raise("go.on");
  f.clock.advance(50 * kSecond);
  f.sink.raise("slow");
  CHECK(work.wait(*work.enqueue(1)).ok());

  f.clock.advance(20 * kSecond);
  CHECK(work.enqueue(2).ok());
  f.sink.raise("anything");
  CHECK(ran == 1);
  f.sink.retract("slow");

  finish(work);
  CHECK(ran == 2);
  CHECK(work.counts().deferrals_exhausted == 0);
}

TEST_CASE("work signals: a drain with a deferring signal that stays ends by the last attempt") {
  Fixture f;
  WorkOptions options = f.options();
  options.defer_on_signals = {"stuck"};
  options.defer_check_interval_ns = kSecond;
  options.max_defer_attempts = 3;
  WorkCoordinator<int> work(options, [](int) {});
  f.sink.raise("stuck");
  CHECK(work.enqueue(1).ok());
  work.complete();
  std::atomic<bool> drained{false};
  std::jthread mover([&] {
    while (!drained) f.clock.advance(100 * kMillisecond);
  });
  CHECK(work.drain().ok());
  drained = true;
  CHECK(work.counts().succeeded == 1);
}

TEST_CASE("work signals: attempts of 0 defer nothing") {
  Fixture f;
  WorkOptions options = f.options();
  options.defer_on_signals = {"stuck"};
  options.max_defer_attempts = 0;
  WorkCoordinator<int> work(options, [](int) {});
  f.sink.raise("stuck");
  CHECK(work.enqueue(1).ok());
  finish(work);
  CHECK(work.counts().deferrals_exhausted == 1);
}

// C108
TEST_CASE("work signals: a drain request completes an idle coordinator, not one made later") {
  Fixture f;
  WorkCoordinator<int> idle(f.options(), [](int) {});
  f.sink.raise("coordinator.drain.all");
  CHECK(idle.completed());
  CHECK(idle.drain().ok());

  WorkCoordinator<int> later(f.options(), [](int) {});
  CHECK(later.enqueue(1).ok());
  finish(later);
}

TEST_CASE("work signals: a drain request by id, or by pattern, is for those it names") {
  Fixture f;
  WorkOptions options = f.options();
  options.coordinator_id = "import-7";
  WorkCoordinator<int> named(options, [](int) {});
  options.coordinator_id = "export";
  WorkCoordinator<int> other(options, [](int) {});
  options.drain_on_signals = {};
  options.coordinator_id = "import-8";
  WorkCoordinator<int> deaf(options, [](int) {});

  f.sink.raise("coordinator.drain.id:export");
  CHECK(other.completed());
  CHECK_FALSE(named.completed());
  f.sink.raise("coordinator.drain.pattern:import-*");
  CHECK(named.completed());
  CHECK_FALSE(deaf.completed());
}

TEST_CASE("P4: on_signal hears operations and everybody else, and of retractions") {
  Fixture f;
  Seen<std::string> raised;
  Seen<std::string> removed;
  WorkOptions options = f.options();
  options.on_signal = [&](const SignalEvent& event) { raised.add(std::string(event.name())); };
  options.on_signal_retracted = [&](const SignalEvent& event) {
    removed.add(std::string(event.name()));
  };
  {
    WorkCoordinator<int> work(options,
                              [](int, Operation& operation) { operation.raise("from.operation"); });
    CHECK(work.enqueue(1).ok());
    finish(work);
    f.sink.raise("from.outside");
    f.sink.retract("from.outside");
  }
  f.sink.raise("after.destruction");

  CHECK(raised.all() == std::vector<std::string>{"from.operation", "from.outside"});
  CHECK(removed.all() == std::vector<std::string>{"from.outside"});
}

// C034
TEST_CASE("work signals: an evicted operation leaves an echo, for a while") {
  Fixture f;
  WorkOptions options = f.options();
  options.max_tracked_operations = 1;
  options.echo_capacity = 2;
  options.echo_retention_ns = 30 * kSecond;
  WorkCoordinator<int> work(options, [](int item, Operation& operation) {
    if (item != 3) operation.raise("item:" + std::to_string(item));
  });
  for (int i = 0; i < 6; ++i) CHECK(work.enqueue(i).ok());
  finish(work);

  auto echoes = work.echoes();  // 0 was pushed out, 3 raised nothing, 5 is still there
  REQUIRE(echoes.size() == 2);
  CHECK(echoes[0].signals.at(0).name == "item:2");
  CHECK(echoes[1].signals.at(0).name == "item:4");
  f.clock.advance(31 * kSecond);
  CHECK(work.echoes().empty());
}

// Aims at a retraction that comes between a worker's look at the signal and its sleep.
TEST_CASE("work signals: no wake-up is lost between raising, retracting and looking") {
  Fixture f;
  std::atomic<int> ran{0};
  WorkOptions options = f.options();
  options.max_concurrency = 2;
  options.defer_on_signals = {"hold"};
  WorkCoordinator<int> work(options, [&](int) { ++ran; });
  for (int i = 1; i <= 500; ++i) {
    f.sink.raise("hold");
    CHECK(work.enqueue(i).ok());
    f.sink.retract("hold");
    until([&] { return ran == i; });
  }
  finish(work);
}

// Nothing tells of it: the interval is endless, and the signal never ages.
TEST_CASE(
    "work signals: a deferral without end sees that its signal was pushed out of the window") {
  Fixture f({.capacity = 4, .max_age_ns = kNever});
  std::atomic<int> ran{0};
  WorkOptions options = f.options();
  options.defer_on_signals = {"hold"};
  options.defer_check_interval_ns = kNever;
  WorkCoordinator<int> work(options, [&](int) { ++ran; });
  f.sink.raise("hold");
  const auto id = work.enqueue(1);
  // Each pin takes the scheduler's lock; after some the worker has looked, and sleeps.
  for (int i = 0; i < 2'000; ++i) {
    CHECK(work.pin(*id));
    std::this_thread::yield();
  }
  for (int i = 0; i < 4; ++i) f.sink.raise("other");
  std::jthread mover([&] {
    while (ran < 1) f.clock.advance(kSecond);
  });
  finish(work);
  CHECK(work.counts().deferrals_exhausted == 0);
}

TEST_CASE(
    "work signals: a deferral without end is over with the retraction, also after long sleep") {
  Fixture f({.max_age_ns = kNever});
  WorkOptions options = f.options();
  options.defer_on_signals = {"hold"};
  options.defer_check_interval_ns = kNever;
  WorkCoordinator<int> work(options, [&](int) {});
  f.sink.raise("hold");
  CHECK(work.enqueue(1).ok());
  f.clock.advance(3600 * kSecond);
  CHECK(work.pending_count() == 1);
  f.sink.retract("hold");
  CHECK(work.wait_until_idle().ok());
  CHECK(work.counts().succeeded == 1);
}

TEST_CASE("work signals: the coordinator's own sink keeps the guards that it is given") {
  WorkOptions options{.max_concurrency = 1};
  options.signal_constraints = {.terminal = GlobSet("stop.*")};
  std::atomic<int> heard{0};
  WorkCoordinator<int>* self = nullptr;
  options.on_signal = [&](const SignalEvent& event) {
    ++heard;
    self->sink().raise(event.is("go") ? "caused" : "never");
  };
  WorkCoordinator<int> work(options,
                            [](int, Operation& operation) { operation.raise("stop.all"); });
  self = &work;
  CHECK(work.enqueue(1).ok());
  finish(work);
  CHECK(heard == 1);
  CHECK(work.sink().blocked_total() == 1);
  options.signal_constraints.max_depth = 0;
  CHECK_THROWS_AS(WorkCoordinator<int>(options, [](int) {}), std::invalid_argument);
}

}  // namespace
}  // namespace mayfly
