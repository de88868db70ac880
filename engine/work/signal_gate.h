// SignalGate: whether signals let waiting operations run, now.
//
//   cancel  present: they are skipped.
//   defer   present, and no resume signal is: they wait, each for at most `attempts` intervals from
//           when it came or, if that was later, from when the deferral began; then they run anyway.
//
// Present is what the sink says at the moment of the look (signal_sink.h). Whoever owns the gate
// listens to patterns(), calls mark() and looks again, so nobody has to poll for raises and
// retractions; that a signal grew too old, was pushed out of the window or retuned out of it is
// seen by looking again at the time that look() says, a second later at most.
//
// THREADS  look(): under the scheduler's lock. mark(): any.
#pragma once

#include <atomic>
#include <cstdint>
#include <new>
#include <string>
#include <vector>

#include "mayfly/signal/pattern_set.h"
#include "mayfly/signal/signal_sink.h"

namespace mayfly {

// Which signals cancel, defer and resume.
struct GateOptions {
  std::vector<std::string> cancel;
  std::vector<std::string> defer;
  std::vector<std::string> resume;
  std::int64_t interval_ns = 100 * kMillisecond;
  int attempts = 50;
};

// What the signals say of one operation.
struct GateVerdict {
  enum class Kind : std::uint8_t { kRun, kSkip, kWait, kRunExhausted };
  Kind kind = Kind::kRun;
  std::int64_t look_again = kNever;  // kWait: at the latest
};

class SignalGate {
 public:
  SignalGate(const SignalSink& sink, GateOptions options);

  // All that matters here, as SignalSink::subscribe() takes it; empty: nothing does.
  std::string patterns() const;
  // One of them was raised or retracted.
  void mark() { dirty_.store(true, std::memory_order_release); }

  // For an operation that came at enqueued_ns. Without memory to look at new names it waits, and
  // looks again soon.
  GateVerdict look(std::int64_t now_ns, std::int64_t enqueued_ns) noexcept {
    // Nothing was present, and nothing has been raised since.
    if (!closed_ && !dirty_.load(std::memory_order_acquire)) return {};
    try {
      return evaluate(now_ns, enqueued_ns);
    } catch (const std::bad_alloc&) {
      mark();
      return {.kind = GateVerdict::Kind::kWait, .look_again = now_ns + kLookSoonNs};
    }
  }

 private:
  static constexpr std::int64_t kLookSoonNs = kMillisecond;

  GateVerdict evaluate(std::int64_t now_ns, std::int64_t enqueued_ns);

  const GateOptions options_;
  const PatternSet cancel_;
  const PatternSet defer_;
  const PatternSet resume_;
  std::atomic<bool> dirty_{true};
  bool closed_ = false;  // something was present at the last look
  std::int64_t deferred_since_ns_ = kNever;
};

}  // namespace mayfly
