#include "mayfly/work/for_each_signals.h"

namespace mayfly {

ForEachSignals::ForEachSignals(const WorkOptions& options, bool raises)
    : keep_alive_(options.keep_alive),
      clock_(options.clock != nullptr ? options.clock : &system_clock_),
      sink_(
          options.signals != nullptr ? options.signals
          : raises || options.on_signal || options.on_signal_retracted
              ? &own_.emplace(*clock_, SignalSinkOptions{.constraints = options.signal_constraints})
              : nullptr) {
  hear(options.on_signal, SignalEventKind::kRaised);
  hear(options.on_signal_retracted, SignalEventKind::kRemoved);
}

void ForEachSignals::hear(const SignalListener& call, SignalEventKind kind) {
  if (!call) return;
  const auto listener = [call, kind](const SignalEvent& event) {
    if (event.kind() == kind) call(event);
  };
  listeners_.hear(*sink_, "*", listener, {.removals = kind == SignalEventKind::kRemoved});
}

void ForEachSignals::close(bool abandoned) {
  listeners_.close(abandoned);
  uses_.close();
}

}  // namespace mayfly
