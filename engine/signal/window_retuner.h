// WindowRetuner: sets a sink's capacity and maximum age when a signal says so.
//
// COMMANDS   "window.size.set:N" sets the capacity to N signals (SignalSink::set_capacity()).
//            "window.time.set:HH:MM:SS" sets the maximum age (SignalSink::set_max_age()); hours may
//            have more digits, minutes and seconds are below 60. Dotted segments may stand before
//            either (match_command.h). A payload that is neither changes nothing and is counted.
// MEMORY     The sink has to outlive it. Ends its subscription when it is destroyed.
// THREADS    Acts on the raising thread. Any thread may read the counters.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string_view>

#include "mayfly/signal/signal_sink.h"
#include "mayfly/signal/signal_subscription.h"

namespace mayfly {

// "00:30:00" in nanoseconds; nothing for any other form. Allocates nothing.
std::optional<std::int64_t> parse_clock_duration(std::string_view text);

class WindowRetuner {
 public:
  explicit WindowRetuner(SignalSink& sink);
  WindowRetuner(const WindowRetuner&) = delete;
  WindowRetuner& operator=(const WindowRetuner&) = delete;

  // Commands that were carried out, and those whose payload can't be read.
  std::uint64_t applied() const { return applied_.load(std::memory_order_relaxed); }
  std::uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }

 private:
  void handle(std::string_view name);

  SignalSink& sink_;
  std::atomic<std::uint64_t> applied_{0};
  std::atomic<std::uint64_t> refused_{0};
  SignalSubscription subscription_;  // last: ends before what its listener uses
};

}  // namespace mayfly
