// Signals as they are raised (dispatched to handlers by pattern) and as they are asked for
// (polled).
//
// Each item raises stage.start:I, works a little, and raises stage.done:I.
#include <atomic>
#include <cstdio>
#include <set>
#include <string>
#include <vector>

#include "mayfly/mayfly.h"
#include "tools/examples/example_check.h"

using example::shown;

namespace {

struct Reactions {
  int dispatched = 0;  // stage.done heard by a handler
  int polled = 0;      // stage.done found in the window afterwards
  std::set<std::string> kinds;
};

Reactions run(int items) {
  const mayfly::SystemClock clock;
  mayfly::SignalSink sink(clock, {.capacity = 10'000});
  std::atomic<int> dispatched{0};
  mayfly::SignalDispatcher dispatcher;
  const auto handled = dispatcher.add("stage.done:*", [&](const mayfly::SignalEvent& event) {
    const int done = ++dispatched;
    std::printf("  %-14s %2d of %d done\n", std::string(event.name()).c_str(), done, items);
  });
  shown(handled.ok(), "a handler for each end");
  {
    mayfly::WorkCoordinator<int> work(
        {.max_concurrency = 4,
         .signals = &sink,
         .on_signal = [&](const mayfly::SignalEvent& event) { dispatcher.dispatch(event); }},
        [](int& item, mayfly::Operation& operation) {
          operation.raise("stage.start:" + std::to_string(item));
          operation.raise("stage.done:" + std::to_string(item));
        });
    for (int i = 0; i < items; ++i)
      if (!work.enqueue(i).ok()) shown(false, "an item is taken");
    work.complete();
    shown(work.drain().ok(), "drained");
  }
  dispatcher.flush();
  Reactions reactions{.dispatched = dispatched.load(), .polled = 0, .kinds = {}};
  reactions.polled = static_cast<int>(sink.count("stage.done:*"));
  for (const mayfly::Signal& signal : sink.sense("stage.*")) {
    reactions.kinds.emplace(signal.stem());
  }
  return reactions;
}

}  // namespace

// Conformance case C146.
int main() {
  const Reactions reactions = run(12);
  std::printf("dispatched %d, polled %d\n", reactions.dispatched, reactions.polled);
  shown(reactions.dispatched == 12, "each end was dispatched");
  shown(reactions.polled == 12, "each end is found in the window");
  shown(reactions.kinds == std::set<std::string>{"stage.done", "stage.start"},
        "both kinds are there");
}
