// SignalConsensus: waits until a number of different operations have raised a signal that matches.
//
// An operation counts once, however often it raises; a raise without an operation doesn't count.
// What was counted stays so, also when it is retracted. Counting stops at the quorum.
//
// MEMORY     8 bytes for each operation of the quorum, allocated at construction. The sink and its
//            clock have to outlive it.
// THREADS    Counts on the raising threads, under a mutex of its own. Any thread may wait or ask;
//            nobody may be waiting any more when it is destroyed.
// UNITS      Times in nanoseconds of the sink's clock.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string_view>
#include <vector>

#include "mayfly/base/operation_id.h"
#include "mayfly/signal/signal_sink.h"
#include "mayfly/signal/signal_subscription.h"

namespace mayfly {

// How a wait ended. Either reached or timed_out.
struct ConsensusResult {
  bool reached = false;
  bool timed_out = false;
  std::size_t count = 0;  // different operations, at most the quorum
};

class SignalConsensus {
 public:
  // `patterns` is a comma-separated list. Counts what is raised from now on, and of what is present
  // already that which was raised at since_ns or later (kNever: nothing; kAlways: all of it).
  // Throws std::invalid_argument for a quorum of 0 and when there is no pattern.
  SignalConsensus(SignalSink& sink, std::string_view patterns, std::size_t quorum,
                  std::int64_t since_ns = kNever);
  SignalConsensus(const SignalConsensus&) = delete;
  SignalConsensus& operator=(const SignalConsensus&) = delete;

  // Until the quorum or the deadline (kNever: none) is reached, whichever comes first; a quorum
  // that is reached wins over a deadline that has passed.
  ConsensusResult wait_until(std::int64_t deadline_ns);

  // Different operations so far, at most the quorum.
  std::size_t count() const;
  bool reached() const { return count() >= quorum_; }

 private:
  void vote(OperationId operation);

  SignalSink& sink_;
  const std::size_t quorum_;
  mutable std::mutex mutex_;
  std::condition_variable reached_;
  std::vector<OperationId> voters_;  // sorted; guarded by mutex_
  SignalSubscription subscription_;  // last: ends before what its listener uses
};

}  // namespace mayfly
