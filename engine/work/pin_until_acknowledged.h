// PinUntilAcknowledged: keeps operations in a coordinator's window until somebody says by a signal
// that they have been dealt with.
//
//   PinUntilAcknowledged pins(jobs, sink, clock);
//   pins.pin(id, {.description = "invoice 17"});
//   ...
//   sink.raise("responsibility.ack.billing:" + std::to_string(id));   // now it may leave
//
// THREADS  Any thread. Acknowledged on the thread that raises.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "mayfly/base/clock.h"
#include "mayfly/base/glob.h"
#include "mayfly/base/operation_id.h"
#include "mayfly/base/status.h"
#include "mayfly/signal/signal_sink.h"
#include "mayfly/signal/signal_subscription.h"
#include "mayfly/work/coordinator.h"

namespace mayfly {

// What ends a pin.
struct PinOptions {
  std::string acknowledged_by = "responsibility.ack.*";  // a glob over the signal's stem
  std::string argument = {};                             // of that signal; empty: the id in decimal
  std::string description = {};                          // for people
};

// One pin that is still held.
struct PinnedResponsibility {
  OperationId id = 0;
  std::string description;
  std::int64_t pinned_ns = 0;
};

class PinUntilAcknowledged {
 public:
  // All are borrowed. After max_pin_ns a pin ends by itself; that is looked at with every signal of
  // the sink, every pin, and every look at active().
  PinUntilAcknowledged(Coordinator& coordinator, SignalSink& sink, const Clock& clock,
                       std::int64_t max_pin_ns = kNever);
  // Unpins all.
  ~PinUntilAcknowledged();
  PinUntilAcknowledged(const PinUntilAcknowledged&) = delete;
  PinUntilAcknowledged& operator=(const PinUntilAcknowledged&) = delete;

  // kUsage: no such operation in the coordinator, or a blank pattern.
  Status pin(OperationId id, PinOptions options = {});
  // Ends it without a signal. False: it wasn't pinned here.
  bool complete(OperationId id);
  std::vector<PinnedResponsibility> active();
  std::size_t pending_count() { return active().size(); }

 private:
  struct Pin {
    Glob acknowledged_by;
    std::string argument;
    std::string description;
    std::int64_t pinned_ns;
  };

  void hear(const SignalEvent& event);
  // Takes out those that `ends` is true of, and unpins them without the lock.
  template <class Ends>
  std::size_t release(Ends ends);
  void release_expired();

  Coordinator& coordinator_;
  const Clock& clock_;
  const std::int64_t max_pin_ns_;
  std::mutex mutex_;
  std::map<OperationId, Pin> pins_;  // guarded by mutex_
  SignalSubscription subscription_;
};

}  // namespace mayfly
