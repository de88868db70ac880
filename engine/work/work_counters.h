// WorkCounters: what became of operations, as counts that anybody may read.
//
// THREADS  add(): under the scheduler's lock, so a load and a store do; read by any thread.
#pragma once

#include <atomic>
#include <cstdint>

namespace mayfly {

// At one moment; each figure by itself.
struct WorkCounts {
  std::uint64_t enqueued = 0;   // accepted
  std::uint64_t pending = 0;    // waiting
  std::uint64_t active = 0;     // running
  std::uint64_t succeeded = 0;  // ended well
  std::uint64_t failed = 0;     // threw, returned a failed Status, or ran out of time
  std::uint64_t timed_out = 0;  // those of them that ran out of time
  std::uint64_t skipped = 0;    // by a signal of cancel_on_signals
  std::uint64_t cancelled = 0;  // by cancel(), try_kill(), destruction, or a full queue that drops
  std::uint64_t deferrals_exhausted = 0;  // ran although a signal deferred them
  std::uint64_t threads = 0;              // now, without abandoned ones
  std::uint64_t abandoned_threads = 0;    // now
  // Callbacks that threw; and echoes, signals of the coordinator and calls of on_finalized for
  // which there was no memory.
  std::uint64_t observer_failures = 0;
  std::uint64_t signals_dropped = 0;  // that waited for on_signal_async and its like
};

// A count with one writer at a time and any number of readers.
class WorkCounter {
 public:
  void add(std::uint64_t count = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + count, std::memory_order_release);
  }
  std::uint64_t get() const { return value_.load(std::memory_order_acquire); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

struct WorkCounters {
  WorkCounter succeeded;
  WorkCounter failed;
  WorkCounter timed_out;
  WorkCounter skipped;
  WorkCounter cancelled;
  WorkCounter deferrals_exhausted;
  std::atomic<std::uint64_t> observer_failures{0};  // outside the lock
};

}  // namespace mayfly
