// ObservedWindow: the operations of a pass that somebody watches while it goes on.
//
// for_each's workers keep what they have ended to themselves and merge it at the end. With
// on_sample or on_finalized, this stands in its place: one lock for each start and each end.
//
// THREADS  Any. Observers are called outside the lock, possibly several at the same time, on the
//          thread whose operation ended; what they throw is swallowed and counted.
// MEMORY   window_max snapshots, or as many as run at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <vector>

#include "mayfly/work/operation_snapshot.h"
#include "mayfly/work/work_options.h"

namespace mayfly {

class ObservedWindow {
 public:
  // Borrows the options.
  explicit ObservedWindow(const WorkOptions& options);

  void start(OperationSnapshot running);
  // Moves it from the running ones to the ended ones, lets those that are too old or too many
  // leave, and calls the observers.
  void end(OperationSnapshot ended);
  // Those that have ended and haven't left, by their ends.
  std::vector<OperationSnapshot> take();
  std::uint64_t observer_failures() const;

 private:
  std::vector<OperationSnapshot> evict(std::int64_t now_ns);
  std::vector<OperationSnapshot> sample() const;

  const WorkOptions& options_;
  const std::size_t window_max_;
  mutable std::mutex mutex_;
  std::vector<OperationSnapshot> running_;
  std::deque<OperationSnapshot> ended_;
  std::uint64_t observer_failures_ = 0;
};

}  // namespace mayfly
