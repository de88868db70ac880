// HeardSignals: what nodes and reactions listen to, on its way from whoever raises to the driver.
//
// A subscription keeps a copy of each matching signal, in the order in which they were raised, and
// wakes the driver; so none is missed that leaves the sink's window before the driver looks, and
// nobody searches the window. Bounded like it: beyond its capacity the oldest are dropped, and
// counted.
//
// THREADS  The listener runs on whichever raises; take(): the driver's.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "mayfly/base/glob.h"
#include "mayfly/signal/signal_sink.h"

namespace mayfly {

// A signal as it was raised.
struct HeardSignal {
  std::string name;
  std::int64_t at_ns = 0;
};

class HeardSignals {
 public:
  // Begins with what is present, if `with_present`: what a persistent window has restored, say.
  // woken(): there is something to take; on the raising thread.
  HeardSignals(SignalSink& sink, const std::vector<std::string>& globs, bool with_present,
               std::function<void()> woken);

  // What was raised since the last call, in order.
  std::vector<HeardSignal> take();
  std::uint64_t dropped() const;

 private:
  void keep(HeardSignal signal);

  const std::size_t capacity_;
  mutable std::mutex mutex_;
  std::deque<HeardSignal> waiting_;
  std::uint64_t dropped_ = 0;
  SignalSubscription subscription_;  // last: it ends first
};

}  // namespace mayfly
