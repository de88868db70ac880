// Lanes: the queues of waiting operations by priority, highest first, each with its own rules. One
// lane where a coordinator has no priorities.
//
// THREADS  Under the scheduler's lock, but depth() and enter(): any thread.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "mayfly/work/dispatch_order.h"
#include "mayfly/work/signal_gate.h"

namespace mayfly {

// One level of priority.
struct PriorityLane {
  std::string name;
  // Operations that wait in it; further ones are refused. 0: WorkOptions::queue_capacity, and
  // further ones wait for room.
  int max_depth = 0;
  // As in WorkOptions, for this lane alone. They need WorkOptions::signals.
  std::vector<std::string> cancel_on_signals = {};
  std::vector<std::string> defer_on_signals = {};
  std::int64_t defer_check_interval_ns = 100 * kMillisecond;
  int max_defer_attempts = 50;
};

// The operations of one priority that wait, and what is counted of them.
class Lane {
 public:
  // limit: operations that wait in it at most; 0: the intake's bound is enough, and depth() isn't
  // kept.
  Lane(PriorityLane options, std::uint32_t limit) : options_(std::move(options)), limit_(limit) {}

  const PriorityLane& options() const { return options_; }
  // How many wait.
  std::uint32_t depth() const {
    const std::uint32_t in_line = depth_.load(std::memory_order_acquire);
    return in_line - std::min(in_line, dead_.load(std::memory_order_acquire));
  }
  bool full() const { return limit_ != 0 && depth_.load(std::memory_order_acquire) >= limit_; }
  // Whether what comes while it is full is refused, and doesn't wait.
  bool refuses_when_full() const { return options_.max_depth > 0; }
  // One more; it isn't full. Producers, under the intake's lock.
  void enter() {
    if (limit_ != 0) depth_.fetch_add(1, std::memory_order_acq_rel);
  }
  // One waits no more, and keeps its place.
  void die() { dead_.fetch_add(1, std::memory_order_acq_rel); }
  // One leaves its place; `dead`: it has waited no more.
  void leave(bool dead) {
    if (dead) dead_.fetch_sub(1, std::memory_order_acq_rel);
    if (limit_ != 0) depth_.fetch_sub(1, std::memory_order_acq_rel);
  }

  SlotList arrived;                  // not looked at yet, in order of arrival
  std::unique_ptr<SignalGate> gate;  // null: none of its own

 private:
  const PriorityLane options_;
  const std::uint32_t limit_;
  std::atomic<std::uint32_t> depth_{0};
  std::atomic<std::uint32_t> dead_{0};
};

using Lanes = std::vector<std::unique_ptr<Lane>>;

// Without keys: the first operation of the highest lane that may go on.
class LaneOrder final : public DispatchOrder {
 public:
  LaneOrder(OperationTable& table, Intake& intake, Lanes& lanes)
      : table_(table), intake_(intake), lanes_(lanes) {}

  Turn next(std::int64_t now_ns) override;
  void take(OperationSlot slot, bool runs) override;
  void finished(OperationSlot) override {}
  OperationSlot oldest() override;
  void take_all(FunctionRef<void(OperationSlot)> take) override;

 private:
  OperationTable& table_;
  Intake& intake_;
  Lanes& lanes_;
};

// Puts all that arrived into its lane.
void sort_arrivals(OperationTable& table, Intake& intake, Lanes& lanes);
// Which of two came first; either may be kNoOperationSlot.
OperationSlot older(const OperationTable& table, OperationSlot a, OperationSlot b);
// What the lane's gate says of one of its operations.
Turn ask_gate(Lane& lane, const OperationTable& table, OperationSlot slot, std::int64_t now_ns);

}  // namespace mayfly
