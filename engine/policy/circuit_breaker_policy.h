// CircuitBreakerPolicy: whether calls may be made to something that has been failing.
//
//   closed     calls pass. Opens when the failures of the window reach what `mode` says.
//   open       none passes, for open_ns. Then half-open.
//   half-open  `probes` calls may be out at a time. probes_to_close successes in a row close it,
//   one
//              failure opens it. A probe whose answer hasn't come after probe_timeout_ns counts as
//              failed, so that a lost answer can't keep it half-open for ever.
//   forced     open or closed, whatever happens, until release().
//
// While what calls is coming to its end (drain()), nobody else is there to be spared, but a failed
// probe mustn't be followed at once by the next: open lasts 10 ms then, and twice as long after
// each probe that fails, up to a second or open_ns. Nor longer than half of the time that is left,
// so that what a probe lets go can still be done.
//
// Calls aren't told apart: a success that was begun before it opened, and ends while it is
// half-open, counts as a probe's.
//
// Arithmetic alone: time comes in, and never goes back (an earlier time counts as the latest one).
// MEMORY   Fixed at construction: `threshold` times for kCount, 64 slices of the window for kRatio.
// THREADS  One at a time.
// SOURCE   M. Nygard, "Release It!" (2007), chapter 5; the modes are those that resilience4j and
//          Polly have.
#pragma once

#include <cstdint>
#include <vector>

#include "mayfly/base/clock.h"
#include "mayfly/policy/sliding_count.h"

namespace mayfly {

// Whether calls pass: all, none, or some to see.
enum class BreakerState : std::uint8_t { kClosed, kOpen, kHalfOpen, kForcedOpen, kForcedClosed };

// The defaults are the seed's.
struct BreakerOptions {
  enum class Mode : std::uint8_t {
    kCount,        // `threshold` failures within the window
    kConsecutive,  // `threshold` failures without a success between them
    kRatio,        // `ratio` of the window's calls, of which there are at least min_calls
  };

  Mode mode = Mode::kCount;
  std::uint32_t threshold = 5;  // 1 to 1,000,000
  double ratio = 0.5;           // above 0, up to 1
  std::uint32_t min_calls = 10;
  std::int64_t window_ns = 30 * kSecond;
  std::int64_t open_ns = 30 * kSecond;
  std::uint32_t probes = 1;
  std::uint32_t probes_to_close = 1;
  std::int64_t probe_timeout_ns = 30 * kSecond;
  std::int64_t slow_call_ns = 0;  // a success that took longer counts as a failure; 0: none does
};

class CircuitBreakerPolicy {
 public:
  // std::invalid_argument: a value out of its range.
  explicit CircuitBreakerPolicy(const BreakerOptions& options);

  const BreakerOptions& options() const { return options_; }

  // Whether a call may begin now. If so its end is to be reported by one of the next three.
  bool try_begin(std::int64_t now_ns);
  void succeeded(std::int64_t now_ns, std::int64_t took_ns = 0);
  void failed(std::int64_t now_ns);
  // It ended without saying anything about whom it called.
  void abandoned(std::int64_t now_ns);

  // A failure of a call that didn't ask, perhaps of an earlier process: at_ns may be in the past.
  // What has left the window counts no more.
  void note_failure(std::int64_t at_ns, std::int64_t now_ns);

  BreakerState state(std::int64_t now_ns);
  // How long none may begin for certain; 0: perhaps one may now; kNever: until release().
  std::int64_t retry_after_ns(std::int64_t now_ns);
  // When the state may change by time alone; kNever: it doesn't.
  std::int64_t next_change_ns() const;
  std::uint64_t failures(std::int64_t now_ns);
  std::uint32_t probes_out() const { return probes_out_; }
  // Times that probes counted as failed for want of an answer.
  std::uint64_t probes_lost() const { return probes_lost_; }

  void force(BreakerState forced);  // kForcedOpen or kForcedClosed
  // From forced: closed, with an empty window.
  void release();
  // It is to be over by the deadline: open is half-open at once, and short from now on. The first
  // call counts.
  void drain(std::int64_t now_ns, std::int64_t deadline_ns);
  void set_threshold(std::uint32_t threshold, std::int64_t now_ns);

 private:
  void advance(std::int64_t now_ns);
  bool trips(std::int64_t now_ns);
  void record_failure(std::int64_t at_ns);
  void open(std::int64_t now_ns);
  std::int64_t next_pause_ns(std::int64_t now_ns);
  void half_open();
  void close();
  void end_probe();

  BreakerOptions options_;
  BreakerState state_ = BreakerState::kClosed;
  std::int64_t now_ns_ = 0;         // the latest that was passed in
  std::int64_t open_until_ns_ = 0;  // kOpen
  std::int64_t probe_due_ns_ = kNever;
  std::uint32_t probes_out_ = 0;
  std::uint32_t probes_passed_ = 0;
  std::uint32_t consecutive_ = 0;
  std::uint64_t probes_lost_ = 0;
  bool draining_ = false;
  std::int64_t drained_by_ns_ = 0;   // the drain's deadline
  std::int64_t drain_pause_ns_ = 0;  // the next one
  NewestTimes newest_failures_;      // kCount
  SlidingCount calls_;               // kRatio
  SlidingCount failures_;            // kRatio, kConsecutive: to be told
};

}  // namespace mayfly
