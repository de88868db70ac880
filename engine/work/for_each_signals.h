// ForEachSignals: the sink of one for_each, and the listeners that its options have on it.
//
// OWNERSHIP  Shared with the threads of bodies that have a time limit: when one is abandoned, what
//            it may still touch of the signals is here.
// THREADS    Any, but close().
#pragma once

#include <memory>
#include <optional>

#include "mayfly/base/clock.h"
#include "mayfly/signal/signal_sink.h"
#include "mayfly/work/own_listeners.h"
#include "mayfly/work/sink_uses.h"
#include "mayfly/work/work_options.h"

namespace mayfly {

class ForEachSignals {
 public:
  // `raises`: the body takes its operation.
  ForEachSignals(const WorkOptions& options, bool raises);
  ForEachSignals(const ForEachSignals&) = delete;
  ForEachSignals& operator=(const ForEachSignals&) = delete;

  const Clock& clock() const { return *clock_; }
  // Null: nobody could hear, or raises.
  SignalSink* sink() const { return sink_; }
  // Of bodies that may be abandoned.
  SinkUses& uses() { return uses_; }
  // No listener is called any more, and no use begins. `abandoned`: some bodies were.
  void close(bool abandoned);

 private:
  void hear(const SignalListener& call, SignalEventKind kind);

  const std::shared_ptr<const void> keep_alive_;
  const SystemClock system_clock_;
  const Clock* const clock_;
  std::optional<SignalSink> own_;
  SignalSink* const sink_;
  SinkUses uses_{this};
  OwnListeners listeners_{this};
};

}  // namespace mayfly
