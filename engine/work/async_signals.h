// AsyncSignals: a listener on threads of its own, so that raising never waits for it.
//
// Events wait in a bounded queue; when it is full the oldest is dropped and counted. What the
// listener raises is caused by the event it handles (signal_constraints.h).
//
// THREADS  push(): any. close(): takes no more, and handles what waits; within the listener it
//          drops that instead, since it would wait for itself. Destruction closes.
#pragma once

#include <cstdint>
#include <memory>

#include "mayfly/base/clock.h"
#include "mayfly/signal/signal_event.h"
#include "mayfly/signal/signal_sink.h"

namespace mayfly {

class AsyncSignals {
 public:
  AsyncSignals(SignalListener listener, int handlers_max, int queued_max, const Clock& clock);
  ~AsyncSignals();
  AsyncSignals(const AsyncSignals&) = delete;
  AsyncSignals& operator=(const AsyncSignals&) = delete;

  // Never waits for the listener.
  void push(const SignalEvent& event);
  void close();
  // Events that were dropped, and calls of the listener that threw.
  std::uint64_t dropped() const;
  std::uint64_t failures() const;

 private:
  struct Queue;
  const std::unique_ptr<Queue> queue_;
};

}  // namespace mayfly
