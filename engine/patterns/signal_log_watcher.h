// SignalLogWatcher: calls back for each signal that matches, once.
//
//   SignalLogWatcher watcher(sink, [](const Signal& signal) { log(signal.name); }, {.pattern =
//   "error.*"});
//
// Told by the sink, so that nothing is missed which leaves the window before anybody looks, and
// nothing has to be remembered. Callbacks run on the watcher's own thread, in the order of the
// raises of each thread; the raiser doesn't wait: when max_queued wait, the oldest is dropped and
// counted. One that throws isn't called again for the same signal, and watcher.error:PATTERN is
// raised. Signals of watchers are never watched, whatever the pattern is.
// The node of the same kind is the plugin `signal_log_watcher`.
//
// THREADS  Any may call anything; the callback must not drain. The sink is borrowed.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "mayfly/signal/signal_sink.h"
#include "mayfly/work/work_coordinator.h"

namespace mayfly {

// What is watched, and how much may wait.
struct LogWatcherOptions {
  std::string pattern = "error.*";
  int max_queued = 1000;
};

class SignalLogWatcher {
 public:
  // std::invalid_argument: a blank pattern, no callback, a queue of less than 1.
  SignalLogWatcher(SignalSink& sink, std::function<void(const Signal&)> on_match,
                   const LogWatcherOptions& options = {});

  // Waits until what was raised before has been called back for.
  Status flush() { return calls_.wait_until_idle(); }
  std::uint64_t called() const { return calls_.counts().succeeded; }
  std::uint64_t failed() const { return calls_.counts().failed; }
  std::uint64_t dropped() const { return calls_.counts().cancelled; }

 private:
  SignalSink own_sink_;  // of the calls themselves
  WorkCoordinator<Signal> calls_;
  SignalSubscription subscription_;  // last, so that it ends first
};

}  // namespace mayfly
