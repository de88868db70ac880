// Signals that are handled on other threads: the dispatcher, on_signal_async, pins until
// acknowledged.
#include "mayfly/work/signal_dispatcher.h"

#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "mayfly/base/clock.h"
#include "mayfly/work/pin_until_acknowledged.h"
#include "mayfly/work/work_coordinator.h"
#include "mayfly/work/work_fixture.h"

namespace mayfly {
namespace {

using Texts = std::vector<std::string>;

struct Fixture {
  ManualClock clock;
  SignalSink sink{clock};
};

// C110
TEST_CASE("dispatcher: signals reach the handlers of their patterns, and no others") {
  Fixture f;
  Seen<std::string> seen;
  SignalDispatcher dispatcher({.clock = &f.clock});
  const auto note = [&](const SignalEvent& event) { seen.add(std::string(event.name())); };
  CHECK(dispatcher.add("db.*", note).ok());
  CHECK(dispatcher.add("cache.hit", note).ok());
  const SignalSubscription all = dispatcher.listen(f.sink);

  f.sink.raise("db.query");
  f.sink.raise("cache.hit");
  f.sink.raise("http");
  dispatcher.flush();

  CHECK(seen.sorted() == Texts{"cache.hit", "db.query"});
  CHECK(dispatcher.handled() == 3);
}

// C111
TEST_CASE("dispatcher: handlers of one signal run in the order they were added") {
  Fixture f;
  Seen<std::string> seen;
  SignalDispatcher dispatcher;
  CHECK(dispatcher.add("db.*", [&](const SignalEvent&) { seen.add("replaced"); }).ok());
  CHECK(dispatcher.add("*", [&](const SignalEvent&) { seen.add("catch-all"); }).ok());
  CHECK(dispatcher.add("db.*", [&](const SignalEvent&) { seen.add("first"); }).ok());
  const SignalSubscription all = dispatcher.listen(f.sink);
  f.sink.raise("db.query");
  dispatcher.flush();
  CHECK(seen.all() == Texts{"first", "catch-all"});
}

// C112
TEST_CASE("dispatcher: after close nothing is taken, and after flush nothing is lost") {
  Fixture f;
  std::atomic<int> handled{0};
  SignalDispatcher dispatcher;
  CHECK(dispatcher.add("*", [&](const SignalEvent&) { ++handled; }).ok());
  SignalEvent event;
  const SignalSubscription keep =
      f.sink.subscribe("*", [&](const SignalEvent& given) { event = given; });
  f.sink.raise("a");
  CHECK(dispatcher.dispatch(event));
  dispatcher.flush();
  CHECK(dispatcher.dispatch(event));
  dispatcher.flush();
  CHECK(handled == 2);
  dispatcher.close();
  dispatcher.close();
  CHECK_FALSE(dispatcher.dispatch(event));
  CHECK(handled == 2);
}

TEST_CASE("dispatcher: signals of one name are handled in order, one at a time") {
  Fixture f;
  Seen<OperationId> seen;
  SignalDispatcher dispatcher({.max_concurrency = 4});
  CHECK(dispatcher.add("*", [&](const SignalEvent& event) { seen.add(event.operation()); }).ok());
  const SignalSubscription all = dispatcher.listen(f.sink);
  for (OperationId id = 1; id <= 500; ++id) f.sink.raise("step", id);
  dispatcher.flush();
  const auto order = seen.all();
  CHECK(order.size() == 500);
  CHECK(std::ranges::is_sorted(order));
}

TEST_CASE(
    "dispatcher: a handler that throws keeps no other from running; blank and null are refused") {
  Fixture f;
  std::atomic<int> handled{0};
  SignalDispatcher dispatcher;
  CHECK(dispatcher.add("*", [](const SignalEvent&) { throw std::runtime_error("x"); }).ok());
  CHECK(dispatcher.add("a", [&](const SignalEvent&) { ++handled; }).ok());
  CHECK(dispatcher.add(" ", [](const SignalEvent&) {}).code() == Code::kUsage);
  CHECK(dispatcher.add("b", nullptr).code() == Code::kUsage);
  const SignalSubscription all = dispatcher.listen(f.sink);
  f.sink.raise("a");
  dispatcher.flush();
  CHECK(handled == 1);
  CHECK(dispatcher.failures() == 1);
  CHECK_THROWS_AS(SignalDispatcher({.max_concurrency = 0}), std::invalid_argument);
  CHECK_THROWS_AS(SignalDispatcher({.queue_capacity = -5}), std::invalid_argument);
}

TEST_CASE("dispatcher: a full queue drops what is oldest, counted, also behind a busy name") {
  Fixture f;
  Gate gate;
  Seen<std::string> seen;
  SignalDispatcher dispatcher({.max_concurrency = 1, .queue_capacity = 2});
  CHECK(dispatcher
            .add("*",
                 [&](const SignalEvent& event) {
                   if (event.is("busy")) gate.enter();
                   seen.add(std::string(event.name()));
                 })
            .ok());
  const SignalSubscription all = dispatcher.listen(f.sink);
  f.sink.raise("busy");
  gate.wait_for_inside(1);
  f.sink.raise("busy");
  for (const char* name : {"a", "b", "c"}) f.sink.raise(name);
  CHECK(dispatcher.dropped() == 2);
  gate.open();
  dispatcher.flush();
  CHECK(seen.all() == Texts{"busy", "b", "c"});
}

TEST_CASE("dispatcher: a handler that raises what it handles ends by the guards") {
  Fixture f;
  std::atomic<int> handled{0};
  SignalDispatcher dispatcher;
  CHECK(dispatcher
            .add("loop",
                 [&](const SignalEvent&) {
                   ++handled;
                   f.sink.raise("loop");
                 })
            .ok());
  {
    const SignalSubscription all = dispatcher.listen(f.sink);
    f.sink.raise("loop");
    dispatcher.flush();
  }
  CHECK(handled == 1);
  CHECK(f.sink.blocked_total() == 1);
}

TEST_CASE("P4: on_signal_async handles on other threads, and raising never waits for it") {
  Fixture f;
  Gate gate;
  std::atomic<int> handled{0};
  WorkOptions options{.max_concurrency = 1, .signals = &f.sink, .clock = &f.clock};
  options.on_signal_async = [&](const SignalEvent&) {
    gate.enter();
    ++handled;
  };
  options.max_concurrent_signal_handlers = 2;
  options.max_queued_signals = 10;
  {
    WorkCoordinator<int> work(options, [](int) {});
    for (int i = 0; i < 2; ++i) f.sink.raise("first");
    gate.wait_for_inside(2);
    for (int i = 0; i < 15; ++i) f.sink.raise("more");
    CHECK(work.counts().signals_dropped == 5);
    CHECK(handled == 0);
    gate.open();
  }  // drained
  CHECK(handled == 12);
  CHECK(gate.most_inside() == 2);
}

TEST_CASE("P4: on_signal_retracted_async hears of retractions; a handler that throws is counted") {
  Fixture f;
  Seen<std::string> removed;
  WorkOptions options{.signals = &f.sink, .clock = &f.clock};
  options.on_signal_async = [](const SignalEvent&) { throw 1; };
  options.on_signal_retracted_async = [&](const SignalEvent& event) {
    removed.add(std::string(event.name()));
  };
  WorkCoordinator<int> work(options, [](int) {});
  f.sink.raise("a");
  f.sink.retract("a");
  until([&] { return removed.all() == Texts{"a"} && work.counts().observer_failures == 1; });
}

TEST_CASE("pin until acknowledged: the signal with its argument releases it, no other") {
  Fixture f;
  WorkCoordinator<int> work(
      {.max_concurrency = 1, .max_tracked_operations = 1, .signals = &f.sink, .clock = &f.clock},
      [](int) {});
  PinUntilAcknowledged pins(work, f.sink, f.clock, 60 * kSecond);
  const OperationId first = *work.enqueue(1);
  CHECK(work.wait(first).ok());
  CHECK(pins.pin(first, {.description = "invoice 17"}).ok());
  REQUIRE(pins.pending_count() == 1);
  CHECK(pins.active()[0].description == "invoice 17");

  f.sink.raise("responsibility.ack.billing:" + std::to_string(first + 1));
  f.sink.raise("other.ack:" + std::to_string(first));
  CHECK(pins.pending_count() == 1);
  f.sink.raise("responsibility.ack.billing:" + std::to_string(first));

  CHECK(pins.pending_count() == 0);
  CHECK_FALSE(work.find(first)->pinned);
  CHECK(pins.pin(first + 1000).code() == Code::kUsage);
  CHECK(pins.pin(first, {.acknowledged_by = " "}).code() == Code::kUsage);
}

TEST_CASE("pin until acknowledged: by complete, by time, by destruction") {
  Fixture f;
  WorkCoordinator<int> work({.signals = &f.sink, .clock = &f.clock}, [](int) {});
  const OperationId id = *work.enqueue(1);
  CHECK(work.wait(id).ok());
  {
    PinUntilAcknowledged pins(work, f.sink, f.clock, 60 * kSecond);
    CHECK(pins.pin(id).ok());
    CHECK(pins.complete(id));
    CHECK_FALSE(pins.complete(id));
    CHECK(pins.pin(id).ok());
    f.clock.advance(61 * kSecond);
    f.sink.raise("anything");
    CHECK_FALSE(work.find(id)->pinned);
    CHECK(pins.pin(id).ok());
  }
  CHECK_FALSE(work.find(id)->pinned);
}

// The handler's captures call the dispatcher when they go.
TEST_CASE("dispatcher: limits below one are refused") {
  CHECK_THROWS_AS(SignalDispatcher({.queue_capacity = 0}), std::invalid_argument);
  CHECK_THROWS_AS(SignalDispatcher({.queue_capacity = -5}), std::invalid_argument);
  CHECK_THROWS_AS(SignalDispatcher({.max_concurrency = 0}), std::invalid_argument);
}

TEST_CASE("dispatcher: a handler that is replaced goes without a lock being held") {
  Fixture f;
  SignalDispatcher dispatcher({.clock = &f.clock});
  struct AddsAtItsEnd {
    ~AddsAtItsEnd() {
      CHECK(to.add("b", [](const SignalEvent&) {}).ok());
    }
    SignalDispatcher& to;
  };
  auto held = std::make_shared<AddsAtItsEnd>(AddsAtItsEnd{dispatcher});
  CHECK(dispatcher.add("a", [held = std::move(held)](const SignalEvent&) {}).ok());
  CHECK(dispatcher.add("a", [](const SignalEvent&) {}).ok());
}

}  // namespace
}  // namespace mayfly
