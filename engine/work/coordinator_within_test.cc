// Coordinators that are waited for, or destroyed, from within: in their bodies, observers,
// callbacks, listeners and sources.
#include <doctest/doctest.h>

#include <atomic>
#include <functional>
#include <latch>
#include <memory>
#include <string>
#include <vector>

#include "mayfly/base/clock.h"
#include "mayfly/signal/signal_sink.h"
#include "mayfly/work/result_coordinator.h"
#include "mayfly/work/signal_dispatcher.h"
#include "mayfly/work/work_coordinator.h"
#include "mayfly/work/work_fixture.h"

namespace mayfly {
namespace {

using Work = WorkCoordinator<int>;

// A coordinator that something of its own destroys. What bodies use is shared with them: they may
// outlive the test's frame.
struct Doomed {
  std::unique_ptr<Work> work;
  std::latch ready{1};  // the test calls it no more
  std::atomic<bool> begun{false};
  std::atomic<int> destroyed{0};
  std::atomic<int> ended{0};
  std::atomic<int> heard{0};

  void destroy() {
    ready.wait();
    if (begun.exchange(true)) return;
    work.reset();
    ++destroyed;
  }
};

TEST_CASE("within: a body may destroy its coordinator, and goes on") {
  const auto doomed = std::make_shared<Doomed>();
  doomed->work = std::make_unique<Work>(
      WorkOptions{.max_concurrency = 1, .body_time_limit_ns = 3600 * kSecond},
      [doomed](int, Operation& operation) {
        operation.raise("before");
        doomed->destroy();
        operation.raise("nobody.hears");
        CHECK(operation.stop_requested());
        ++doomed->ended;
      });
  CHECK(doomed->work->enqueue(1).ok());
  doomed->ready.count_down();
  until([&] { return doomed->ended == 1; });
  CHECK(doomed->destroyed == 1);
}

// Aims at a body that runs on another thread while its coordinator goes: it ends by itself.
TEST_CASE("within: bodies that run while another one destroys their coordinator reach nothing") {
  ManualClock clock;
  auto sink = std::make_shared<SignalSink>(clock);
  const auto doomed = std::make_shared<Doomed>();
  const auto gate = std::make_shared<Gate>();
  WorkOptions options{.max_concurrency = 2, .signals = sink.get(), .keep_alive = sink};
  options.on_finalized = [doomed](const OperationSnapshot&) { ++doomed->heard; };
  options.max_tracked_operations = 1;
  auto* raw = sink.get();
  doomed->work = std::make_unique<Work>(options, [doomed, gate](int item, Operation& operation) {
    if (item == 0) {
      gate->enter();
      operation.raise("too.late");
    } else {
      gate->wait_for_inside(1);
      doomed->destroy();
    }
    ++doomed->ended;
  });
  CHECK(doomed->work->enqueue(0).ok());
  gate->wait_for_inside(1);
  CHECK(doomed->work->enqueue(1).ok());
  doomed->ready.count_down();
  until([&] { return doomed->ended == 1; });
  const int heard = doomed->heard;
  CHECK(raw->count("too.late") == 0);
  gate->open();
  until([&] { return doomed->ended == 2; });
  CHECK(raw->count("too.late") == 0);
  CHECK(doomed->heard == heard);
}

TEST_CASE("within: a body's own signal may destroy its coordinator, in a listener of its options") {
  const auto doomed = std::make_shared<Doomed>();
  WorkOptions options{.max_concurrency = 1};  // a sink of its own
  options.on_signal = [doomed](const SignalEvent& event) {
    if (event.is("end")) doomed->destroy();
  };
  doomed->work = std::make_unique<Work>(options, [doomed](int, Operation& operation) {
    operation.raise("end");
    operation.raise("end");
    ++doomed->ended;
  });
  CHECK(doomed->work->enqueue(1).ok());
  doomed->ready.count_down();
  until([&] { return doomed->ended == 1; });
  CHECK(doomed->destroyed == 1);
}

// The raise, which is in the coordinator's own sink, goes on after the listener.
TEST_CASE("within: a listener destroys the coordinator in whose sink another thread raises") {
  for (const bool own_option : {false, true}) {
    Doomed doomed;
    WorkOptions options{.max_concurrency = 1};
    const auto destroy = [&](const SignalEvent&) { doomed.destroy(); };
    if (own_option) options.on_signal = destroy;
    doomed.work = std::make_unique<Work>(options, [&](int) { ++doomed.ended; });
    SignalSubscription listener;
    if (!own_option) listener = doomed.work->sink().subscribe("*", destroy);
    CHECK(doomed.work->enqueue(1).ok());
    CHECK(doomed.work->wait_until_idle().ok());
    doomed.ready.count_down();

    doomed.work->sink().raise("end:1");

    CHECK(doomed.destroyed == 1);
    CHECK(doomed.ended == 1);
  }
}

// Aims at a listener that is about to call the coordinator while another thread destroys it.
TEST_CASE("within: raises on a shared sink race with destruction") {
  ManualClock clock;
  SignalSink sink(clock);
  std::atomic<bool> stop{false};
  std::jthread raiser([&] {
    while (!stop) {
      sink.raise("busy");
      sink.retract("busy");
    }
  });
  for (int round = 0; round < 200; ++round) {
    std::atomic<int> heard{0};
    WorkOptions options{.max_concurrency = 1, .signals = &sink, .clock = &clock};
    options.defer_on_signals = {"busy"};
    options.on_signal = [&](const SignalEvent&) { ++heard; };
    Work work(options, [](int) {});
    CHECK(work.enqueue(1).ok());
  }
  stop = true;
}

TEST_CASE("within: observers, callbacks and asynchronous handlers may destroy their coordinator") {
  for (const int where : {0, 1, 2, 3}) {
    CAPTURE(where);
    const auto doomed = std::make_shared<Doomed>();
    const auto gate = std::make_shared<Gate>();
    WorkOptions options{.max_concurrency = 1, .max_tracked_operations = 1, .queue_capacity = 8};
    const auto destroy = [doomed] { doomed->destroy(); };
    if (where == 0) options.on_finalized = [=](const OperationSnapshot&) { destroy(); };
    if (where == 1) options.on_sample = [=](std::span<const OperationSnapshot>) { destroy(); };
    if (where == 2) options.on_signal_async = [=](const SignalEvent&) { destroy(); };
    auto work = std::make_unique<Work>(options, [gate](int, Operation& operation) {
      gate->enter();
      operation.raise("seen");
    });
    const auto id = work->enqueue(1);
    CHECK(work->enqueue(2).ok());
    if (where == 3) {
      CHECK(work->on_done(*id, [=](const OperationSnapshot&) { destroy(); }).ok());
    }
    doomed->work = std::move(work);
    doomed->ready.count_down();
    gate->open();
    until([&] { return doomed->destroyed == 1; });
  }
}

TEST_CASE("within: a callback that cancel() makes may destroy the coordinator") {
  Gate gate;
  auto work = std::make_unique<Work>(WorkOptions{.max_concurrency = 1}, [&](int) { gate.enter(); });
  work->pause();
  const auto id = work->enqueue(1);
  CHECK(work->on_done(*id, [&](const OperationSnapshot&) { work.reset(); }).ok());
  Work* const raw = work.get();
  raw->cancel();
  CHECK(work == nullptr);
}

TEST_CASE("within: a source may destroy its coordinator, and drains it in vain") {
  const auto doomed = std::make_shared<Doomed>();
  std::atomic<bool> refused{false};
  std::atomic<bool> done{false};
  doomed->work = std::make_unique<Work>(
      WorkOptions{.max_concurrency = 1},
      [&, doomed]() -> std::optional<int> {
        doomed->ready.wait();
        refused = doomed->work->drain().code() == Code::kUsage;
        doomed->destroy();
        done = true;
        return std::nullopt;
      },
      [](int) {});
  doomed->ready.count_down();
  until([&] { return done.load(); });
  CHECK(refused);
}

TEST_CASE("within: waiting for oneself is refused, in bodies and in observers") {
  std::atomic<int> refused{0};
  Work* self = nullptr;
  const auto ready = std::make_shared<std::latch>(1);
  WorkOptions options{.max_concurrency = 2};
  const auto wait_for_all = [&] {
    refused += self->wait_until_idle().code() == Code::kUsage;
    refused += self->drain().code() == Code::kUsage;
  };
  options.on_sample = [&](std::span<const OperationSnapshot>) { wait_for_all(); };
  Work work(options, [&](int, Operation& operation) {
    ready->wait();
    refused += self->wait(operation.id()).status().code() == Code::kUsage;
    self->complete();
    wait_for_all();
  });
  self = &work;
  CHECK(work.enqueue(1).ok());
  ready->count_down();
  until([&] { return work.completed(); });
  CHECK(work.drain().ok());
  CHECK(refused == 5);
}

TEST_CASE("within: a body may ask for the result of an operation that has ended, not of its own") {
  ResultCoordinator<int, int>* self = nullptr;
  OperationId first = 0;
  ResultCoordinator<int, int> work({.max_concurrency = 1}, [&](int item, Operation& operation) {
    if (item == 1) return 10;
    const auto mine = self->wait_for_result(operation.id());
    const auto other = self->wait_for_result(first);
    return mine.status().code() == Code::kUsage && other.ok() ? other->result() + 1 : -1;
  });
  self = &work;
  first = *work.enqueue(1);
  CHECK(work.wait_for_result(first).ok());
  const auto second = work.enqueue(2);
  CHECK(work.wait_for_result(*second)->result() == 11);
}

TEST_CASE("within: a callback waits for another operation only if another worker can run it") {
  std::atomic<int> refused{0};
  Gate gate;
  Work work({.max_concurrency = 1}, [&](int) { gate.enter(); });
  const auto first = work.enqueue(1);
  const auto second = work.enqueue(2);
  CHECK(work.on_done(*first,
                     [&](const OperationSnapshot&) {
                       refused += work.wait(*second).status().code() == Code::kUsage;
                     })
            .ok());
  gate.open();
  finish(work);
  CHECK(refused == 1);
}

TEST_CASE("within: a dispatcher's handler may flush, close and destroy it") {
  ManualClock clock;
  SignalSink sink(clock);
  auto dispatcher = std::make_unique<SignalDispatcher>();
  std::atomic<int> handled{0};
  CHECK(dispatcher
            ->add("end",
                  [&](const SignalEvent&) {
                    dispatcher->flush();
                    dispatcher->close();
                    dispatcher.reset();
                    ++handled;
                  })
            .ok());
  SignalSubscription all = dispatcher->listen(sink);
  sink.raise("end");
  until([&] { return handled == 1; });
  all.reset();
  CHECK(dispatcher == nullptr);
}

}  // namespace
}  // namespace mayfly
