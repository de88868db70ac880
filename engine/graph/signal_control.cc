#include "mayfly/graph/signal_control.h"

#include <climits>
#include <utility>

namespace mayfly {

SignalControl::SignalControl(SignalSink& sink, const SignalControls& controls,
                             std::function<void()> changed)
    : gate_(sink, {.cancel = controls.cancel_on,
                   .defer = controls.defer_on,
                   .resume = controls.resume_on,
                   .interval_ns = kSecond,
                   .attempts = INT_MAX}),
      subscription_(sink.subscribe(gate_.patterns(),
                                   [this, changed = std::move(changed)](const SignalEvent&) {
                                     gate_.mark();
                                     if (changed) changed();
                                   },
                                   {.removals = true})) {}

}  // namespace mayfly
