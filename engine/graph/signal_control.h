// SignalControl: what cancel_on, defer_on and resume_on of a source or node say now.
//
// The gate is the coordinators' (work/signal_gate.h), without their limit on how often something is
// deferred: what it holds back is bounded by the pool. Raises and retractions mark it at once; that
// a signal has aged is seen by looking again.
//
// THREADS  look(): one, the source's or the driver's. The listener runs on whichever raises.
#pragma once

#include <functional>

#include "mayfly/config/plan.h"
#include "mayfly/signal/signal_sink.h"
#include "mayfly/work/signal_gate.h"

namespace mayfly {

class SignalControl {
 public:
  // changed(): look again; on the raising thread. The sink outlives this.
  SignalControl(SignalSink& sink, const SignalControls& controls, std::function<void()> changed);

  GateVerdict look(std::int64_t now_ns) noexcept { return gate_.look(now_ns, now_ns); }

 private:
  SignalGate gate_;
  SignalSubscription subscription_;
};

}  // namespace mayfly
