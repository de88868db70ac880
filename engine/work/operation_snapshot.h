// OperationSnapshot: what could be seen of one piece of work at one moment. A value.
//
//   Pending -> Running -> Succeeded | Failed -> (evicted: seen no more, but for an echo)
//   Pending -> Skipped (a signal said so) | Cancelled (the coordinator was told to stop)
#pragma once

#include <cstdint>
#include <new>
#include <string>
#include <vector>

#include "mayfly/base/operation_id.h"
#include "mayfly/signal/signal_sink.h"

namespace mayfly {

// How far an operation has come.
enum class OperationState : std::uint8_t {
  kPending,
  kRunning,
  kSucceeded,
  kFailed,     // its body threw, returned a failed Status, or ran out of time
  kSkipped,    // a signal of cancel_on_signals was present when its turn came
  kCancelled,  // the coordinator was cancelled while it waited
};

// Times are of the coordinator's clock, in nanoseconds; 0: that hasn't happened.
struct OperationSnapshot {
  OperationId id = 0;
  OperationState state = OperationState::kPending;
  bool pinned = false;
  std::int64_t enqueued_ns = 0;
  std::int64_t started_ns = 0;
  std::int64_t finished_ns = 0;
  std::string key;    // its text; the first kKeyTextBytes of a longer one
  std::string error;  // why it didn't succeed; the first kErrorTextBytes of a longer text

  // Pending and running ones are still to end.
  bool finished() const { return state >= OperationState::kSucceeded; }
  bool failed() const { return state == OperationState::kFailed; }
  // How long the body ran; 0 while it runs, or if it never did.
  std::int64_t duration_ns() const {
    return started_ns == 0 || finished_ns == 0 ? 0 : finished_ns - started_ns;
  }
  // How long it waited for its turn; 0 while it waits.
  std::int64_t waited_ns() const { return started_ns == 0 ? 0 : started_ns - enqueued_ns; }
};

// A copy; without its texts where there is no memory for them.
inline OperationSnapshot copy_of(const OperationSnapshot& one) noexcept {
  OperationSnapshot copy;
  copy.id = one.id;
  copy.state = one.state;
  copy.pinned = one.pinned;
  copy.enqueued_ns = one.enqueued_ns;
  copy.started_ns = one.started_ns;
  copy.finished_ns = one.finished_ns;
  try {
    copy.key = one.key;
    copy.error = one.error;
  } catch (const std::bad_alloc&) {
    // As far as they are there.
  }
  return copy;
}

constexpr std::size_t kKeyTextBytes = 48;
constexpr std::size_t kErrorTextBytes = 192;

// What is left for a while of an operation that was evicted: the signals that it had raised.
struct OperationEcho {
  OperationId id = 0;
  std::string key;
  std::int64_t evicted_ns = 0;
  std::vector<Signal> signals;
};

}  // namespace mayfly
