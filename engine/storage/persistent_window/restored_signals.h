// RestoredSignals: what a window loaded from its database and keeps beside its sink, so that no
// listener hears of it again and its times and keys stay.
//
// MEMORY   The max_signals newest; and the id of each that was ever loaded, so that none is twice.
// THREADS  Any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include "mayfly/base/clock.h"
#include "mayfly/base/function_ref.h"
#include "mayfly/storage/persistent_window/window_signal.h"

namespace mayfly {

class RestoredSignals {
 public:
  explicit RestoredSignals(std::size_t max_signals) : max_signals_(max_signals) {}

  // Those that no call was given before.
  std::vector<WindowSignal> take_new(std::vector<WindowSignal> loaded);
  // From now on they are visited, until they are older than max_age_ns (of the call with the
  // longest), or newer ones push them out.
  void show(std::vector<WindowSignal> signals, std::int64_t max_age_ns);
  // Each that is shown, by time, until the visitor returns false.
  void visit(std::int64_t now_ns, FunctionRef<bool(const WindowSignal&)> visitor) const;

 private:
  const std::size_t max_signals_;
  mutable std::mutex mutex_;         // guards what follows
  std::vector<WindowSignal> shown_;  // by time
  std::vector<std::int64_t> known_;  // sorted
  std::int64_t max_age_ns_ = 0;
};

}  // namespace mayfly
