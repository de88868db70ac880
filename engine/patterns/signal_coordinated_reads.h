// SignalCoordinatedReads: readers wait while something is being updated.
//
//   SignalCoordinatedReads reads({.max_readers = 4});
//   reads.read([&] { return cache.get(); });      // from any number of threads
//   reads.update([&] { cache.rebuild(); });       // readers that come meanwhile wait
//
// An update raises update.in-progress, waits until the reads that had begun have ended, does its
// work, retracts the signal and raises update.done; then those that waited go on at once. Updates
// are made one at a time. A read that has to wait raises read.waiting. Several of these on one sink
// wait for each other's updates.
//
// THREADS  Any may call anything, at once; a read must not update, nor an update read.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <shared_mutex>
#include <utility>

#include "mayfly/base/status.h"
#include "mayfly/work/work_coordinator.h"

namespace mayfly {

// How many read at once, and where the signals go.
struct CoordinatedReadsOptions {
  int max_readers = 4;            // at once
  SignalSink* signals = nullptr;  // borrowed; null: one of its own
  const Clock* clock = nullptr;   // borrowed; null: the machine's
};

class SignalCoordinatedReads {
 public:
  static constexpr const char* kInProgress = "update.in-progress";
  static constexpr const char* kDone = "update.done";
  static constexpr const char* kWaiting = "read.waiting";

  explicit SignalCoordinatedReads(const CoordinatedReadsOptions& options = {});

  // Begins the read, now or when the update has ended; its id. An exception fails it.
  Result<OperationId> read(std::function<void()> body);
  // Waits for a read's end.
  Result<OperationSnapshot> wait(OperationId id) { return readers_.wait(id); }
  // Does it on the calling thread, and says how it ended; readers go on whatever it was.
  Status update(std::function<void()> body);
  // Takes no more reads, and waits for those there are.
  Status drain();

  std::uint64_t reads() const { return readers_.counts().succeeded; }
  std::uint64_t updates() const { return updates_.load(std::memory_order_relaxed); }
  SignalSink& signals() { return readers_.sink(); }

 private:
  std::mutex updating_;
  std::shared_mutex reading_;  // readers share it
  std::atomic<std::uint64_t> updates_{0};
  WorkCoordinator<std::function<void()>> readers_;
};

}  // namespace mayfly
