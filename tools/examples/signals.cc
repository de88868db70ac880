// Signals: raised by operations and anybody else, listened to, asked for, and steering what runs.
#include <atomic>
#include <string>
#include <vector>

#include "mayfly/mayfly.h"
#include "tools/examples/example_check.h"

using example::shown;

namespace {

struct Work {
  std::string name;
};

void finish(mayfly::WorkCoordinator<Work>& work) {
  work.complete();
  shown(work.drain().ok(), "drained");
}

// A callback for each signal: on the raising thread, or on threads of the coordinator's own.
void callbacks(const mayfly::Clock& clock) {
  mayfly::SignalSink sink(clock);
  std::atomic<int> heard{0};
  std::atomic<int> logged{0};
  {
    mayfly::WorkCoordinator<Work> work(
        {.signals = &sink,
         .on_signal = [&](const mayfly::SignalEvent&) { ++heard; },
         .on_signal_async = [&](const mayfly::SignalEvent&) { ++logged; },
         .max_concurrent_signal_handlers = 4,
         .max_queued_signals = 1000},
        [](Work& item, mayfly::Operation& operation) {
          operation.raise("order.done:" + item.name);
          if (item.name == "b") operation.raise("error.timeout");
        });
    for (const char* name : {"a", "b"}) shown(work.enqueue({name}).ok(), "an item is taken");
    finish(work);

    shown(heard == 3, "on_signal heard all of them");
    shown(work.has_signal("error.timeout"), "is there an error?");
    shown(work.count_signals("order.done:*") == 2, "how many orders are done?");
    shown(work.signals("error.*").size() == 1, "which errors are there?");
  }
  shown(logged == 3, "on_signal_async handled all before the coordinator was gone");
}

// Skipped while the circuit is open.
void cancelling(const mayfly::Clock& clock) {
  mayfly::SignalSink sink(clock);
  mayfly::WorkCoordinator<Work> work(
      {.signals = &sink, .cancel_on_signals = {"circuit-open", "shutting-down"}}, [](Work&) {});
  sink.raise("circuit-open");
  shown(work.enqueue({"a"}).ok(), "an item is taken");
  finish(work);
  shown(work.counts().skipped == 1, "new work is skipped while the circuit is open");
}

// Deferred while something downstream is slow, resumed when it has recovered.
void backpressure(const mayfly::Clock& clock) {
  mayfly::SignalSink sink(clock);
  mayfly::WorkCoordinator<Work> work({.max_concurrency = 4,
                                      .signals = &sink,
                                      .defer_on_signals = {"backpressure.*", "rate-limited"},
                                      .defer_check_interval_ns = 100 * mayfly::kMillisecond,
                                      .max_defer_attempts = 50},
                                     [](Work&) {});
  sink.raise("backpressure.downstream");  // new work waits
  shown(work.enqueue({"a"}).ok(), "an item is taken");
  shown(work.counts().succeeded == 0, "and waits");
  sink.retract("backpressure.downstream");  // it goes on
  finish(work);
  shown(work.counts().succeeded == 1, "until the signal is retracted");
}

// A circuit breaker: the window remembers thirty seconds, and five failures in it are too many.
void breaker() {
  mayfly::ManualClock clock;  // so that half a minute passes at once
  mayfly::SignalSink sink(clock, {.max_age_ns = 30 * mayfly::kSecond});
  mayfly::WorkCoordinator<Work> calls(
      {.signals = &sink, .clock = &clock},
      [](Work&, mayfly::Operation& operation) { operation.raise("api.failure"); });
  const auto is_open = [&] { return sink.count("api.failure") >= 5; };
  int refused = 0;
  for (int i = 0; i < 8; ++i) {
    if (is_open()) {
      ++refused;  // too many recent failures
      continue;
    }
    shown(calls.enqueue({"call"}).ok(), "a call is made");
    shown(calls.wait_until_idle().ok(), "it has ended");
  }
  shown(refused == 3, "the sixth call and those after it are refused");
  clock.advance(31 * mayfly::kSecond);
  shown(!is_open(), "and allowed again when the failures are old");
  finish(calls);
}

// One sink for several coordinators.
void shared(const mayfly::Clock& clock) {
  mayfly::SignalSink sink(clock);
  mayfly::WorkCoordinator<Work> first({.signals = &sink, .cancel_on_signals = {"system.busy"}},
                                      [](Work&) {});
  mayfly::WorkCoordinator<int> second({.signals = &sink}, [](int, mayfly::Operation& operation) {
    operation.raise("system.busy");
  });
  const auto id = second.enqueue(1);
  shown(second.wait(*id).ok(), "one coordinator says that the system is busy");
  shown(first.enqueue({"a"}).ok(), "an item is taken");
  finish(first);
  shown(first.counts().skipped == 1, "and the other one sees it");
}

// Handlers by pattern, on threads of their own.
void dispatched(const mayfly::Clock& clock) {
  mayfly::SignalSink sink(clock);
  std::atomic<int> queries{0};
  mayfly::SignalDispatcher dispatcher({.max_concurrency = 2});
  shown(dispatcher.add("db.*", [&](const mayfly::SignalEvent&) { ++queries; }).ok(), "a handler");
  const mayfly::SignalSubscription all = dispatcher.listen(sink);
  sink.raise("db.query:orders");
  sink.raise("http.request");
  dispatcher.flush();
  shown(queries == 1, "the dispatcher hands signals over by their patterns");
}

}  // namespace

int main() {
  const mayfly::SystemClock clock;
  callbacks(clock);
  cancelling(clock);
  backpressure(clock);
  breaker();
  shared(clock);
  dispatched(clock);
}
