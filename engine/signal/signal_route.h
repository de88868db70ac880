// route: what one sink raises appears in another too.
//
// A forwarded signal is caused by the original: it keeps its operation, and its path goes on in the
// target, whose constraints decide (signal_constraints.h). The same stem in another sink is no
// cycle, the way back to the same sink is one: two sinks that are routed into each other show each
// signal once. What is blocked is counted by the target.
//
// THREADS    Forwarding happens on the thread that raises.
// MEMORY     `from` may go first; `to` has to live until the subscription has ended.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "mayfly/signal/signal_sink.h"

namespace mayfly {

// The name to raise in the target; an empty one: nothing is forwarded.
using RouteTransform = std::function<std::string(const SignalEvent&)>;

// Told of each signal that was raised in the target, with the name it has there.
using RouteObserver = std::function<void(const SignalEvent& original, std::string_view name)>;

// Forwards what matches `patterns` (as for SignalSink::subscribe(), which also says what is
// refused) for as long as the subscription lives. Without a transform names stay as they are, and
// forwarding allocates nothing. What the functions throw is counted with the listener failures of
// `from`; a transform that throws forwards nothing.
[[nodiscard]] SignalSubscription route(SignalSink& from, std::string_view patterns, SignalSink& to,
                                       RouteTransform transform = {},
                                       RouteObserver on_forwarded = {});

}  // namespace mayfly
